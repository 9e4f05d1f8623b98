"""A distance with all that must stand beside it: n, interval, the same on two parts of the reference, p-value.

Whatever cannot be estimated is refused, and says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bench.distances.resampling import bootstrap, half_size, halves, numbered, relabelled, subsets
from bench.distances.samples import Floats, as_sample
from bench.records import Interval, counted

FEW = 256  # clips below which a distance is too uncertain to rank models by
LEAST = 8  # clips or groups from which an interval or a floor is told


class Distance(Protocol):
    """A distance on one pool of features; see `bench.distances`."""

    name: str
    unit: str
    unbiased: bool

    def between(self, left: Floats, right: Floats) -> Floats:
        """(replicates,) from weights (replicates, rows of the pool) of either part."""
        ...


@dataclass(frozen=True)
class Plan:
    """How often to draw what, and from which seed."""

    replicates: int = 200
    splits: int = 100
    permutations: int = 1000
    level: float = 0.05
    seed: int = 1


@dataclass(frozen=True)
class Sample:
    """Features (n, d) of a set of clips, and which clips belong together (each alone when empty)."""

    features: Floats
    groups: tuple[str, ...] = ()
    name: str = "sample"

    def labels(self) -> tuple[str, ...]:
        """A group for every clip."""
        return self.groups or tuple(f"{self.name}/{row}" for row in range(len(self.features)))


@dataclass(frozen=True)
class SameSize:
    """At one number of clips: the samples against each other, and one part of the reference against another.

    Means over random draws with the central 95% of them; `floor` is what parts of the reference exceed at the level.
    """

    n: int
    samples: Interval
    reference: Interval
    floor: float


@dataclass(frozen=True)
class Estimate:
    """One distance. `refused` says of each thing that is None why it could not be had."""

    distance: str
    value: float
    low: float | None
    high: float | None
    n: int
    n_reference: int
    p_value: float | None = None
    same_size: SameSize | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


def estimate(make: Callable[[Any], Distance], sample: Sample, reference: Sample, plan: Plan | None = None) -> Estimate:
    """The distance that `make` builds from a pool, between a sample and a reference. ValueError below two clips."""
    plan = plan or Plan()
    x, y = as_sample(sample.features, sample.name), as_sample(reference.features, reference.name)
    distance = make(np.concatenate([x, y]))
    labels = (sample.labels(), reference.labels())
    whole = (np.arange(len(x) + len(y)) < len(x)).astype(float)[None]
    value = float(distance.between(whole, 1.0 - whole)[0])
    refused: dict[str, str] = {}
    low, high = _interval(distance, value, labels, plan, refused)
    return Estimate(
        distance=distance.name,
        value=value,
        low=low,
        high=high,
        n=len(x),
        n_reference=len(y),
        p_value=_p_value(distance, value, labels, plan, refused),
        same_size=_same_size(distance, labels, plan, refused),
        refused=refused,
    )


def bootstrap_weights(
    labels: tuple[Sequence[str], Sequence[str]], replicates: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Weights over the pool of either part; when both have the same groups, these are drawn for both at once."""
    first, second = labels
    if set(first) == set(second):
        drawn = bootstrap(numbered([*first, *second]), replicates, rng)
        parts = drawn[:, : len(first)], drawn[:, len(first) :]
    else:
        parts = bootstrap(numbered(first), replicates, rng), bootstrap(numbered(second), replicates, rng)
    return np.pad(parts[0], ((0, 0), (0, len(second)))), np.pad(parts[1], ((0, 0), (len(first), 0)))


def _interval(
    distance: Distance, value: float, labels: tuple[Sequence[str], Sequence[str]], plan: Plan, refused: dict[str, str]
) -> tuple[float | None, float | None]:
    """Where the value of other draws of as many clips would lie: the bootstrap's spread, moved onto the value.

    The bootstrap of a biased distance is centred too high, by about that bias; its spread is what is wanted.
    """
    fewest = min(len(set(part)) for part in labels)
    if fewest < LEAST:
        refused["interval"] = f"{fewest} independent clips or groups of clips in one set: an interval needs {LEAST}"
        return None, None
    left, right = bootstrap_weights(labels, plan.replicates, np.random.default_rng(plan.seed))
    drawn = distance.between(left, right)
    low, high = value + np.quantile(drawn - drawn.mean(), [0.025, 0.975])
    floor = -math.inf if distance.unbiased else 0.0
    return max(float(low), floor), float(high)


def _p_value(
    distance: Distance, value: float, labels: tuple[Sequence[str], Sequence[str]], plan: Plan, refused: dict[str, str]
) -> float | None:
    """Share of relabellings at least as far apart, the labels as they are counted as one (Phipson & Smyth 2010)."""
    if not distance.unbiased:
        refused["p_value"] = "tested with the unbiased kernel distance only"
        return None
    fewest = min(len(set(part)) for part in labels)
    if fewest < LEAST:
        refused["p_value"] = f"{fewest} independent clips or groups of clips in one set: a test needs {LEAST}"
        return None
    groups = numbered([*labels[0], *labels[1]])
    left = relabelled(groups, len(labels[0]), plan.permutations, np.random.default_rng(plan.seed + 1))
    drawn = distance.between(left, 1.0 - left)
    return float((1 + np.sum(drawn >= value - 1e-12 * abs(value))) / (1 + plan.permutations))


def _same_size(
    distance: Distance, labels: tuple[Sequence[str], Sequence[str]], plan: Plan, refused: dict[str, str]
) -> SameSize | None:
    """Samples and two parts of the reference at the same number of clips."""
    first = len(labels[0])
    groups = numbered(labels[0]), numbered(labels[1])
    size = min(first, half_size(groups[1]))
    if reason := too_few(first, half_size(groups[1])):
        refused["same_size"] = reason
        return None
    rng = np.random.default_rng(plan.seed + 2)
    one, other = (np.pad(part, ((0, 0), (first, 0))) for part in halves(groups[1], size, plan.splits, rng))
    drawn = np.pad(subsets(groups[0], size, plan.splits, rng), ((0, 0), (0, len(labels[1]))))
    against_itself = distance.between(one, other)
    return SameSize(
        size,
        _spread(distance.between(drawn, one)),
        _spread(against_itself),
        upper_quantile(against_itself, plan.level),
    )


def too_few(clips: int, half: int) -> str | None:
    """Why there is no floor for so many clips and parts of the reference of so many; None where there is one."""
    if clips < LEAST:
        return f"{counted(clips, 'clip')} beside the reference: a floor at the same number needs {LEAST}"
    if half < LEAST:
        return (
            f"two parts of the reference without a common clip or source have {half} clips each: a floor needs {LEAST}"
        )
    return None


def upper_quantile(values: Floats, level: float) -> float:
    """The value that one more of the same kind exceeds with probability `level` at most; infinite for too few."""
    rank = math.ceil((len(values) + 1) * (1 - level))
    return float(np.sort(values)[rank - 1]) if rank <= len(values) else math.inf


def _spread(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
