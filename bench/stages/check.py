"""check: one run against itself: every table against the one it was made from, every clip against its hash.

Each check yields its faults, saying what is wrong and where, or that it could not check; nothing where all is well.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from bench.calibration import at_level, conformal_rank
from bench.records import Calibration, ClipRow, FrameholdError, MissingClip, RateClass, ScoredRow, Spec
from bench.run_folder import RunFolder, read_records
from bench.stages.asked import absent_rows, row_faults
from bench.stages.calibrate import load_calibration
from bench.stages.redraw import judge_again, redraw
from bench.stages.seal import SEAL, changed_files
from bench.stages.tables import evidence_table, holds_table, read_part
from bench.suite import suite_hash
from bench.summary import summarize_clips
from bench.video import content_hash

EXACT = 1e-9  # of a value's size: the same numbers, computed again on the same tables
Status = Literal["ok", "fault", "unchecked"]
Faults = Iterator[tuple[Status, str]]


@dataclass(frozen=True)
class Checked:
    """A run as far as it can be read, for the checks."""

    run: RunFolder
    spec: Spec
    clips: list[ClipRow]
    scored: Mapping[str, ScoredRow]
    calibration: Calibration
    mark: str


def open_checked(run: RunFolder) -> Checked:
    """Read a run for the checks. Raises FrameholdError when it cannot be read."""
    spec = run.spec()
    calibration, mark = load_calibration(spec.profile, spec.calibration, spec.clip_model)
    rows = read_records(run.scored_path, ScoredRow)
    return Checked(run, spec, run.clips(), {row.clip_id: row for row in rows}, calibration, mark)


def check_suite(checked: Checked) -> Faults:
    """Are the prompts those of the suite's hash?"""
    suite = checked.spec.suite
    if not suite.prompts:
        yield "unchecked", "the run was made from a folder of clips, without a suite"
    elif suite_hash(suite) != suite.sha256:
        yield "fault", f"spec.json: the prompts of suite {suite.name!r} are not those of its hash {suite.sha256[:12]}"


def check_tables(checked: Checked) -> Faults:
    """Are the tables' bytes those that were sealed?"""
    changed = changed_files(checked.run)
    if changed is None:
        yield "unchecked", f"the run has no {SEAL}: tables are checked against each other, not against recorded hashes"
    for fault in changed or ():
        yield "fault", fault


def check_thresholds(checked: Checked) -> Faults:
    """Are the thresholds those of the spec, of the summary, and of their own footage?"""
    calibration, mark = checked.calibration, checked.mark
    if checked.spec.calibration_sha256 and checked.spec.calibration_sha256 != mark:
        yield "fault", f"the calibration at hand ({mark[:12]}) is not that of spec.json"
    if checked.run.summary_path.exists():
        used = checked.run.summary().get("calibration", {}).get("sha256")
        if used != mark:
            yield "fault", f"the calibration at hand ({mark[:12]}) is not the one that summary.json was made with"
    for rate in calibration.classes:
        right = sorted(rate.scores)[conformal_rank(len(rate.scores), calibration.alpha) - 1]
        if rate.threshold != right:
            yield (
                "fault",
                f"calibration, {rate.fps:g} frames a second: threshold {rate.threshold:g}, its footage gives {right:g}",
            )
        elif all(real.at_levels for real in rate.reality) and not _holds_what_it_held(rate, calibration.alpha):
            yield "fault", f"calibration, {rate.fps:g} frames a second: real footage does not hold what it held"


def _holds_what_it_held(rate: RateClass, alpha: float) -> bool:
    try:
        return at_level(rate, alpha) == rate
    except ValueError:  # its level is none of those that were kept
        return False


def check_rows(checked: Checked) -> Faults:
    """Is every row of clips.jsonl what its key and the suite say, and scored?"""
    for fault in row_faults(checked.spec.suite, checked.clips):
        yield "fault", fault
    for clip in checked.clips:
        if clip.file and clip.clip_id not in checked.scored:
            yield "fault", f"scored.jsonl: no row of {clip.clip_id}"
        if not clip.file and not clip.missing:
            yield "fault", f"clips.jsonl: {clip.clip_id}: neither a file nor a reason why there is none"


def check_complete(checked: Checked) -> Faults:
    """Has every model a clip, or a reason, for every prompt and seed of the suite, and every clip one hold?"""
    rows = {clip.clip_id for clip in checked.clips}
    for clip in absent_rows(checked.spec.suite, checked.clips):
        yield "fault", f"clips.jsonl: no row of {clip.model}, prompt {clip.prompt_id}, seed {clip.seed}"
    counted = Counter(checked.run.table(checked.run.holds_path)["clip_id"].to_pylist())
    for clip_id in sorted(rows - counted.keys()):
        yield "fault", f"holds.parquet: no row of {clip_id}"
    for clip_id, count in counted.items():
        if count > 1 or clip_id not in rows:
            yield "fault", f"holds.parquet: {clip_id}: a row too many"


def check_files(checked: Checked) -> Faults:
    """Is every clip, pixel by pixel, the one that was scored?"""
    root = checked.run.root.resolve()
    for clip in checked.clips:
        if not clip.file:
            continue
        path = (root / clip.file).resolve()
        if not path.is_relative_to(root):
            yield "fault", f"clips.jsonl: {clip.clip_id}: its file {clip.file} lies outside the run"
            continue
        try:
            found = content_hash(path)
        except MissingClip as error:
            yield "fault", f"{clip.file}: {error}"
            continue
        if found != clip.sha256:
            yield "fault", f"{clip.file}: its content is not what was scored (clip {clip.clip_id})"


