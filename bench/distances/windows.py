"""Along the clip: the kernel distance of every window against the same window of the reference, and where it departs.

The distribution hold is the model-level twin of frames held: where the last window ends whose distance is not above
what parts of the reference show against each other. The floor is for all windows together, so that real footage
passes it in any of them with probability at most the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.distances.estimate import Plan, bootstrap_weights, too_few, upper_quantile
from bench.distances.kernel import PolynomialKernel
from bench.distances.resampling import half_size, halves, numbered
from bench.distances.samples import Floats
from bench.records import Interval


@dataclass(frozen=True)
class Window:
    """Frames `start` to `end` - 1 of every clip, each value with a 95% interval of this window alone.

    `reference` is the reference against itself at `n` clips, `since_opening` how far beyond the first window it lies.
    """

    start: int
    end: int
    n: int
    value: Interval
    reference: Interval
    floor: float
    above: bool
    since_opening: Interval


@dataclass(frozen=True)
class Drift:
    """The curve, and frames held by the distribution: `to_the_end` when no window is above its floor."""

    windows: tuple[Window, ...]
    hold_frames: Interval
    to_the_end: bool
    level: float


def drift(
    sample: Floats,
    reference: Floats,
    frames: Sequence[tuple[int, int]],
    labels: tuple[Sequence[str], Sequence[str]],
    plan: Plan | None = None,
) -> Drift:
    """Of features (windows, n, d) and (windows, m, d); `frames` has first frame and end of each window.

    ValueError when the windows differ, or when the reference is too small for a floor.
    """
    plan = plan or Plan()
    if not len(sample) == len(reference) == len(frames) or not frames:
        raise ValueError(f"expected as many windows in both sets, got {len(sample)}, {len(reference)}, {len(frames)}")
    groups = numbered(labels[1])
    size = min(len(labels[0]), half_size(groups))
    if reason := too_few(len(labels[0]), half_size(groups)):
        raise ValueError(reason)
    values, drawn, against_itself = _curves(sample, reference, labels, size, plan)
    floors = _floors(against_itself, plan.level)
    ends = np.array([end for _, end in frames])
    holds = np.array([_hold(curve > floors, ends) for curve in drawn.T])
    hold = _hold(values > floors, ends)
    low, high = np.quantile(holds, [0.025, 0.975], method="closest_observation")
    windows = tuple(
        Window(
            start=frames[index][0],
            end=frames[index][1],
            n=size,
            value=_moved(values[index], drawn[index]),
            reference=_spread(against_itself[index]),
            floor=float(floors[index]),
            above=bool(values[index] > floors[index]),
            since_opening=_moved(values[index] - values[0], drawn[index] - drawn[0]),
        )
        for index in range(len(frames))
    )
    held = Interval(hold, min(float(low), hold), max(float(high), hold))
    return Drift(windows, held, not any(window.above for window in windows), plan.level)


def _curves(
    sample: Floats, reference: Floats, labels: tuple[Sequence[str], Sequence[str]], size: int, plan: Plan
) -> tuple[Floats, Floats, Floats]:
    """Distances (windows,), bootstrapped (windows, replicates), reference against itself (windows, splits).

    The same clips are drawn in every window, so that windows can be compared.
    """
    first, rng = sample.shape[1], np.random.default_rng(plan.seed + 3)
    whole = (np.arange(first + reference.shape[1]) < first).astype(float)[None]
    resampled = bootstrap_weights(labels, plan.replicates, rng)
    parts = [np.pad(part, ((0, 0), (first, 0))) for part in halves(numbered(labels[1]), size, plan.splits, rng)]
    values, drawn, against_itself = [], [], []
    for x, y in zip(sample, reference, strict=True):
        kernel = PolynomialKernel(np.concatenate([x, y]))
        values.append(kernel.between(whole, 1.0 - whole)[0])
        drawn.append(kernel.between(*resampled))
        against_itself.append(kernel.between(*parts))
    return np.array(values), np.array(drawn), np.array(against_itself)


def _floors(against_itself: Floats, level: float) -> Floats:
    """One floor a window; the reference passes any with probability `level`, by the largest of standardised values."""
    mean, spread = against_itself.mean(axis=1), against_itself.std(axis=1)
    spread = np.where(spread > 0, spread, 1.0)
    largest = ((against_itself - mean[:, None]) / spread[:, None]).max(axis=0)
    return np.asarray(mean + spread * upper_quantile(largest, level))


def _hold(above: NDArray[np.bool_], ends: NDArray[np.intp]) -> float:
    """Where the last window before the first one above its floor ends; 0 when that is the first window."""
    first = int(np.argmax(above)) if above.any() else len(above)
    return float(ends[first - 1]) if first else 0.0


def _moved(value: float, drawn: Floats) -> Interval:
    """The bootstrap's spread, moved onto the value."""
    low, high = value + np.quantile(drawn - drawn.mean(), [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def _spread(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
