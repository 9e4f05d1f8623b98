"""Holds -> survival curve, frames held, intervals.

Times are frames or seconds. A broken clip has its event at `held`; a clip that ended unbroken was watched up to, but
not at, `held`: it is at risk for every break before that time and for none at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.records import Interval

Floats = NDArray[np.float64]


class SurvivalCurve(NamedTuple):
    """Right-continuous steps: `survival[k]` holds from `times[k]` until the next time. `times[0]` is 0."""

    times: Floats
    survival: Floats
    low: Floats
    high: Floats


def _counts(held: Floats, broke: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Event times (k,), and per replicate the weighted events and numbers at risk (replicates, k)."""
    times = np.unique(held[broke])
    ends = (held[:, None] == times) & broke[:, None]
    at_risk = (held[:, None] > times) | ends
    return times, weights @ ends.astype(float), weights @ at_risk.astype(float)


def _survival(held: Floats, broke: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Kaplan-Meier (1958) for each row of `weights` (replicates, clips): event times (k,), survival (replicates, k)."""
    times, events, at_risk = _counts(held, broke, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        stay = np.where(at_risk > 0, 1.0 - events / at_risk, 1.0)
    return np.asarray(times), np.asarray(np.cumprod(stay, axis=1))


def _as_arrays(
    held: Sequence[float] | Floats, broke: Sequence[bool] | NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    held_array, broke_array = np.asarray(held, float), np.asarray(broke, bool)
    if held_array.size == 0 or held_array.shape != broke_array.shape or held_array.ndim != 1:
        raise ValueError(
            f"expected as many holds as break flags and at least one, got {held_array.shape} and {broke_array.shape}"
        )
    if not np.isfinite(held_array).all() or (held_array < 0).any():
        raise ValueError("a hold is a finite number of frames or seconds, 0 or more")
    return held_array, broke_array


def kaplan_meier(
    held: Sequence[float] | Floats, broke: Sequence[bool] | NDArray[np.bool_], level: float = 0.95
) -> SurvivalCurve:
    """Share of clips still consistent over time, with log-log intervals (Kalbfleisch & Prentice 1980) pointwise.

    >>> kaplan_meier([2, 4, 4], [True, False, True]).survival.round(3).tolist()
    [1.0, 0.667, 0.0]
    """
    held_array, broke_array = _as_arrays(held, broke)
    times, events, at_risk = _counts(held_array, broke_array, np.ones((1, held_array.size)))
    survival = np.cumprod(1.0 - events / at_risk, axis=1)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)), axis=1)[0]
        spread = stats.norm.ppf(0.5 + level / 2) * np.sqrt(greenwood) / np.log(survival)
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    inside = (survival > 0) & (survival < 1)
    low, high = np.where(inside, low, survival), np.where(inside, high, survival)
    if survival.size and survival[-1] == 0:
        high[-1] = high[-2] if survival.size > 1 else 1.0
    pad = np.ones(1)
    return SurvivalCurve(np.r_[0.0, times], np.r_[pad, survival], np.r_[pad, low], np.r_[pad, high])


def restricted_means(held: Floats, broke: NDArray[np.bool_], horizon: float, weights: Floats) -> Floats:
    """Restricted mean survival time to `horizon`, one for each row of `weights` (replicates, clips)."""
    times, survival = _survival(held, broke, weights)
    edges = np.r_[np.minimum(times, horizon), horizon]
    widths = np.diff(np.r_[0.0, edges])
    return np.asarray(np.c_[np.ones(len(weights)), survival] @ widths)


def restricted_mean(held: Sequence[float] | Floats, broke: Sequence[bool] | NDArray[np.bool_], horizon: float) -> float:
    """Area under the Kaplan-Meier curve to `horizon`: the mean of min(held, horizon) if nothing is censored before.

    >>> restricted_mean([2, 4, 6], [True, True, False], horizon=6)
    4.0
    """
    held_array, broke_array = _as_arrays(held, broke)
    return float(restricted_means(held_array, broke_array, horizon, np.ones((1, held_array.size)))[0])


def cluster_weights(clusters: Sequence[Any], replicates: int, rng: np.random.Generator) -> Floats:
    """How often each clip is drawn when whole clusters (prompts) are drawn with replacement: (replicates, clips)."""
    _, member = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    count = int(member.max()) + 1
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=replicates)
    return np.asarray(draws[:, member], float)


def percentile_interval(value: float, replicates: Floats, clusters: int, level: float = 0.95) -> Interval:
    """Bootstrap percentile interval, widened for few clusters (Hesterberg 2015, expanded percentile interval)."""
    if clusters < 2:
        raise ValueError("an interval over prompts needs at least two prompts")
    tail = (1 - level) / 2
    expanded = float(stats.norm.cdf(np.sqrt(clusters / (clusters - 1)) * stats.t.ppf(tail, clusters - 1)))
    low, high = np.quantile(replicates, [expanded, 1 - expanded])
    return Interval(value, min(float(low), value), max(float(high), value))


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
    held: Sequence[float] | Floats,
    broke: Sequence[bool] | NDArray[np.bool_],
    causes: Sequence[str | None],
    horizon: float,
) -> dict[str, float]:
    """Share of clips broken before `horizon` by each cause, the causes competing (Aalen & Johansen 1978).

    >>> incidence_by_cause([1, 2, 3, 3], [True, True, False, False], ["flow", "freeze", None, None], horizon=3)
    {'flow': 0.25, 'freeze': 0.25}
    """
    held_array, broke_array = _as_arrays(held, broke)
    names = np.asarray([cause or "" for cause in causes])
    if names.shape != broke_array.shape or (names[broke_array] == "").any():
        raise ValueError(f"expected causes of all {int(broke_array.sum())} breaks among {broke_array.size} clips")
    times, _, at_risk = _counts(held_array, broke_array, np.ones((1, held_array.size)))
    _, survival = _survival(held_array, broke_array, np.ones((1, held_array.size)))
    before = np.r_[1.0, survival[0][:-1]] if times.size else np.empty(0)
    in_time = times < horizon
    shares = {}
    for cause in sorted(set(names[broke_array])):
        events = ((held_array[:, None] == times) & broke_array[:, None] & (names == cause)[:, None]).sum(axis=0)
        shares[str(cause)] = float((before * events / at_risk[0])[in_time].sum())
    return shares