def check_curves(checked: Checked) -> Faults:
    """Has every scored clip its curves, and are they those that were scored?"""
    run = checked.run
    table = run.table(run.curves_path)
    ids = np.asarray(table["clip_id"].to_pylist(), dtype=object)
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if ids.size else np.empty(0, int)
    slices = {
        str(ids[start]): table.slice(start, end - start)
        for start, end in zip(starts, np.r_[starts[1:], ids.size], strict=True)
    }
    kept = 0
    for clip in checked.clips:
        row = checked.scored.get(clip.clip_id)
        if row is None or row.missing:
            continue
        if clip.clip_id not in slices:
            yield "fault", f"curves.parquet: no curve of {clip.clip_id}"
            continue
        path = run.part_path(clip.clip_id, row.fingerprint)
        if path.exists():
            kept += 1
            yield from _compare_part(clip.clip_id, slices[clip.clip_id], read_part(path)[0])
    for clip_id in slices.keys() - checked.scored.keys():
        yield "fault", f"curves.parquet: {clip_id}: curves of a clip that was never scored"
    if not kept:
        yield "unchecked", "the run's cache is gone: only the curves of the sample can be checked"


def _compare_part(clip_id: str, table: pa.Table, part: pa.Table) -> Faults:
    if table.combine_chunks().equals(part.combine_chunks()):
        return
    if table.num_rows != part.num_rows:
        yield "fault", f"curves.parquet: {clip_id}: {table.num_rows} rows, {part.num_rows} were scored"
        return
    for row, scored in zip(table.to_pylist(), part.to_pylist(), strict=True):
        if not same(row, scored, 0.0):
            where = f"{scored['signal']} at frame {scored['frame']}"
            yield "fault", f"curves.parquet: {clip_id}: {where}: {row['value']:g}, was scored {scored['value']:g}"
            return


def check_holds(checked: Checked) -> Faults:
    """Are holds and evidence what the curves give under the thresholds?"""
    run = checked.run
    stored = {row["clip_id"]: row for row in run.table(run.holds_path).to_pylist()}
    name = next((row["calibration"] for row in stored.values()), "")
    if not name.endswith(checked.mark[:12]):
        yield "fault", f"holds.parquet: judged with calibration {name}, the one at hand is {checked.mark[:12]}"
        return
    judged = judge_again(run, checked.calibration)
    missing = {clip_id: row["missing"] for clip_id, row in stored.items() if row["missing"]}
    clips = [clip for clip in checked.clips if clip.clip_id in stored]
    table = holds_table(clips, checked.scored, judged, missing, checked.spec.profile, name)
    for row in table.to_pylist():
        yield from _compare_row("holds.parquet", row["clip_id"], stored[row["clip_id"]], row)
    points = evidence_table({clip.clip_id: judged[clip.clip_id] for clip in clips if clip.clip_id in judged})
    kept = {(row["clip_id"], row["frame"]): row for row in run.table(run.evidence_path).to_pylist()}
    if len(kept) != points.num_rows:
        yield "fault", f"evidence.parquet: {len(kept)} rows, the curves give {points.num_rows}"
    for row in points.to_pylist():
        where = f"{row['clip_id']}, frame {row['frame']}"
        yield from _compare_row("evidence.parquet", where, kept.get((row["clip_id"], row["frame"]), {}), row)


def _compare_row(file: str, where: str, stored: Mapping[str, Any], right: Mapping[str, Any]) -> Faults:
    for column, value in right.items():
        if not same(stored.get(column), value, EXACT):
            yield "fault", f"{file}: {where}: {column} is {stored.get(column)}, its curves give {value}"


def same(one: object, other: object, tolerance: float) -> bool:
    """Equal, or numbers that differ by no more than that share of their size; NaN equals NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair, tolerance) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=tolerance, abs_tol=EXACT)
    return one == other


def check_summary(checked: Checked) -> Faults:
    """Are the numbers of every model what its holds give?"""
    summary = checked.run.summary()
    try:
        held = redraw(checked.run)
    except FrameholdError:
        yield "unchecked", "the holds are at fault already"
        return
    horizon, seconds = summary["horizon"], summary["horizon_seconds"]
    if summary["models"].keys() != set(held.models):
        yield "fault", f"summary.json: models {', '.join(summary['models'])}, the clips have {', '.join(held.models)}"
    for model in held.models:
        own = [row for row in held.judged.values() if row.model == model]
        rows = [row for row in held.of(model).values() if row.clip_id not in held.absent]
        right = (summarize_clips(own, horizon, seconds, held.draws) if own else {}) | {
            "clips": len(rows),
            "missing": sum(row.clip_id in held.missing for row in rows),
        }
        block = summary["models"].get(model, {})
        for key, value in right.items():
            if not same(block.get(key), value, EXACT):
                yield "fault", f"summary.json: {model}: {key} is {block.get(key)}, its holds give {value}"


CHECKS: dict[str, Callable[[Checked], Faults]] = {
    "suite": check_suite,
    "tables": check_tables,
    "thresholds": check_thresholds,
    "rows": check_rows,
    "complete": check_complete,
    "clips": check_files,
    "curves": check_curves,
    "holds": check_holds,
    "summary": check_summary,
}
