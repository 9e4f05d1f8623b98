"""A Fréchet distance as it would be with infinitely many clips (Chong & Forsyth 2020): a line through 1/n at 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from bench.distances.estimate import Distance, Sample
from bench.distances.resampling import Groups, numbered, subsets
from bench.distances.samples import Floats, as_sample
from bench.records import Interval

SIZES = 8
BLOCKS = 10
ROOM = 2  # the largest subset is this many times the smallest, which has as many clips as there are dimensions


def infinite_distance(
    make: Callable[[Any], Distance], sample: Sample, reference: Sample, seed: int = 1, draws: int = 4
) -> Interval:
    """Value with 95% interval by leaving out tenths of the clips in turn. ValueError, with the reason, below 2 d clips.

    Between d and 2 d clips the distance is no line in 1/n, and the lever is too short.
    """
    x, y = as_sample(sample.features, sample.name), as_sample(reference.features, reference.name)
    fewest, dimensions = min(len(x), len(y)), x.shape[1]
    if fewest * (BLOCKS - 1) // BLOCKS < ROOM * dimensions:
        need = -(-ROOM * dimensions * BLOCKS // (BLOCKS - 1))
        raise ValueError(f"{fewest} clips in {dimensions} dimensions: extrapolating to infinitely many needs {need}")
    groups = numbered(sample.labels()), numbered(reference.labels())
    if (independent := min(int(part.max()) + 1 for part in groups)) < BLOCKS:
        raise ValueError(f"{independent} independent clips or groups of clips in one set: leaving out tenths needs 10")
    rng = np.random.default_rng(seed)
    blocks = [rng.permutation(np.arange(int(part.max()) + 1) % BLOCKS)[part] for part in groups]
    left = min(len(part) - int(np.bincount(part).max()) for part in blocks)
    if left < ROOM * dimensions:
        raise ValueError(f"{left} clips are left without one tenth of the groups: it needs {ROOM * dimensions}")
    distance = make(np.concatenate([x, y]))
    value = _intercept(distance, groups, (np.ones(len(x), bool), np.ones(len(y), bool)), draws, rng)
    without = np.array(
        [_intercept(distance, groups, (blocks[0] != b, blocks[1] != b), draws, rng) for b in range(BLOCKS)]
    )
    spread = np.sqrt((BLOCKS - 1) / BLOCKS * np.sum((without - without.mean()) ** 2))
    half = float(stats.t.ppf(0.975, BLOCKS - 1) * spread)
    return Interval(value, value - half, value + half)


def _intercept(
    distance: Distance,
    groups: tuple[Groups, Groups],
    kept: tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.bool_]]],
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Where the line through (1/n, distance) of random subsets meets 1/n = 0; the subsets' 1/n are evenly spaced."""
    rows = [np.flatnonzero(part) for part in kept]
    fewest, first, total = min(map(len, rows)), len(groups[0]), len(groups[0]) + len(groups[1])
    sizes = np.unique(np.rint(1.0 / np.linspace(1.0 / fewest, ROOM / fewest, SIZES)).astype(int))
    points, values = [], []
    for size in sizes:
        parts: list[Floats] = []
        for start, part, own in zip((0, first), groups, rows, strict=True):
            weights = np.zeros((draws, total))
            weights[:, start + own] = subsets(np.unique(part[own], return_inverse=True)[1], int(size), draws, rng)
            parts.append(weights)
        values.append(distance.between(*parts).mean())
        points.append(1.0 / size)
    return float(np.polyfit(points, values, 1)[1])
