"""A card a clip, grouped by model: what happened to it, its filmstrip, and the evidence against each of its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.holds import STATIC
from bench.records import ClipRow, counted
from bench.report.evidence_lines import EvidenceLine, break_frame, evidence_by_clip, evidence_line
from bench.report.filmstrips import Filmstrip, embedded, filmstrip
from bench.report.ranking import TableRow
from bench.report.spelling import relative_link
from bench.report.words import cause_label
from bench.run_folder import RunFolder, read_rows

OPEN_CLIPS = 24  # groups are unfolded until so many clips are in sight
NOT_SUMMARIZED = "not summarized yet"

HoldRow = Mapping[str, Any]


@dataclass(frozen=True)
class ClipCard:
    """One clip. `state` is broke, static, held or missing; `verdict` says it in words."""

    clip: ClipRow
    state: str
    verdict: str
    detail: str
    length: str
    true_break: str
    file: str | None
    preview: str | None
    strip: Filmstrip | None
    strip_link: str | None
    line: EvidenceLine | None


@dataclass(frozen=True)
class ClipGroup:
    """The clips of one model, in the order of the page."""

    model: str
    row: TableRow | None
    unfolded: bool
    cards: tuple[ClipCard, ...]


@dataclass(frozen=True)
class Tables:
    """What the cards are made of, by clip."""

    holds: Mapping[str, HoldRow]
    points: Mapping[str, Sequence[tuple[int, float, str]]]
    strip_rows: Mapping[str, Mapping[str, Any]]
    strips: Mapping[str, tuple[bytes, float]]


def clip_groups(run: RunFolder, rows: Sequence[TableRow], holds: Sequence[HoldRow]) -> list[ClipGroup]:
    """Models in the order of the table; in each the earliest break first, then what held, then what is missing."""
    by_clip = {hold["clip_id"]: hold for hold in holds}
    by_model: dict[str, list[ClipRow]] = {row.model: [] for row in rows}
    for clip in run.clips():
        by_model.setdefault(clip.model, []).append(clip)
    for clips in by_model.values():
        clips.sort(key=lambda clip: _order(clip, by_clip.get(clip.clip_id)))
    strip_rows = {row["clip_id"]: row for row in read_rows(run.strips_path)}
    order = [[clip.clip_id for clip in clips] for clips in by_model.values()]
    tables = Tables(
        holds=by_clip,
        points=evidence_by_clip(run.table(run.evidence_path)),
        strip_rows=strip_rows,
        strips=embedded(run.root, order, strip_rows),
    )
    groups, shown = [], 0
    row_of = {row.model: row for row in rows}
    for model, clips in by_model.items():
        cards = tuple(_card(clip, tables) for clip in clips)
        groups.append(ClipGroup(model, row_of.get(model), shown < OPEN_CLIPS, cards))
        shown += len(cards)
    return [group for group in groups if group.cards]


def _order(clip: ClipRow, hold: HoldRow | None) -> tuple[int, int, str, int]:
    if hold is None or hold["missing"] is not None:
        return (2, 0, clip.prompt_id, clip.seed)
    if hold["broke"]:
        return (0, hold["held_frames"], clip.prompt_id, clip.seed)
    return (1, 0, clip.prompt_id, clip.seed)


def _card(clip: ClipRow, tables: Tables) -> ClipCard:
    hold = tables.holds.get(clip.clip_id, {"missing": NOT_SUMMARIZED})
    judged = hold["missing"] is None
    known, true_frame = _true_break(clip)
    strip_row = tables.strip_rows.get(clip.clip_id)
    strip = None
    if judged and strip_row and clip.clip_id in tables.strips:
        content, aspect = tables.strips[clip.clip_id]
        strip = filmstrip(content, aspect, strip_row["frames"], break_frame(hold), hold["region"])
    shown = strip_row["frames"] if strip and strip_row else ()
    line = evidence_line(tables.points.get(clip.clip_id, ()), hold, true_frame, shown) if judged else None
    state, verdict, detail = _verdict(clip, hold, line)
    file, preview = relative_link(clip.file), relative_link(clip.preview)
    return ClipCard(
        clip=clip,
        state=state,
        verdict=verdict,
        detail=detail,
        length=_length(hold) if judged else "",
        true_break=("none" if true_frame is None else f"frame {true_frame}") if known else "",
        file=file,
        preview=preview if preview != file else None,
        strip=strip,
        strip_link=relative_link(strip_row["file"]) if strip_row and strip is None else None,
        line=line,
    )


def _true_break(clip: ClipRow) -> tuple[bool, int | None]:
    """Is it known where this clip breaks, and where; facts are what a backend wrote, so anything may stand there."""
    frame = clip.facts.get("true_break_frame", "unknown")
    if frame is None:
        return True, None
    if isinstance(frame, int) and not isinstance(frame, bool):
        return True, frame
    return False, None


def _verdict(clip: ClipRow, hold: HoldRow, line: EvidenceLine | None) -> tuple[str, str, str]:
    """State, verdict, and what there is to add."""
    if hold["missing"] is not None:
        return "missing", f"missing: {hold['missing']}", ""
    if hold["cause"] == STATIC:
        return "static", f"{cause_label(STATIC)}: held {counted(hold['held_frames'], 'frame')}", _motion(clip, hold)
    if hold["broke"]:
        time = f" ({hold['held_seconds']:.2f} s)"
        late = "" if hold["alarm_frame"] in {None, hold["onset_frame"]} else f", alarm at {hold['alarm_frame']}"
        return "broke", f"broke at frame {hold['onset_frame']}{time}: {cause_label(hold['cause'])}{late}", ""
    close = (
        f"closest at frame {line.peak.frame}: {line.peak_value:.2f} of the threshold, {line.peak_signal}"
        if line and line.peak_value >= 0.005
        else ""
    )
    if hold["frames"] == 1:
        return "held", "held its only frame", close
    return "held", f"held all {counted(hold['frames'], 'frame')}", close


def _motion(clip: ClipRow, hold: HoldRow) -> str:
    """Why it is static; what a camera must move is not in the table."""
    return "" if clip.moves == "camera" else f"its subject moved {hold['motion']:.3f} picture sizes a second"


def _length(hold: HoldRow) -> str:
    frames = counted(hold["frames"], "frame")
    if hold["distinct_frames"] != hold["frames"]:
        frames += f" ({hold['distinct_frames']} distinct)"
    if not hold["fps"]:
        return frames
    return f"{frames} at {hold['fps']:.4g} fps, {hold['frames'] / hold['fps']:.2f} s"
