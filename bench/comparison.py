"""Two models over the same prompts and seeds -> differences, and a verdict against a margin fixed beforehand.

What is estimated: the candidate's restricted mean hold minus the baseline's, over the prompts that the suite's are a
sample of. Each side's mean is the area under its own Kaplan-Meier curve, so that clips may end unbroken at any length
(the model's length sets when, not the break), and the curve is computed anew in every replicate. Pairing comes from
drawing prompts: a prompt counts as much for one side as for the other, and so do the thresholds drawn with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.records import Hold, Interval
from bench.resampling import (
    cluster_weights,
    flip_p_value,
    generator,
    holm,
    interval,
    percentile_interval,
    sign_flips,
)
from bench.summary import (
    REPLICATES,
    SEED,
    Draws,
    Judged,
    holds_of,
    over_prompts,
    resampled_means,
    seconds_until,
    watched_until,
)
from bench.survival import Floats, Tally, lost_time, tally
from bench.verdict import Difference, PromptDifference, Unit

FLIPS = 10_000
MISSING = "missing"


class Sides(NamedTuple):
    """The clips of both models, pair by pair, and the thresholds drawn for each, the same if one rule judged both."""

    baseline: Sequence[Judged]
    candidate: Sequence[Judged]
    draws: tuple[Draws | None, Draws | None] = (None, None)

    @property
    def prompts(self) -> list[str]:
        """The prompt of each pair."""
        return [clip.prompt_id for clip in self.baseline]

    def only(self, keep: Sequence[bool]) -> Sides:
        """Those pairs."""
        chosen = [
            [clip for clip, kept in zip(side, keep, strict=True) if kept] for side in (self.baseline, self.candidate)
        ]
        return Sides(chosen[0], chosen[1], self.draws)


class Horizons(NamedTuple):
    """How far both models can be followed."""

    frames: int
    seconds: float

    def of(self, unit: Unit) -> float:
        """The one in that unit."""
        return float(self.frames if unit == "frames" else self.seconds)


def common_horizons(sides: Sides, asked: int | None = None) -> Horizons:
    """Up to the shorter model's length (the median of its clips'), or as far as asked if each model has such a clip.

    What is asked, in frames, cuts the seconds too, to what it lasts at the faster model's rate. The sides need not be
    pairs; one without a clip is passed over.
    """
    there = [side for side in (sides.baseline, sides.candidate) if side]
    frames = min(median(clip.frames for clip in side) for side in there)
    seconds = min(median(seconds_until(clip, asked) for clip in side) for side in there)
    return Horizons(*watched_until(there, asked or int(frames), float(seconds)))


def compare_means(sides: Sides, horizon: float, unit: Unit = "frames") -> Difference:
    """Difference in time held to the horizon; without interval and p where there is only one prompt."""
    units = [_units(side, unit) for side in (sides.baseline, sides.candidate)]
    means = [float(mean) for mean in horizon - _lost(_both(sides, units), horizon, _as_they_are(sides))]
    replicates = min((draws.chosen.shape[1] for draws in sides.draws if draws), default=REPLICATES)
    prompts = len(set(sides.prompts))
    if prompts < 2:
        return _difference(sides, means, None, None)
    drawn = [
        resampled_means(clips, each, horizon, draws, *over_prompts(clips, replicates, name))
        for clips, each, draws, name in zip(sides[:2], units, sides.draws, ("baseline", "candidate"), strict=True)
    ]
    limits = interval(means[1] - means[0], drawn[1] - drawn[0], prompts)
    return _difference(sides, means, limits, _flip_test(sides, _both(sides, units), horizon))


def compare_categories(sides: Sides, horizon: float, unit: Unit) -> dict[str, Difference]:
    """The difference within each category of prompts, p taken together (Holm)."""
    of_pair = [clip.category for clip in sides.baseline]
    return together(
        {
            category: compare_means(sides.only([each == category for each in of_pair]), horizon, unit)
            for category in sorted(set(of_pair))
        }
    )


def compare_causes(sides: Sides, horizon: float, unit: Unit) -> dict[str, Difference]:
    """Time lost to each cause before the horizon, the causes competing: with the time held they add up to it.

    Above 0 the candidate loses more to it. At the calibrated thresholds: under others a clip's cause is unknown.
    """
    units = [_units(side, unit) for side in (sides.baseline, sides.candidate)]
    counts = _both(sides, units)
    causes = np.array([clip.hold.cause or "" for side in sides[:2] for clip in side])
    broke = np.array([clip.hold.broke for side in sides[:2] for clip in side])
    held = np.concatenate([holds_of(side)[0] * each for side, each in zip(sides[:2], units, strict=True)])
    prompts, found = len(set(sides.prompts)), {}
    for cause in sorted(set(causes[broke & (held < horizon)])):
        caused = _breaks_of(sides, counts, held, broke & (causes == cause))
        means = [float(each) for each in _lost(counts, horizon, _as_they_are(sides), caused)]
        if prompts < 2:
            found[str(cause)] = _difference(sides, means, None, None)
            continue
        limits = interval(means[1] - means[0], _drawn_losses(sides, counts, horizon, caused), prompts)
        p = _flip_test(sides, counts, horizon, caused)
        found[str(cause)] = _difference(sides, means, limits, p)
    return together(found)


def compare_values(prompts: Sequence[str], baseline: Sequence[float], candidate: Sequence[float]) -> Difference:
    """Difference in the mean of a metric that has no bounds, pair by pair; finite values only."""
    one, other = np.asarray(baseline, float), np.asarray(candidate, float)
    gains = other - one
    value, count = float(gains.mean()), len(set(prompts))
    if count < 2:
        return Difference(float(one.mean()), float(other.mean()), value, None, None, None, count, gains.size)
    weights = cluster_weights(prompts, REPLICATES, generator(SEED, *sorted(set(prompts))))
    limits = percentile_interval(value, (weights @ gains) / weights.sum(axis=1), count)
    sums = np.bincount(np.unique(list(prompts), return_inverse=True)[1], gains)
    signs = 1.0 - 2.0 * sign_flips(count, FLIPS, generator(SEED, "flips"))
    p = flip_p_value(signs @ sums)
    return Difference(float(one.mean()), float(other.mean()), value, limits.low, limits.high, p, count, gains.size)


def compare_evidence(sides: Sides) -> Difference | None:
    """Difference in the mean of each clip's largest evidence of a break, in thresholds, where neither clip broke.

    What raises no alarm leaves the time held as it is, and shows here. None without a pair of unbroken clips of one
    length: over more frames the largest of them is larger.
    """
    pairs = [
        (prompt, one.hold.evidence, other.hold.evidence)
        for prompt, one, other in zip(sides.prompts, sides.baseline, sides.candidate, strict=True)
        if not one.hold.broke and not other.hold.broke and one.frames == other.frames
    ]
    return compare_values(*zip(*pairs, strict=True)) if pairs else None


def together(family: dict[str, Difference]) -> dict[str, Difference]:
    """The same differences, their p adjusted for being looked at together (Holm)."""
    tested = [name for name, difference in family.items() if difference.p is not None]
    adjusted = holm([p for name in tested if (p := family[name].p) is not None])
    return family | {name: replace(family[name], p_holm=p) for name, p in zip(tested, adjusted, strict=True)}


def compare_prompts(sides: Sides, horizon: float, unit: Unit) -> list[PromptDifference]:
    """What was seen prompt by prompt, worst first: min(held, horizon), a clip that ended unbroken taken as it is."""
    seen = [np.minimum(holds_of(side)[0] * _units(side, unit), horizon) for side in (sides.baseline, sides.candidate)]
    names, member = np.unique(sides.prompts, return_inverse=True)
    pairs = np.bincount(member)
    gains = np.bincount(member, seen[1] - seen[0]) / pairs
    rows = [
        PromptDifference(str(name), float(gain), int(count))
        for name, gain, count in zip(names, gains, pairs, strict=True)
    ]
    return sorted(rows, key=lambda row: (row.value, row.prompt_id))


def stand_in(clip: Judged, holds: bool, horizons: Horizons) -> Judged:
    """A clip nobody has, as if it had held to both horizons or broken at once; `clip` is one that it resembles."""
    frames = max(horizons.frames, math.ceil(horizons.seconds * clip.fps), clip.frames)
    held = frames if holds else 0
    hold = Hold(held, not holds, cause=None if holds else MISSING)
    return replace(clip, frames=frames, hold=hold, redrawn=((held, not holds),))


# ---- how ---------------------------------------------------------------------------------------------------------


def _units(clips: Sequence[Judged], unit: Unit) -> Floats:
    return np.array([clip.seconds if unit == "seconds" else 1.0 for clip in clips])


def _difference(sides: Sides, means: Sequence[float], limits: Interval | None, p: float | None) -> Difference:
    low, high = (limits.low, limits.high) if limits else (None, None)
    return Difference(
        means[0], means[1], means[1] - means[0], low, high, p, len(set(sides.prompts)), len(sides.baseline)
    )


def _both(sides: Sides, units: Sequence[Floats]) -> Tally:
    """One tally of both sides: the baseline's prompts, then the candidate's, over common times."""
    holds = [holds_of(side) for side in (sides.baseline, sides.candidate)]
    held = np.concatenate([frames * each for (frames, _), each in zip(holds, units, strict=True)])
    group, prompts = _groups(sides)
    return tally(held, np.concatenate([broke for _, broke in holds]), group, 2 * prompts)


def _groups(sides: Sides) -> tuple[NDArray[np.intp], int]:
    """Index of each clip's side and prompt, and the number of prompts."""
    names, member = np.unique(sides.prompts, return_inverse=True)
    return np.concatenate([member, member + len(names)]), len(names)


