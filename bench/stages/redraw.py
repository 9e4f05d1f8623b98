"""redraw: curves -> holds once more, and under each threshold that another draw of real footage would have set.

Comparisons need the second, which no table of a run holds; it is kept in the run's cache under a hash of all it comes
from. The first must be what holds.parquet says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from bench.holds import Judgement, judge
from bench.records import Calibration, ClipRow, FrameholdError, Hold, ScoredRow, Spec, fingerprint
from bench.run_folder import RunFolder, read_records, read_table, replace_table
from bench.stages.asked import NEVER_MADE, absent_rows
from bench.stages.calibrate import load_calibration
from bench.stages.tables import curves_by_clip
from bench.summary import Draws, Judged, draw_thresholds
from bench.video import content_hash

REDRAWN = pa.schema(
    [
        ("clip_id", pa.string()),
        ("rate", pa.int32()),
        ("held_frames", pa.list_(pa.int32())),
        ("broke", pa.list_(pa.bool_())),
    ]
)


@dataclass(frozen=True)
class HeldRun:
    """A summarized run with what comparisons need of it. `judged` and `missing` are by clip_id, in their order."""

    folder: RunFolder
    spec: Spec
    clips: Mapping[str, ClipRow]
    judged: Mapping[str, Judged]
    missing: Mapping[str, str]
    calibration: Calibration
    calibration_mark: str
    draws: Draws
    absent: frozenset[str] = frozenset()
    """Those of `missing` that the suite asks for and clips.jsonl has no row of."""

    @property
    def models(self) -> list[str]:
        """The models in the order of the clips."""
        return list(dict.fromkeys(clip.model for clip in self.clips.values()))

    @cached_property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """The published metrics of every clip."""
        table = self.folder.table(self.folder.metrics_path)
        found: dict[str, dict[str, float]] = {}
        for clip_id, metric, value in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            found.setdefault(clip_id, {})[metric] = value
        return found

    def of(self, model: str) -> dict[tuple[str, int], ClipRow]:
        """The rows of one model by prompt and seed."""
        return {(clip.prompt_id, clip.seed): clip for clip in self.clips.values() if clip.model == model}


def redraw(run: RunFolder) -> HeldRun:
    """Read a run. Raises FrameholdError when it is not summarized, or its holds are not what its curves give."""
    spec, clips = run.spec(), {clip.clip_id: clip for clip in run.clips()}
    calibration, mark = load_calibration(spec.profile, spec.calibration, spec.clip_model)
    _check_calibration(run, mark)
    draws = draw_thresholds(calibration.classes, calibration.alpha)
    rows = {row["clip_id"]: row for row in run.table(run.holds_path).to_pylist()}
    if rows.keys() != clips.keys():
        raise FrameholdError(
            f"{run.holds_path} has other clips than clips.jsonl: run `framehold verify {run.root}` to see which, or "
            f"`framehold summarize {run.root}` to make it anew"
        )
    redrawn = _redrawn(run, rows, calibration, mark, draws)
    judged = {
        clip_id: _judged(clips[clip_id], row, *redrawn[clip_id])
        for clip_id, row in rows.items()
        if row["missing"] is None
    }
    missing = {clip_id: row["missing"] for clip_id, row in rows.items() if row["missing"] is not None}
    absent = {row.clip_id: row for row in absent_rows(spec.suite, list(clips.values()))}
    missing |= dict.fromkeys(absent, NEVER_MADE)
    return HeldRun(run, spec, clips | absent, judged, missing, calibration, mark, draws, frozenset(absent))


def judge_again(run: RunFolder, calibration: Calibration, thresholds: Draws | None = None) -> dict[str, Judgement]:
    """The judgement of every clip that has curves, from the curves."""
    scored = {row.clip_id: row for row in read_records(run.scored_path, ScoredRow)}
    moves = {clip.clip_id: clip.moves for clip in run.clips()}
    others = thresholds.thresholds if thresholds else ()
    return {
        clip_id: judge(
            curves,
            scored[clip_id].frames,
            scored[clip_id].fps,
            moves[clip_id],
            calibration.classes,
            thresholds=others,
        )
        for clip_id, curves in curves_by_clip(run.table(run.curves_path))
        if clip_id in scored and clip_id in moves
    }


def _check_calibration(run: RunFolder, mark: str) -> None:
    summarized = run.summary()["calibration"]["sha256"]
    if summarized != mark:
        raise FrameholdError(
            f"{run.root} was summarized with calibration {summarized[:12]}, and the one at hand is {mark[:12]}: run "
            f"`framehold summarize {run.root}` again"
        )


def _redrawn(
    run: RunFolder, rows: Mapping[str, Mapping[str, Any]], calibration: Calibration, mark: str, draws: Draws
) -> dict[str, tuple[int, tuple[tuple[int, bool], ...]]]:
    """(rate class, (held frames, broke) under each other threshold) of every judged clip."""
    sources = [content_hash(path) for path in (run.holds_path, run.curves_path, run.scored_path, run.clips_path)]
    path = run.cache_folder / f"redrawn.{fingerprint([sources, mark, draws.thresholds])[:16]}.parquet"
    if path.exists():
        return {
            row["clip_id"]: (row["rate"], tuple(zip(row["held_frames"], row["broke"], strict=True)))
            for row in read_table(path, "delete it, it is made anew").to_pylist()
        }
    judgements = judge_again(run, calibration, draws)
    _check_holds(run, rows, judgements)
    if run.cache_folder.is_dir() and os.access(run.cache_folder, os.W_OK):  # a run may be sent without, or read-only
        replace_table(path, _table(judgements))
    return {clip_id: (judgement.rate, judgement.redrawn) for clip_id, judgement in judgements.items()}


def _table(judgements: Mapping[str, Judgement]) -> pa.Table:
    rows = [
        {
            "clip_id": clip_id,
            "rate": judgement.rate,
            "held_frames": [held for held, _ in judgement.redrawn],
            "broke": [broke for _, broke in judgement.redrawn],
        }
        for clip_id, judgement in judgements.items()
    ]
    return pa.Table.from_pylist(rows, schema=REDRAWN)


def _check_holds(run: RunFolder, rows: Mapping[str, Mapping[str, Any]], judgements: Mapping[str, Judgement]) -> None:
    for clip_id, row in rows.items():
        if row["missing"] is not None:
            continue
        again = judgements.get(clip_id)
        found = again and (again.hold.held_frames, again.hold.broke, again.hold.cause)
        if found != (row["held_frames"], row["broke"], row["cause"]):
            raise FrameholdError(
                f"{run.holds_path}: the hold of {clip_id} is not what its curves give: run `framehold verify "
                f"{run.root}` to see what was changed, or `framehold summarize {run.root}` to make it anew"
            )


def _judged(clip: ClipRow, row: Mapping[str, Any], rate: int, redrawn: tuple[tuple[int, bool], ...]) -> Judged:
    told = ("held_frames", "broke", "onset_frame", "alarm_frame", "cause", "evidence")
    hold = Hold(**{name: row[name] for name in told})
    return Judged(
        clip.clip_id, clip.model, clip.prompt_id, clip.category, row["frames"], row["fps"], hold, rate, redrawn
    )
