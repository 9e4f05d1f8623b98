"""Continuation: what a small network, trained to tell true footage from broken, thinks of each step.

It looks at the features of all cells (`bench.signals.cells`): two convolutions give a map of where the picture does not
go on as it was. What that map and the features come to in this step, beside what they came to in the steps before and
in the clip's opening, is weighed by a second, smaller network. Clips that a member was trained on are judged by others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.cells import FEATURES, Cells
from bench.signals.planes import Plane, medians, region_of
from bench.signals.returns import CELL, WHOLE
from bench.signals.views import Step

Member = Mapping[str, NDArray[np.float32]]
Vector = NDArray[np.float32]

LARGEST = 8.0  # standard deviations; a feature beyond is read as this
POOLS = (0.003, 0.01, 0.05, 0.2, 1.0)  # shares of the map whose largest values are averaged
EXTREMES = (0.02, 0.004)  # shares of the cells whose largest features are averaged; of the first also the smallest
PAST, SETTLED, OPENING = 8, 3, 4  # steps: the recent past, when a jump counts in full, the clip's opening
LARGEST_COURSE = 6.0  # standard deviations
LOG_ODDS_LIMIT = 15.0
SUMMARY = 4 * len(FEATURES) + len(POOLS) + 1 + len(WHOLE)


class Continuation:
    """Odds that the picture does not go on as it was, by what the embedded network learnt."""

    name, unit, floor = "continuation", "odds", 1e-4
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "features"
    names = False
    weights = "continuation"

    def __init__(self, members: Sequence[Member]) -> None:
        if not members:
            raise ValueError("continuation needs at least one trained member")
        self._members = [(member, Course()) for member in members]
        self._cells = Cells()

    def update(self, step: Step) -> Reading:
        """Odds of a break in this step, and the box around the worst cells."""
        features, whole = self._cells.update(step)
        odds, maps, spread = [], [], extremes(features)
        for member, course in self._members:
            glance, where = judge(member, features)
            odds.append(weigh(member, course.add(summary(spread, where, glance, whole))))
            maps.append(where)
        log_odds = float(np.clip(np.mean(odds), -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT))
        likely = 1 / (1 + np.exp(-np.mean(maps, axis=0)))
        return Reading(float(np.exp(log_odds)), region_of(likely, CELL, CELL, step.size))


def judge(member: Member, features: Plane) -> tuple[float, Plane]:
    """(log odds of the step at a glance, log odds of each cell) by one member; features (rows, columns, n)."""
    planes = np.moveaxis(features, 2, 0) - member["mean"][:, None, None]
    planes /= member["std"][:, None, None]
    np.minimum(np.maximum(planes, -LARGEST, out=planes), LARGEST, out=planes)
    context = np.concatenate(_mean_and_deviation(planes.reshape(len(planes), -1)))
    inputs = np.ascontiguousarray(np.moveaxis(planes, 0, 2))
    bias = member["c1.bias"] + member["ctx.weight"] @ context + member["ctx.bias"]
    hidden = _convolved(inputs, member["c1.weight"], bias, 1)
    hidden = _convolved(hidden, member["c2.weight"], member["c2.bias"], 2)
    where = hidden @ member["out.weight"] + member["out.bias"]
    cells = hidden.reshape(-1, hidden.shape[2])
    seen = np.concatenate([_pools(where), cells.max(axis=0), cv2.reduce(cells, 0, cv2.REDUCE_AVG)[0], context])
    thought = np.maximum(member["f1.weight"] @ seen + member["f1.bias"], 0)
    return float(member["f2.weight"] @ thought + member["f2.bias"]), np.asarray(where, np.float32)


def summary(spread: Vector, where: Plane, glance: float, whole: Vector) -> Vector:
    """What a step comes to (SUMMARY,): the features' extremes over cells (`extremes`), of the map its pools."""
    return np.concatenate([spread, _pools(where), [glance], whole]).astype(np.float32)


def extremes(features: Plane) -> Vector:
    """Of each feature (4 x n,): the mean of its largest cells, of its smallest, of all, of its very largest."""
    ordered = np.sort(np.moveaxis(features, 2, 0).reshape(features.shape[2], -1), axis=1)
    most, few = (max(1, int(ordered.shape[1] * share)) for share in EXTREMES)
    parts = (ordered[:, -most:], ordered[:, :most], ordered, ordered[:, -few:])
    return np.concatenate([cv2.reduce(part, 1, cv2.REDUCE_AVG)[:, 0] for part in parts])


class Course:
    """The steps of a clip so far, by what each came to."""

    def __init__(self) -> None:
        self._past: deque[Vector] = deque(maxlen=PAST)
        self._opening: list[Vector] = []

    def add(self, now: Vector) -> Vector:
        """(3 x SUMMARY,): this step, how far it is from the median of the last 8, how far from the opening's mean."""
        jump: Vector = np.zeros_like(now)
        drift: Vector = np.zeros_like(now)
        if self._past:
            usual = medians(np.stack(self._past, axis=1))
            jump = np.asarray((now - usual) * np.float32(min(1.0, len(self._past) / SETTLED)), np.float32)
            drift = np.asarray(now - np.mean(self._opening, axis=0), np.float32)
        self._past.append(now)
        if len(self._opening) < OPENING:
            self._opening.append(now)
        return np.concatenate([now, jump, drift]).astype(np.float32)


def weigh(member: Member, course: Vector) -> float:
    """Log odds of a break in a step, from its course."""
    inputs = np.clip((course - member["t.mean"]) / member["t.std"], -LARGEST_COURSE, LARGEST_COURSE)
    thought = np.maximum(member["t1.weight"] @ inputs + member["t1.bias"], 0)
    return float(member["t2.weight"] @ thought + member["t2.bias"])


def _mean_and_deviation(rows: Plane) -> tuple[Vector, Vector]:
    means = np.asarray(cv2.reduce(rows, 1, cv2.REDUCE_AVG), np.float32)
    left = rows - means
    left *= left
    return means[:, 0], np.asarray(np.sqrt(cv2.reduce(left, 1, cv2.REDUCE_AVG)[:, 0]), np.float32)


def _pools(where: Plane) -> Vector:
    totals = np.cumsum(np.sort(where.reshape(-1))[::-1], dtype=np.float64)
    counts = np.array([max(1, int(where.size * share)) for share in POOLS])
    return np.asarray(totals[counts - 1] / counts, np.float32)


def _convolved(plane: Plane, kernel: NDArray[np.float32], bias: Vector, dilation: int) -> Plane:
    """3 x 3 convolution, the border repeated, what is below 0 cut; plane (rows, columns, n), kernel (3, 3, n, m)."""
    rows, columns = plane.shape[:2]
    padded = cv2.copyMakeBorder(plane, *4 * (dilation,), cv2.BORDER_REPLICATE)
    width, flat = padded.shape[1], padded.reshape(-1, plane.shape[2])
    # Each part of the kernel meets one unbroken run of cells, rows with their borders: one large product each.
    total = np.zeros((rows * width, kernel.shape[3]), np.float32)
    run = total[: rows * width - 2 * dilation]
    for down in range(3):
        for across in range(3):
            start = (down * width + across) * dilation
            run += flat[start : start + len(run)] @ kernel[down, across]
    total += bias
    np.maximum(total, 0, out=total)
    return np.ascontiguousarray(total.reshape(rows, width, -1)[:, :columns])
