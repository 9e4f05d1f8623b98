"""summarize: curves -> holds -> summary. Cheap: decodes only the few frames that the page shows."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.holds import Judgement, judge, long_enough
from bench.records import Calibration, ClipRow, Curve, FrameholdError, Moves, ScoredRow, Spec
from bench.run_folder import RunFolder, read_records, replace_table, replace_text
from bench.stages import Crew, check_horizon
from bench.stages.align import about_alignment
from bench.stages.calibrate import about_calibration, load_calibration
from bench.stages.caution import cautions, not_aligned
from bench.stages.distance import Request, distance
from bench.stages.seal import seal
from bench.stages.strips import write_strips
from bench.stages.tables import curves_by_clip, evidence_table, holds_table
from bench.summary import (
    Draws,
    Judged,
    common_horizon,
    draw_thresholds,
    reality_notes,
    summarize_clips,
    summarize_references,
)

NOTHING: Mapping[str, Any] = {  # of a model whose clips are all missing
    "frames_held": None,
    "seconds_held": None,
    "held_to_end": None,
    "by_cause": {},
    "by_category": {},
    "broke": 0,
    "censored": 0,
    "static": 0,
}


def summarize(run: RunFolder, crew: Crew, horizon: int | None = None, offline: bool = False) -> dict[str, Any]:
    """Write holds.parquet, evidence.parquet, the filmstrips and summary.json; return the summary.

    Raises FrameholdError when every clip is missing, after the tables that say so are written.
    """
    check_horizon(horizon)
    spec, clips = run.spec(), run.clips()
    if not clips:
        raise FrameholdError(f"{run.root} has no clips yet: run `framehold generate {run.root}` first")
    calibration, mark = load_calibration(spec.profile, spec.calibration, spec.clip_model)
    scored = {row.clip_id: row for row in read_records(run.scored_path, ScoredRow)}
    missing = {clip.clip_id: reason for clip in clips if (reason := _missing(clip, scored.get(clip.clip_id)))}
    moves = {clip.clip_id: clip.moves for clip in clips if clip.clip_id not in missing}
    draws = draw_thresholds(calibration.classes, calibration.alpha)
    judged = {
        clip_id: _judge(curves, scored[clip_id], moves[clip_id], calibration, draws)
        for clip_id, curves in curves_by_clip(run.table(run.curves_path))
        if clip_id in moves
    }
    name = f"{calibration.profile}-{calibration.profile_version}:{mark[:12]}"
    replace_table(run.holds_path, holds_table(clips, scored, judged, missing, spec.profile, name))
    replace_table(run.evidence_path, evidence_table(judged))
    write_strips(run, [clip for clip in clips if clip.clip_id in judged], scored, judged, crew)
    rows = [_judged(clip, scored[clip.clip_id], judged[clip.clip_id]) for clip in clips if clip.clip_id in judged]
    summary = _summary(run, spec, clips, rows, missing, calibration, draws, horizon)
    summary["calibration"] = {"name": name, "sha256": mark} | about_calibration(calibration)
    summary["calibration"] |= about_alignment(spec.clip_model)
    summary["notes"] = _notes(rows, scored, judged, calibration)
    summary["notes"] += reality_notes(summary["reference"], summary["horizon"])
    if spec.reference and rows:
        _add_distances(run, spec, summary, crew, offline)
    replace_text(run.summary_path, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    seal(run)
    if not rows:
        reason, count = Counter(missing.values()).most_common(1)[0]
        if len(clips) == 1:
            raise FrameholdError(f"{run.root}: its only clip is missing: {reason}")
        raise FrameholdError(f"{run.root}: all {len(clips)} clips are missing; the reason of {count}: {reason}")
    return summary


def _add_distances(run: RunFolder, spec: Spec, summary: Mapping[str, Any], crew: Crew, offline: bool) -> None:
    """Beside each model how far its clips lie from the reference, whole and along the clip, or why that is unknown.

    Clips shorter than the horizon are left out by name, so that none of them ends the curve of all; where that leaves
    too few, all stay and the curve ends with the shortest.
    """
    whole = Request(features=spec.features, windows=True, cache=run.cache_folder / "features", offline=offline)
    for model, block in summary["models"].items():
        for wanted in (replace(whole, span=summary["horizon"]), whole):
            try:
                block["distance"] = distance(f"{run.root}:{model}", str(spec.reference), wanted, crew)
                break
            except FrameholdError as error:
                block["distance"] = {"refused": str(error)}


def _judge(
    curves: Mapping[str, Curve], scored: ScoredRow, moves: Moves, calibration: Calibration, draws: Draws
) -> Judgement:
    return judge(curves, scored.frames, scored.fps, moves, calibration.classes, thresholds=draws.thresholds)


def _missing(clip: ClipRow, scored: ScoredRow | None) -> str | None:
    """Why there is no hold of a clip; None where there is one."""
    if clip.missing:
        return clip.missing
    return "not scored yet" if scored is None else scored.missing


def _judged(clip: ClipRow, scored: ScoredRow, judgement: Judgement) -> Judged:
    return Judged(
        clip.clip_id,
        clip.model,
        clip.prompt_id,
        clip.category,
        scored.frames,
        scored.fps,
        judgement.hold,
        judgement.rate,
        judgement.redrawn,
    )


def _summary(
    run: RunFolder,
    spec: Spec,
    clips: Sequence[ClipRow],
    rows: Sequence[Judged],
    missing: Mapping[str, str],
    calibration: Calibration,
    draws: Draws,
    asked: int | None,
) -> dict[str, Any]:
    """A block a model in the order of the clips, and the two reference rows."""
    declared = asked or spec.horizon or spec.suite.horizon
    frames, seconds = common_horizon(rows, declared) if rows else (1, 0.0)
    horizon = declared or frames
    metrics = _mean_metrics(run, {clip.clip_id: clip.model for clip in clips})
    models = {}
    for model in dict.fromkeys(clip.model for clip in clips):
        own = [row for row in rows if row.model == model]
        lost = [missing[clip.clip_id] for clip in clips if clip.model == model and clip.clip_id in missing]
        block = summarize_clips(own, horizon, seconds, draws) if own else dict(NOTHING)
        models[model] = block | {
            "metrics": metrics.get(model, {}),
            "clips": len(own) + len(lost),
            "missing": len(lost),
            "missing_reasons": dict(Counter(lost).most_common()),
            "truly_held": truly_held([clip for clip in clips if clip.model == model], own, horizon),
        }
    suite = spec.suite
    return {
        "suite": {"name": suite.name, "version": suite.version, "sha256": suite.sha256},
        "profile": spec.profile,
        "horizon": horizon,
        "horizon_seconds": seconds,
        "models": models,
        "reference": _reference(clips, rows, calibration, horizon, seconds) if rows else {},
    }


def truly_held(clips: Sequence[ClipRow], judged: Sequence[Judged], horizon: int) -> float | None:
    """Frames of the horizon that clips of a drawn model truly hold on average, where it says so of all of them; None
    for any other. Facts are what a backend wrote, so anything may stand there.
    """
    told = [clip.facts.get("true_mean_hold") for clip in clips]
    truth = told[0] if told and all(each == told[0] for each in told) else None
    if not isinstance(truth, int | float) or isinstance(truth, bool) or not 0 <= truth <= horizon:
        return None
    return float(truth) if all(row.frames == horizon for row in judged) else None


def _reference(
    clips: Sequence[ClipRow], rows: Sequence[Judged], calibration: Calibration, horizon: int, seconds: float
) -> dict[str, Any]:
    """The two reference rows, with their counts."""
    moves = {clip.prompt_id: clip.moves for clip in clips}
    blocks = summarize_references(rows, moves, calibration.classes, horizon, seconds)
    for block in blocks.values():
        block["clips"] = block["broke"] + block["censored"] + block["static"]
        block["missing"] = 0
    return blocks


def _mean_metrics(run: RunFolder, models: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Mean of each published metric over a model's scored clips; a value that is no number says nothing."""
    table = run.table(run.metrics_path)
    values: dict[str, dict[str, list[float]]] = {}
    for clip_id, metric, value in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        if clip_id in models and math.isfinite(value):
            values.setdefault(models[clip_id], {}).setdefault(metric, []).append(value)
    return {
        model: {metric: float(np.mean(each)) for metric, each in by_metric.items()}
        for model, by_metric in values.items()
    }


def _notes(
    rows: Sequence[Judged],
    scored: Mapping[str, ScoredRow],
    judged: Mapping[str, Judgement],
    calibration: Calibration,
) -> list[str]:
    """What a reader must know before trusting the numbers, a sentence each."""
    notes = cautions([(scored[row.clip_id], judged[row.clip_id]) for row in rows], calibration)
    unscored = Counter(reason for row in rows for reason in scored[row.clip_id].unscored.values())
    notes += [not_aligned(count, len(rows), reason) for reason, count in unscored.most_common()]
    calibrated = {one.signal: one.least_seconds for rate in calibration.classes for one in rate.detectors}
    least = calibrated.get("alignment_loss", 0.0)
    aligned = [row for row in rows if "alignment" not in scored[row.clip_id].unscored]
    if short := sum(not long_enough(row.frames, row.fps, least) for row in aligned):
        notes.append(f"Alignment to the prompt ends no hold of clips shorter than {least:g} seconds, {short} here.")
    if aligned and "alignment_loss" not in calibrated:
        notes.append(
            "Alignment to the prompt is measured, but it ends no hold: this calibration holds no threshold for it."
        )
    return notes
