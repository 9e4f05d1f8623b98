"""How many prompts and seeds it takes to see a difference: from the spread of pilot clips to the chance of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from bench.survival import Floats

MOST_PROMPTS = 5000
ALIKE = 0.5  # correlation of a prompt's clips that the size of the unseen prompt is planned with


class Spread(NamedTuple):
    """Variance of a paired difference between prompts and between a prompt's seeds, in shares of the horizon squared.

    `held` is the share of the horizon that the pilot held.
    """

    between: float
    within: float
    held: float

    def of_mean(self, prompts: int, seeds: int) -> float:
        """Variance of the mean difference over so many prompts and seeds."""
        return (self.between + self.within / seeds) / prompts

    def of_unseen(self, seeds: int) -> float:
        """What the prompt that nobody drew adds to the sum of squares over prompts, for both models together."""
        share = (1 + (seeds - 1) * (1 + ALIKE) / 2) / seeds  # its clips over a prompt's: resampling.unseen_clips
        return share**2 * (self.held**2 + (1 - self.held) ** 2)


class Chances(NamedTuple):
    """Of a pass where nothing changed, and of a regression where the candidate is worse by the stated difference."""

    passes: float
    found: float


@dataclass(frozen=True)
class SizeRow:
    """What so many prompts and seeds would do: clips a model, chance of a pass without a change, of seeing the drop."""

    prompts: int
    seeds: int
    clips: int
    passes: float
    found: float


@dataclass(frozen=True)
class Size:
    """What it takes. Shares are of the horizon; `enough` has, by seeds, the fewest prompts for the wanted chance."""

    pilots: tuple[str, ...]
    basis: str
    spread: Spread
    difference: float
    margin: float
    wanted: float
    rows: tuple[SizeRow, ...]
    enough: tuple[tuple[int, int | None, int | None], ...]
    """(seeds, prompts for a pass, prompts for seeing the drop); None is more than 5,000."""


def spread_of_differences(baseline: Sequence[float], candidate: Sequence[float], prompts: Sequence[str]) -> Spread:
    """From pairs of clips, each as the share of the horizon that it held. Raises ValueError below 2 prompts.

    Where no prompt has two seeds the two variances cannot be told apart: all of it is then put between prompts, so that
    more seeds promise nothing.
    """
    one, other = np.asarray(baseline, float), np.asarray(candidate, float)
    between, within = _components(other - one, prompts)
    return Spread(between, within, float(np.mean([one, other])))


def spread_of_one_model(held: Sequence[float], prompts: Sequence[str], alike: float) -> Spread:
    """What two versions of one model would differ by, prompt effects correlating by `alike`, seeds not at all."""
    between, within = _components(np.asarray(held, float), prompts)
    return Spread(2 * (1 - alike) * between, 2 * within, float(np.mean(held)))


def _components(values: Floats, prompts: Sequence[str]) -> tuple[float, float]:
    """Variance between prompts and within them (one-way analysis of variance)."""
    _, member = np.unique(list(prompts), return_inverse=True)
    sizes = np.bincount(member)
    if len(sizes) < 2:
        raise ValueError(f"expected pilot clips of 2 prompts or more, got {len(sizes)}")
    means = np.bincount(member, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (len(sizes) - 1)
    if values.size == len(sizes):
        return between, 0.0
    within = float(((values - means[member]) ** 2).sum()) / (values.size - len(sizes))
    each = (values.size - float((sizes**2).sum()) / values.size) / (len(sizes) - 1)
    return max((between - within) / each, 0.0), within


def pooled(spreads: Sequence[Spread]) -> Spread:
    """The mean variances of several pilots."""
    return Spread(*(float(np.mean(each)) for each in zip(*spreads, strict=True)))


def chances(spread: Spread, prompts: int, seeds: int, difference: float, margin: float, level: float = 0.95) -> Chances:
    """Chances of the verdicts of `framehold compare`; difference and margin are shares of the horizon.

    Normal approximation to the interval over prompts, with the unseen prompt in it.
    """
    if prompts < 2:
        return Chances(0.0, 0.0)
    shrink = prompts / (prompts + 1)  # the unseen prompt draws the interval towards no difference
    truth = math.sqrt(spread.of_mean(prompts, seeds)) * shrink
    squares = prompts**2 * spread.of_mean(prompts, seeds) + spread.of_unseen(seeds)
    spread_told = squares / ((prompts + 1) * (prompts + 2)) * prompts / (prompts - 1)  # as resampling.interval has it
    half = float(stats.norm.isf((1 - level) / 2)) * math.sqrt(spread_told)
    if truth == 0:
        return Chances(float(half < margin), float(difference * shrink - half > margin))
    passes = stats.norm.cdf((margin - half) / truth)
    found = stats.norm.cdf((difference * shrink - margin - half) / truth)
    return Chances(float(passes), float(found))


def prompts_needed(
    spread: Spread, seeds: int, difference: float, margin: float, wanted: float = 0.8
) -> tuple[int | None, int | None]:
    """Fewest prompts for that chance of (a pass where nothing changed, a regression found); None above 5,000."""
    passes = _fewest(lambda prompts: chances(spread, prompts, seeds, difference, margin).passes >= wanted)
    return passes, _fewest(lambda prompts: chances(spread, prompts, seeds, difference, margin).found >= wanted)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Bisection: what is enough stays enough with more prompts."""
    if not enough(MOST_PROMPTS):
        return None
    low, high = 1, MOST_PROMPTS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