def _breaks_of(sides: Sides, counts: Tally, held: Floats, which: NDArray[np.bool_]) -> Floats:
    """Those breaks as a table like the tally's."""
    group, prompts = _groups(sides)
    caused = np.zeros((2 * prompts, counts.times.size))
    np.add.at(caused, (group[which], np.searchsorted(counts.times, held[which])), 1.0)
    return caused


def _as_they_are(sides: Sides) -> Floats:
    """Weights of the baseline's prompts alone, and of the candidate's."""
    _, prompts = _groups(sides)
    return np.asarray(np.kron(np.eye(2), np.ones(prompts)), float)


def _lost(counts: Tally, horizon: float, weights: Floats, caused: Floats | None = None) -> Floats:
    return lost_time(counts, horizon, weights, caused=caused)


def _drawn_losses(sides: Sides, counts: Tally, horizon: float, caused: Floats) -> Floats:
    """Candidate minus baseline in every replicate."""
    lost = []
    for name, side in (("baseline", sides.baseline), ("candidate", sides.candidate)):
        weights, unseen = over_prompts(side, REPLICATES, name)
        nothing = np.zeros_like(weights)
        chosen = [weights, nothing] if name == "baseline" else [nothing, weights]
        lost.append(lost_time(counts, horizon, np.hstack(chosen), unseen, caused))
    return np.asarray(lost[1] - lost[0])


def _flip_test(sides: Sides, counts: Tally, horizon: float, caused: Floats | None = None) -> float:
    """p of no difference: under it the two models could change places in any prompt (both curves are computed anew)."""
    flips = sign_flips(len(set(sides.prompts)), FLIPS, generator(SEED, "flips")).astype(float)
    first = _lost(counts, horizon, np.hstack([1.0 - flips, flips]), caused)
    second = _lost(counts, horizon, np.hstack([flips, 1.0 - flips]), caused)
    return flip_p_value(second - first)
