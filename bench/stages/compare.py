"""compare: two summarized runs, or two models of one -> differences and a verdict. Writes nothing but the cache."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from bench.comparison import (
    Horizons,
    Sides,
    common_horizons,
    compare_categories,
    compare_causes,
    compare_evidence,
    compare_means,
    compare_prompts,
    compare_values,
    together,
)
from bench.records import FrameholdError, MissingRule
from bench.stages import Crew, check_horizon
from bench.stages.gauge import gauge
from bench.stages.pair import Contender, Pairing, differences, open_contender
from bench.stages.remark import ENTERS, on_missing, remarks
from bench.verdict import (
    Comparison,
    Difference,
    PromptDifference,
    Sensitivity,
    Unit,
    Verdict,
    beneath_alarm,
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
    missing: MissingRule | None = None,
    allow_different: bool = False,
    reference: str | Path | None = None,
    features: str = "embedded",
    offline: bool = False,
    crew: Crew | None = None,
) -> Comparison:
    """Compare RUN or RUN:MODEL with another. `margin` is a share of the horizon (`5%`) or a number in the unit.

    `missing` None takes clips that are missing as the runs declare. With `reference`, a folder of real footage, both
    are measured against it; without, what their summaries hold is compared. Raises FrameholdError when a run cannot be
    read, nothing can be paired, or the runs differ in what decides numbers.
    """
    check_horizon(horizon)
    if _read_margin(margin, 1.0) >= 1 and "%" in margin:  # told before anything is read
        raise FrameholdError(f"--margin {margin}: no difference can be larger than the horizon: take less than 100%")
    one, other = open_contender(baseline), open_contender(candidate)
    differs = differences(one.run, other.run)
    if differs and not allow_different:
        raise FrameholdError(
            f"{baseline} and {candidate} differ in {', '.join(differs)}: their numbers cannot be compared. Make both "
            "runs alike, or pass --allow-different to have the verdict say so"
        )
    rule, overridden = _rule(one, other, missing)
    pairing = Pairing(one, other)
    asked = horizon or one.run.spec.horizon or one.run.spec.suite.horizon
    sides, horizons = _sides(pairing, rule, asked)
    until, allowed = horizons.of(unit), _margin(margin, horizons.of(unit))
    by_unit = {each: compare_means(sides, horizons.of(each), each) for each in UNITS}
    one_side, both = pairing.missing()
    sensitivity = _sensitivity(pairing, horizons, unit, allowed) if one_side else None
    evidence = None if "calibration" in differs else compare_evidence(sides)  # thresholds are its unit
    verdict, sentence = _verdict(pairing, by_unit[unit], allowed, unit, sensitivity, rule)
    distance = gauge(pairing, reference, features, offline, crew or Crew())
    return Comparison(
        verdict=verdict,
        sentence=sentence + beneath_alarm(verdict, evidence) + _provisos(one, other, rule, overridden, differs),
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
        evidence=evidence,
        metrics=_metrics(pairing),
        distance=distance.found,
        prompts_worse=_prompts_worse(pairing, sides, until, unit),
        unpaired=pairing.unpaired,
        missing_one_side=one_side,
        missing_both=both,
        missing_rule=rule,
        sensitivity=sensitivity,
        differs=tuple(differs),
        notes=(
            *on_missing(pairing, rule, overridden, sensitivity),
            *distance.notes,
            *remarks(pairing, horizons, asked, unit),
        ),
    )


def _rule(one: Contender, other: Contender, asked: MissingRule | None) -> tuple[MissingRule, bool]:
    """How missing clips enter, and whether that is not what both runs declared. FrameholdError where those differ."""
    declared = [side.run.spec.missing for side in (one, other)]
    if asked is None and declared[0] != declared[1]:
        raise FrameholdError(
            f"missing clips are {' in the baseline and '.join(ENTERS[rule] for rule in declared)} in the candidate, as "
            "their runs declare: choose one with --missing, and the verdict will say so"
        )
    rule = asked or declared[0]
    return rule, {rule} != set(declared)


def _sides(pairing: Pairing, rule: MissingRule, asked: int | None) -> tuple[Sides, Horizons]:
    """What is compared, and how far."""
    if rule == "left-out":
        sides = pairing.sides()
        return sides, common_horizons(sides, asked)
    there = pairing.there()
    if not there.baseline and not there.candidate:
        pairing.sides()  # says what is the matter
    horizons = common_horizons(there, asked)
    return pairing.by_rule(rule, horizons), horizons


def _verdict(
    pairing: Pairing,
    difference: Difference,
    margin: float,
    unit: Unit,
    sensitivity: Sensitivity | None,
    rule: MissingRule,
) -> tuple[Verdict, str]:
    """The verdict and a sentence. What is left out may not decide it: if it could, the verdict is inconclusive."""
    if pairing.same_bytes():
        return "pass", "pass: every clip of the candidate is the baseline's, byte for byte by the recorded hashes"
    verdict = verdict_of(difference, margin)
    if rule != "left-out" or not sensitivity or {sensitivity.best_verdict, sensitivity.worst_verdict} == {verdict}:
        return verdict, sentence_of(verdict, difference, margin, unit)
    return "inconclusive", (
        f"inconclusive: of {pairing.missing()[0]} pairs one clip is missing. Without them: {verdict}. Had the missing "
        f"clips been as bad for the candidate as can be: {sensitivity.worst_verdict}; as good: "
        f"{sensitivity.best_verdict}"
    )


def _provisos(one: Contender, other: Contender, rule: MissingRule, overridden: bool, differs: list[str]) -> str:
    """What the user allowed, as the end of the sentence."""
    said = ""
    if overridden:
        declared = " and ".join(dict.fromkeys(ENTERS[side.run.spec.missing] for side in (one, other)))
        said += f"; missing clips {ENTERS[rule]} by --missing, declared with the runs: {declared}"
    if differs:
        said += f"; but the runs differ in {', '.join(differs)}"
    return said


def _read_margin(text: str, horizon: float) -> float:
    try:
        return read_margin(text, horizon)
    except ValueError as error:
        raise FrameholdError(
            f"--margin {text}: expected a share of the horizon such as 5%, or a number of frames or seconds"
        ) from error


def _margin(text: str, horizon: float) -> float:
    margin = _read_margin(text, horizon)
    if margin >= horizon:
        raise FrameholdError(f"--margin {text}: no difference can be larger than the horizon of {horizon:g}: take less")
    return margin


def _sensitivity(pairing: Pairing, horizons: Horizons, unit: Unit, margin: float) -> Sensitivity:
    """With every clip that one side is missing as good for the candidate as can be, and as bad."""
    horizon = horizons.of(unit)
    best = compare_means(pairing.filled(horizons, False, True), horizon, unit)
    worst = compare_means(pairing.filled(horizons, True, False), horizon, unit)
    return Sensitivity(best, verdict_of(best, margin), worst, verdict_of(worst, margin))


def _metrics(pairing: Pairing) -> dict[str, Difference]:
    """Every published metric that both clips of a pair have, over those pairs; a value that is no number is none."""
    ones, others = pairing.baseline.run.metrics, pairing.candidate.run.metrics
    values: dict[str, list[tuple[str, float, float]]] = {}
    for key in pairing.asked:
        one = ones.get(pairing.baseline.rows[key].clip_id, {})
        other = others.get(pairing.candidate.rows[key].clip_id, {})
        for metric in one.keys() & other.keys():
            if math.isfinite(one[metric]) and math.isfinite(other[metric]):
                values.setdefault(metric, []).append((key[0], one[metric], other[metric]))
    return together({metric: compare_values(*zip(*rows, strict=True)) for metric, rows in sorted(values.items())})


def _prompts_worse(pairing: Pairing, sides: Sides, horizon: float, unit: Unit) -> tuple[PromptDifference, ...]:
    rows = compare_prompts(sides, horizon, unit)
    return tuple(replace(row, clips=pairing.clips_of(row.prompt_id)) for row in rows if row.value < 0)
