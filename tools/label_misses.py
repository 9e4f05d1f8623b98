"""Where people and holds disagree, as a page with pictures: for `tools/labels.py --misses`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.records import MissingClip, counted
from bench.report.evidence_lines import Point, evidence_by_clip
from bench.report.miss_sheet import Card, Cell, Section, miss_sheet
from bench.report.words import cause_label
from bench.run_folder import RunFolder
from bench.video import encode_jpeg, read_pictures

MOST = 18  # clips shown of one kind
NEAR = 4  # frames by which an onset may lie from the break that people see
PIXELS, QUALITY = 24_000, 80  # of one picture, of its JPEG
STEPS = (-1, 0, 1, 4)  # frames shown about a frame, the one before it first
TITLE = "Where people and the hold disagree"
EXPLAIN = (
    "Frames about the break that people see stand above those where framehold has the most evidence, on a narrow "
    "screen beside them. Frames are numbered from 0. Evidence is a share of the threshold: an alarm goes off above "
    "100%. Only clips that raters agree on are shown.",
)


def label_misses(run: RunFolder, table: pd.DataFrame) -> str:
    """The HTML of the page. `table` holds the holds of labelled clips, the labels in columns that end in `_told`."""
    sure = table[table["unanimous_told"].astype(bool)].sort_values("evidence", ascending=False).reset_index(drop=True)
    points = evidence_by_clip(run.table(run.evidence_path))
    rows = [{"rank": number, "of": len(sure), **row} for number, row in enumerate(sure.to_dict("records"), start=1)]
    broke = [row for row in rows if row["broke_told"]]
    missed = [row for row in broke if not row["broke"]]
    elsewhere = [row for row in broke if _frame(row["alarm_frame"]) is not None and _away(row) > NEAR]
    least = min((row["evidence"] for row in broke), default=np.inf)
    high = [row for row in rows if not row["broke_told"] and (row["broke"] or row["evidence"] > least)]
    holding = len(rows) - len(broke)
    sections = (
        ("Break for people, held by framehold", len(broke), missed[::-1], "The least evidence first."),
        (
            "Hold for people, high by framehold",
            holding,
            high,
            "With more evidence than some clip that breaks, or ended.",
        ),
        ("Break elsewhere", len(broke), elsewhere, f"The onset is more than {NEAR} frames from where people see it."),
    )
    lede = f"{len(rows)} labelled clips that raters agree on: {len(broke)} break, {holding} hold."
    cards = [_section(title, of, its, order, run, points) for title, of, its, order in sections if its]
    return miss_sheet(TITLE, lede, EXPLAIN, cards)


def _away(row: Mapping[str, Any]) -> float:
    return abs(float(row["onset_frame"]) - float(row["break_median_told"]))


def _section(
    title: str,
    of: int,
    rows: Sequence[Mapping[str, Any]],
    order: str,
    run: RunFolder,
    points: Mapping[str, Sequence[Point]],
) -> Section:
    rest = f" The first {MOST} are shown." if len(rows) > MOST else ""
    cards = tuple(_card(row, run, points.get(row["clip_id"], ())) for row in rows[:MOST])
    return Section(title, f"{len(rows)} of {counted(of, 'clip')}. {order}{rest}", cards)


def _card(row: Mapping[str, Any], run: RunFolder, points: Sequence[Point]) -> Card:
    most = max(points, key=lambda point: point[1], default=None)
    lines = (_people(row), _framehold(row, most), f"Rank {row['rank']} of {row['of']} by evidence.")
    last, peak = int(row["frames"]) - 1, most[0] if most else 0
    seen = round(float(row["break_median_told"])) if row["broke_told"] else None
    if seen is None:
        shown = [("", frame) for frame in about(peak, last, 2 * len(STEPS))]
    else:
        pairs = zip(about(seen, last), about(peak, last), strict=True)
        shown = [each for one, two in pairs for each in (("people", one), ("framehold", two))]
    places = {frame: place for place, frame in enumerate(sorted({frame for _, frame in shown}))}
    cells = tuple(Cell(places[frame], f"{frame} {who}".rstrip(), _mark(who, frame, seen, peak)) for who, frame in shown)
    try:
        pictures = read_pictures(run.root / str(row["file"]), places.keys(), max_pixels=PIXELS)
    except (MissingClip, ValueError) as error:
        return Card(str(row["model"]), (*lines, f"No pictures: {error}"), row["name"], b"", 1, ())
    strip = encode_jpeg(np.hstack([pictures[frame] for frame in places]), QUALITY)
    return Card(str(row["model"]), lines, row["name"], strip, len(places), cells, paired=seen is not None)


def about(frame: int, last: int, most: int = len(STEPS)) -> list[int]:
    """So many frames about one, in order: first those of STEPS, then the nearest ones; fewer in a clip of fewer.

    >>> about(20, 47), about(1, 7), about(47, 47), about(1, 2)
    ([19, 20, 21, 24], [0, 1, 2, 5], [44, 45, 46, 47], [0, 1, 2])
    """
    wished = [frame + step for step in STEPS]
    nearest = sorted(range(last + 1), key=lambda other: (abs(other - frame), other))
    chosen = dict.fromkeys(each for each in (*wished, *nearest) if 0 <= each <= last)
    return sorted(list(chosen)[:most])


def _mark(who: str, frame: int, seen: int | None, peak: int) -> str:
    if who == "people":
        return "break" if frame == seen else ""
    return "peak" if frame == peak else ""


def _people(row: Mapping[str, Any]) -> str:
    raters = f" ({int(row['raters_told'])} raters)" if _frame(row.get("raters_told")) is not None else ""
    if not row["broke_told"]:
        return f"People{raters}: holds."
    said = [str(row[name]) for name in ("failure_told", "label_note_told") if isinstance(row.get(name), str)]
    return f"People{raters}: breaks at frame {row['break_median_told']:g}{''.join(f'; {word}' for word in said)}."


def _framehold(row: Mapping[str, Any], most: Point | None) -> str:
    where = f", most at frame {most[0]} ({cause_label(most[2])})" if most else ""
    evidence = f"Evidence {row['evidence']:.0%} of the threshold{where}."
    if not row["broke"]:
        return f"framehold: no alarm, all {int(row['frames'])} frames held. {evidence}"
    return f"framehold: broke at frame {int(row['onset_frame'])}, {cause_label(str(row['cause']))}. {evidence}"


def _frame(value: object) -> int | None:
    return int(value) if isinstance(value, int | float | np.integer | np.floating) and np.isfinite(value) else None
