"""Prompts drawn again: intervals and tests over prompts, because the clips of one prompt are not independent.

Intervals of what lies between 0 and a horizon come from Rubin's (1981) Bayesian bootstrap over prompts, with one prompt
more that nobody drew: half of it breaks at once and half of it holds to the end. Where a prompt holds or breaks as a
whole this is Jeffreys' interval of a share (half a success, half a failure). Without the unseen prompt a suite in
which nothing broke would promise that nothing ever will. docs/statistics.md has its coverage beside other methods'.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.records import Interval, fingerprint
from bench.survival import Floats, Unseen

MOST_ENUMERATED = 12  # prompts up to which every sign flip is tried


def generator(*key: object) -> np.random.Generator:
    """A generator that belongs to `key` alone, on any machine."""
    return np.random.default_rng(int(fingerprint(list(key))[:16], 16))


def prompt_weights(prompts: Sequence[str], replicates: int, seed: int) -> Floats:
    """How much each prompt counts in each replicate: (replicates, prompts), 1 on average, all independent.

    A prompt's column depends on its name alone: whatever was measured over it is paired.
    """
    return np.stack([_weights_of(prompt, replicates, seed) for prompt in prompts], axis=1)


@lru_cache(maxsize=2048)
def _weights_of(prompt: str, replicates: int, seed: int) -> Floats:
    return generator(seed, "prompt", prompt).standard_exponential(replicates)


def unseen_prompt(clips: float, replicates: int, rng: np.random.Generator) -> Unseen:
    """The prompt that nobody drew, of so many clips: half of it breaks at once, half of it holds."""
    halves = rng.standard_gamma(0.5, (2, replicates)) * clips
    return Unseen(halves[0], halves[1])


def unseen_clips(values: Floats, group: NDArray[np.intp]) -> float:
    """How many clips the prompt nobody drew should count for: one if clips of a prompt are independent, all if equal.

    That is the design effect 1 + (m - 1) r of m clips a prompt, with their correlation r (one-way analysis of variance)
    taken halfway to 1, because a few prompts hardly tell it.
    """
    sizes = np.bincount(group)
    prompts, clips = len(sizes), values.size
    mean = clips / prompts
    if clips == prompts or prompts < 2:
        return mean
    means = np.bincount(group, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (prompts - 1)
    within = float(((values - means[group]) ** 2).sum()) / (clips - prompts)
    each = (clips - (sizes**2).sum() / clips) / (prompts - 1)
    spread = between + (each - 1) * within
    alike = min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 1.0
    return float(1 + (mean - 1) * (1 + alike) / 2)


def interval(value: float, replicates: Floats, prompts: int, level: float = 0.95) -> Interval:
    """The middle of the replicates, expanded for few prompts, and widened to hold the value itself.

    Expanded (Hesterberg 2015) because the variance of replicates has n where the unbiased one has n - 1.
    """
    if prompts < 2:
        raise ValueError("an interval over prompts needs at least two prompts")
    tail = float(stats.norm.sf(stats.norm.isf((1 - level) / 2) * np.sqrt(prompts / (prompts - 1))))
    return _between(value, replicates, tail)


def _between(value: float, replicates: Floats, tail: float) -> Interval:
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(value, min(float(low), value), max(float(high), value))


# ---- the ordinary bootstrap, for what has no bounds ----------------------------------------------------------------


def cluster_weights(clusters: Sequence[Any], replicates: int, rng: np.random.Generator) -> Floats:
    """How often each clip is drawn when whole clusters (prompts) are drawn with replacement: (replicates, clips)."""
    _, member = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    count = int(member.max()) + 1
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=replicates)
    return np.asarray(draws[:, member], float)


def percentile_interval(value: float, replicates: Floats, clusters: int, level: float = 0.95) -> Interval:
    """Bootstrap percentile interval, expanded for few clusters by t as well (Hesterberg 2015)."""
    if clusters < 2:
        raise ValueError("an interval over prompts needs at least two prompts")
    tail = (1 - level) / 2
    expanded = float(stats.norm.cdf(np.sqrt(clusters / (clusters - 1)) * stats.t.ppf(tail, clusters - 1)))
    return _between(value, replicates, expanded)


# ---- tests -------------------------------------------------------------------------------------------------------


def sign_flips(prompts: int, flips: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which prompts change sides in each flip: (flips, prompts), the first flips nothing; all 2^prompts where few."""
    if prompts <= MOST_ENUMERATED:
        return np.asarray((np.arange(2**prompts)[:, None] >> np.arange(prompts)) % 2 == 1)
    drawn = rng.random((flips, prompts)) < 0.5
    drawn[0] = False
    return drawn


def flip_p_value(flipped: Floats) -> float:
    """Two-sided p of the first of `flipped`, what was observed, among what every flip would have given."""
    sizes = np.abs(flipped)
    return float((sizes >= sizes[0] - 1e-9 * max(float(sizes.max()), 1.0)).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted so that the chance of any false finding among them is at most the level (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[index], 1.0))
        adjusted[index] = largest
    return adjusted
