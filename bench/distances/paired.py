"""Which of two sets lies further from one reference: the difference of two distances; what they share is drawn once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.distances.estimate import LEAST, Distance, Plan, Sample, bootstrap_weights
from bench.distances.resampling import bootstrap, numbered
from bench.distances.samples import Floats, as_sample
from bench.records import Interval


@dataclass(frozen=True)
class Gap:
    """Two distances from one reference and the second minus the first; without limits where `refused` says why."""

    first: Interval | float
    second: Interval | float
    difference: Interval | float
    refused: str | None = None


def paired_gap(
    make: Callable[[Any], Distance], first: Sample, second: Sample, reference: Sample, plan: Plan | None = None
) -> Gap:
    """How much further `second` lies from the reference than `first`.

    Both sets are of the same groups (prompts), which are drawn for both at once, and one draw of the reference serves
    both, so that what the two distances share is no part of the spread of their difference. Below `LEAST` groups in
    any set there are values alone. There is no test by exchanging labels: it asks whether the sets are alike, and two
    sets that differ may lie equally far away. ValueError below two clips, or where the groups are not the same.
    """
    plan = plan or Plan()
    parts = [as_sample(each.features, each.name) for each in (first, second, reference)]
    distance = make(np.concatenate(parts))
    where = np.repeat(np.arange(3), [len(part) for part in parts])
    whole = [(where == part).astype(float)[None] for part in range(3)]
    values = [float(distance.between(part, whole[2])[0]) for part in whole[:2]]
    labels = [each.labels() for each in (first, second, reference)]
    if set(labels[0]) != set(labels[1]):
        raise ValueError(f"{first.name} and {second.name}: expected clips of the same prompts, to be paired by them")
    fewest = min(len(set(each)) for each in labels)
    if fewest < LEAST:
        reason = f"{fewest} independent clips or groups of clips in one set: an interval needs {LEAST}"
        return Gap(values[0], values[1], values[1] - values[0], reason)
    rng = np.random.default_rng(plan.seed)
    weights = [_padded(part, len(parts[2])) for part in bootstrap_weights((labels[0], labels[1]), plan.replicates, rng)]
    drawn = bootstrap(numbered(labels[2]), plan.replicates, rng)
    against = np.pad(drawn, ((0, 0), (len(parts[0]) + len(parts[1]), 0)))
    replicates = [distance.between(part, against) for part in weights]
    gap = values[1] - values[0]
    return Gap(
        _moved(values[0], replicates[0]),
        _moved(values[1], replicates[1]),
        _moved(gap, replicates[1] - replicates[0]),
    )


def apart_gap(first: Interval, second: Interval) -> Interval:
    """Second minus first from two separate intervals, as if independent (MOVER, Zou & Donner 2008, eq. 5 and 6).

    Conservative where the two share prompts or a reference: what they share is then counted twice.

    >>> tuple(apart_gap(Interval(1.0, 0.0, 2.0), Interval(5.0, 4.0, 6.0)))
    (4.0, 2.585786437626905, 5.414213562373095)
    """
    gap = second.value - first.value
    return Interval(
        gap,
        gap - math.hypot(second.value - second.low, first.high - first.value),
        gap + math.hypot(second.high - second.value, first.value - first.low),
    )


def _padded(weights: Floats, more: int) -> Floats:
    return np.pad(weights, ((0, 0), (0, more)))


def _moved(value: float, replicates: Floats) -> Interval:
    """The bootstrap's spread about the value, as `estimate` has it."""
    low, high = value + np.quantile(replicates - replicates.mean(), [0.025, 0.975])
    return Interval(value, float(low), float(high))
