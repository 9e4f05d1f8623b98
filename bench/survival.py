"""Holds -> survival curve, frames held, intervals.

Times are frames or seconds. A broken clip has its event at `held`; a clip that ended unbroken was watched up to, but
not at, `held`: it is at risk for every break before that time and for none at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.records import Interval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class SurvivalCurve(NamedTuple):
    """Right-continuous steps: `survival[k]` holds from `times[k]` until the next time. `times[0]` is 0."""

    times: Floats
    survival: Floats
    low: Floats
    high: Floats


class Tally(NamedTuple):
    """Breaks and clips at risk, by group (a clip, a prompt) and time: all that weighted curves need of the clips.

    `times` (k,) are 0 and every time of a break, increasing; `breaks` and `at_risk` are (groups, k).
    """

    times: Floats
    breaks: Floats
    at_risk: Floats


class Unseen(NamedTuple):
    """Clips of a prompt that was not drawn, by replicate: how many break at once, how many hold for ever."""

    break_at_once: Floats
    hold: Floats


class Steps(NamedTuple):
    """Per replicate and time (replicates, k): breaks, clips at risk, the share left before and after."""

    breaks: Floats
    at_risk: Floats
    before: Floats
    after: Floats


def tally(held: Floats, broke: Flags, group: NDArray[np.intp] | None = None, groups: int = 0) -> Tally:
    """Count breaks and clips at risk. `group` holds the index of each clip's group; None makes each clip its own."""
    group = np.arange(held.size) if group is None else group
    groups = groups or held.size
    times = np.unique(np.r_[0.0, held[broke]])
    seen = np.where(broke, np.searchsorted(times, held, "right"), np.searchsorted(times, held, "left"))
    leaves = np.bincount(group * (times.size + 1) + seen, minlength=groups * (times.size + 1)).reshape(groups, -1)
    ends = np.bincount(group[broke] * times.size + seen[broke] - 1, minlength=groups * times.size)
    at_risk = np.cumsum(leaves[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return Tally(times, ends.reshape(groups, -1).astype(float), at_risk.astype(float))


def steps(counts: Tally, weights: Floats, unseen: Unseen | None = None) -> Steps:
    """Kaplan-Meier (1958) for each row of `weights` (replicates, groups): how often each group counts."""
    breaks, at_risk = weights @ counts.breaks, weights @ counts.at_risk
    if unseen:
        at_risk += unseen.hold[:, None]
        at_risk[:, 0] += unseen.break_at_once
        breaks[:, 0] += unseen.break_at_once
    after = np.asarray(np.cumprod(1.0 - _ratio(breaks, at_risk), axis=1), float)
    return Steps(breaks, at_risk, np.c_[np.ones(len(after)), after[:, :-1]], after)


def lost_time(
    counts: Tally, horizon: float, weights: Floats, unseen: Unseen | None = None, caused: Floats | None = None
) -> Floats:
    """Mean time lost before `horizon`, one for each row of `weights`: the area above the survival curve.

    With `caused` (groups, k), those of the breaks that one cause made, what is lost to that cause while the others
    compete (Andersen 2013): the causes add up to the whole. Unseen breaks then count as that cause's.
    """
    each = steps(counts, weights, unseen)
    breaks = each.breaks
    if caused is not None:
        breaks = weights @ caused
        if unseen:
            breaks[:, 0] += unseen.break_at_once
    return np.asarray((each.before * _ratio(breaks, each.at_risk)) @ np.maximum(horizon - counts.times, 0.0))


def _ratio(breaks: Floats, at_risk: Floats) -> Floats:
    return np.divide(breaks, at_risk, out=np.zeros_like(breaks), where=at_risk > 0)


def _as_arrays(held: Sequence[float] | Floats, broke: Sequence[bool] | Flags) -> tuple[Floats, Flags]:
    held_array, broke_array = np.asarray(held, float), np.asarray(broke, bool)
    if held_array.size == 0 or held_array.shape != broke_array.shape or held_array.ndim != 1:
        raise ValueError(
            f"expected as many holds as break flags and at least one, got {held_array.shape} and {broke_array.shape}"
        )
    if not np.isfinite(held_array).all() or (held_array < 0).any():
        raise ValueError("a hold is a finite number of frames or seconds, 0 or more")
    return held_array, broke_array


def _all(clips: int) -> Floats:
    return np.ones((1, clips))


# ---- one curve ---------------------------------------------------------------------------------------------------


def kaplan_meier(held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, level: float = 0.95) -> SurvivalCurve:
    """Share of clips still consistent over time, with log-log intervals (Kalbfleisch & Prentice 1980) pointwise.

    >>> kaplan_meier([2, 4, 4], [True, False, True]).survival.round(3).tolist()
    [1.0, 0.667, 0.0]
    """
    held_array, broke_array = _as_arrays(held, broke)
    counts = tally(held_array, broke_array)
    (breaks,), (at_risk,), _, (survival,) = steps(counts, _all(held_array.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(breaks / (at_risk * (at_risk - breaks)))
        spread = stats.norm.ppf(0.5 + level / 2) * np.sqrt(greenwood) / np.log(survival)
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    inside = (survival > 0) & (survival < 1)
    low, high = np.where(inside, low, survival), np.where(inside, high, survival)
    if survival[-1] == 0:
        high[-1] = high[-2] if survival.size > 1 else 1.0
    return SurvivalCurve(counts.times, survival, low, high)


def restricted_means(held: Floats, broke: Flags, horizon: float, weights: Floats) -> Floats:
    """Restricted mean survival time to `horizon`, one for each row of `weights` (replicates, clips)."""
    return horizon - lost_time(tally(held, broke), horizon, weights)


def restricted_mean(held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, horizon: float) -> float:
    """Area under the Kaplan-Meier curve to `horizon`: the mean of min(held, horizon) if nothing is censored before.

    >>> restricted_mean([2, 4, 6], [True, True, False], horizon=6)
    4.0
    """
    held_array, broke_array = _as_arrays(held, broke)
    return float(restricted_means(held_array, broke_array, horizon, _all(held_array.size))[0])


def restricted_mean_variance(held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, horizon: float) -> float:
    """Greenwood's variance of the restricted mean of independent clips (Klein & Moeschberger 2003, section 4.5).

    Not for several clips of a prompt, nor for a threshold that was itself estimated: for those draw prompts again.
    """
    held_array, broke_array = _as_arrays(held, broke)
    counts = tally(held_array, broke_array)
    (breaks,), (at_risk,), _, (survival,) = steps(counts, _all(held_array.size))
    widths = np.diff(np.minimum(np.r_[counts.times, max(horizon, counts.times[-1])], horizon))
    beyond = np.cumsum((survival * widths)[::-1])[::-1]  # area from each time to the horizon
    return float((beyond**2 * _ratio(breaks, at_risk * (at_risk - breaks))).sum())


def log_rank(
    first: tuple[Sequence[float] | Floats, Sequence[bool] | Flags],
    second: tuple[Sequence[float] | Floats, Sequence[bool] | Flags],
    prompts: tuple[Sequence[str], Sequence[str]],
) -> float:
    """p of the log-rank test that two models, each given as (held, broke), have one survival curve.

    Only for clips that are all of different prompts: over clustered or paired clips it rejects far too often, or too
    rarely, so a prompt that comes twice raises ValueError.
    """
    names = [*prompts[0], *prompts[1]]
    if len(set(names)) < len(names):
        raise ValueError("the log-rank test is for clips that are all of different prompts: compare by prompt instead")
    sides = [_as_arrays(*side) for side in (first, second)]
    # scipy takes a clip censored at a time to be at risk at it, here it is not.
    data = [
        stats.CensoredData(uncensored=held[broke], right=np.nextafter(held[~broke], -np.inf)) for held, broke in sides
    ]
    return float(stats.logrank(*data).pvalue)


# ---- shares and causes -------------------------------------------------------------------------------------------


def share_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Exact interval of a share (Clopper & Pearson 1934).

    >>> tuple(round(x, 4) for x in share_interval(0, 10))
    (0.0, 0.0, 0.3085)
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"expected 0 <= successes <= trials and trials >= 1, got {successes} of {trials}")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return Interval(successes / trials, low, high)


def incidence_by_cause(
    held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, causes: Sequence[str | None], horizon: float
) -> dict[str, float]:
    """Share of clips broken before `horizon` by each cause, the causes competing (Aalen & Johansen 1978).

    >>> incidence_by_cause([1, 2, 3, 3], [True, True, False, False], ["flow", "freeze", None, None], horizon=3)
    {'flow': 0.25, 'freeze': 0.25}
    """
    counts, by_cause = _tally_causes(held, broke, causes)
    each = steps(counts, _all(len(counts.at_risk)))
    in_time = counts.times < horizon
    return {
        cause: float((each.before * _ratio(caused.sum(axis=0)[None], each.at_risk))[0, in_time].sum())
        for cause, caused in by_cause.items()
    }


def frames_lost_by_cause(
    held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, causes: Sequence[str | None], horizon: float
) -> dict[str, float]:
    """Mean time lost to each cause before `horizon`: with the restricted mean they add up to the horizon.

    >>> frames_lost_by_cause([1, 2, 3, 3], [True, True, False, False], ["flow", "freeze", None, None], horizon=3)
    {'flow': 0.5, 'freeze': 0.25}
    """
    counts, by_cause = _tally_causes(held, broke, causes)
    everyone = _all(len(counts.at_risk))
    return {cause: float(lost_time(counts, horizon, everyone, caused=caused)[0]) for cause, caused in by_cause.items()}


def _tally_causes(
    held: Sequence[float] | Floats, broke: Sequence[bool] | Flags, causes: Sequence[str | None]
) -> tuple[Tally, dict[str, Floats]]:
    """The tally clip by clip, and by cause those of its breaks (clips, k)."""
    held_array, broke_array = _as_arrays(held, broke)
    names = np.asarray([cause or "" for cause in causes])
    if names.shape != broke_array.shape or (names[broke_array] == "").any():
        raise ValueError(f"expected causes of all {int(broke_array.sum())} breaks among {broke_array.size} clips")
    counts = tally(held_array, broke_array)
    return counts, {str(cause): counts.breaks * (names == cause)[:, None] for cause in sorted(set(names[broke_array]))}
