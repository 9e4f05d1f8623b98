"""compare: two summarized runs, or two models of one -> differences and a verdict. Writes nothing but the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.comparison import (
    Horizons,
    Sides,
    common_horizons,
    compare_categories,
    compare_causes,
    compare_means,
    compare_prompts,
    compare_values,
    together,
)
from bench.records import FrameholdError
from bench.stages.pair import Contender, Pairing, differences, open_contender
from bench.summary import Judged
from bench.verdict import (
    Comparison,
    Difference,
    MissingRule,
    PromptDifference,
    Sensitivity,
    Unit,
    Verdict,
    read_margin,
    sentence_of,
    verdict_of,
)

DEFAULT_MARGIN = "5%"
UNITS: tuple[Unit, ...] = ("frames", "seconds")


def compare(
    baseline: str | Path,
    candidate: str | Path,
    *,
    margin: str = DEFAULT_MARGIN,
    unit: Unit = "frames",
    horizon: int | None = None,
    missing: MissingRule = "left-out",
    allow_different: bool = False,
) -> Comparison:
    """Compare RUN or RUN:MODEL with another. `margin` is a share of the horizon (`5%`) or a number in the unit.

    Raises FrameholdError when a run cannot be read, nothing can be paired, or the runs differ in what decides numbers.
    """
    one, other = open_contender(baseline), open_contender(candidate)
    differs = differences(one.run, other.run)
    if differs and not allow_different:
        raise FrameholdError(
            f"{baseline} and {candidate} differ in {', '.join(differs)}: their numbers cannot be compared. Make both "
            "runs alike, or pass --allow-different to have the verdict say so"
        )
    pairing = Pairing(one, other)
    asked = horizon or one.run.spec.horizon or one.run.spec.suite.horizon
    horizons = common_horizons(pairing.sides(), asked)
    until, allowed = horizons.of(unit), _margin(margin, horizons.of(unit))
    sides = pairing.by_rule(missing, horizons.frames)
    by_unit = {each: compare_means(sides, horizons.of(each), each) for each in UNITS}
    one_side, both = pairing.missing()
    sensitivity = _sensitivity(pairing, horizons, unit, allowed) if one_side else None
    verdict, sentence, why = _verdict(pairing, by_unit[unit], allowed, unit, sensitivity, missing)
    return Comparison(
        verdict=verdict,
        sentence=f"{sentence}; but the runs differ in {', '.join(differs)}" if differs else sentence,
        unit=unit,
        margin=allowed,
        horizon_frames=horizons.frames,
        horizon_seconds=horizons.seconds,
        baseline=one.side(),
        candidate=other.side(),
        frames=by_unit["frames"],
        seconds=by_unit["seconds"],
        by_category=compare_categories(sides, until, unit),
        by_cause=compare_causes(sides, until, unit),
        metrics=_metrics(pairing),
        prompts_worse=_prompts_worse(pairing, until, unit),
        unpaired=pairing.unpaired,
        missing_one_side=one_side,
        missing_both=both,
        missing_rule=missing,
        sensitivity=sensitivity,
        differs=tuple(differs),
        notes=(*why, *_lengths(sides, horizons, asked, unit), *_seeds(one, other), *_software(one, other)),
    )


def _verdict(
    pairing: Pairing,
    difference: Difference,
    margin: float,
    unit: Unit,
    sensitivity: Sensitivity | None,
    rule: MissingRule,
) -> tuple[Verdict, str, list[str]]:
    """The verdict, a sentence, and what it rests on beyond the interval."""
    if pairing.same_bytes():
        return "pass", "pass: every clip of the candidate is the baseline's, byte for byte", []
    verdict = verdict_of(difference, margin)
    sentence = sentence_of(verdict, difference, margin, unit)
    if rule != "left-out" or not sensitivity or {sensitivity.best_verdict, sensitivity.worst_verdict} == {verdict}:
        return verdict, sentence, []
    note = (
        f"Of {pairing.missing()[0]} pairs one clip is missing. Without them: {verdict}. Had the missing clips been as "
        f"bad for the candidate as can be: {sensitivity.worst_verdict}; as good: {sensitivity.best_verdict}."
    )
    return "inconclusive", f"inconclusive: {note}", [note]


def _margin(text: str, horizon: float) -> float:
    try:
        return read_margin(text, horizon)
    except ValueError as error:
        raise FrameholdError(
            f"--margin {text}: expected a share of the horizon such as 5%, or a number of frames or seconds"
        ) from error


def _sensitivity(pairing: Pairing, horizons: Horizons, unit: Unit, margin: float) -> Sensitivity:
    """With every clip that one side is missing as good for the candidate as can be, and as bad."""
    horizon = horizons.of(unit)
    best = compare_means(pairing.filled(horizons.frames, False, True), horizon, unit)
    worst = compare_means(pairing.filled(horizons.frames, True, False), horizon, unit)
    return Sensitivity(best, verdict_of(best, margin), worst, verdict_of(worst, margin))


def _metrics(pairing: Pairing) -> dict[str, Difference]:
    """Every published metric that both clips of two pairs or more have."""
    ones, others = pairing.baseline.run.metrics, pairing.candidate.run.metrics
    values: dict[str, list[tuple[str, float, float]]] = {}
    for key in pairing.asked:
        one = ones.get(pairing.baseline.rows[key].clip_id, {})
        other = others.get(pairing.candidate.rows[key].clip_id, {})
        for metric in one.keys() & other.keys():
            if math.isfinite(one[metric]) and math.isfinite(other[metric]):
                values.setdefault(metric, []).append((key[0], one[metric], other[metric]))
    return together(
        {metric: compare_values(*zip(*rows, strict=True)) for metric, rows in sorted(values.items()) if len(rows) > 1}
    )


def _prompts_worse(pairing: Pairing, horizon: float, unit: Unit) -> tuple[PromptDifference, ...]:
    rows = compare_prompts(pairing.sides(), horizon, unit)
    return tuple(replace(row, clips=pairing.clips_of(row.prompt_id)) for row in rows if row.value < 0)


# ---- what a reader must know -----------------------------------------------------------------------------------------


def _lengths(sides: Sides, horizons: Horizons, asked: int | None, unit: Unit) -> list[str]:
    """How unequal lengths and frame rates were dealt with."""
    notes = []
    lengths = [_typical(side) for side in (sides.baseline, sides.candidate)]
    (frames, fps), (other_frames, other_fps) = lengths
    if frames != other_frames:
        notes.append(
            f"The baseline's clips have {frames:g} frames, the candidate's {other_frames:g}: compared over the first "
            f"{horizons.frames} frames, and the first {horizons.seconds:.2f} seconds."
        )
    if not math.isclose(fps, other_fps, rel_tol=0.01):
        notes.append(
            f"The baseline runs at {fps:g} frames a second, the candidate at {other_fps:g}: the same number of frames "
            f"is not the same time. The verdict is in {unit}; the other is beside it."
        )
    if asked and horizons.frames < asked:
        notes.append(f"A horizon of {asked} frames was asked for; the shorter model's clips end at {horizons.frames}.")
    return notes


def _typical(clips: Sequence[Judged]) -> tuple[float, float]:
    return float(median(clip.frames for clip in clips)), float(median(clip.fps for clip in clips))


def _seeds(one: Contender, other: Contender) -> list[str]:
    """Where a provider does not take seeds, two clips of one prompt are a pair by their number alone."""
    unseeded = [side.model for side in (one, other) if any(row.seeded == "no" for row in side.rows.values())]
    if not unseeded:
        return []
    return [f"Seeds mean nothing to {' and '.join(unseeded)}: clips are paired by prompt, in the order of their seeds."]


def _software(one: Contender, other: Contender) -> list[str]:
    before, after = one.run.spec.versions, other.run.spec.versions
    changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    if not changed:
        return []
    listed = ", ".join(f"{name} {before[name]} and {after[name]}" for name in changed)
    return [f"The runs were scored with different software: {listed}."]
