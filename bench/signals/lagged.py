"""Lagged: what is left when the motion over several steps is undone. What melts slowly hides between neighbours."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.planes import (
    BLOCK,
    STRIDE,
    Plane,
    coordinates,
    exceeded_by,
    joined,
    region_of,
    sample,
    share,
    split,
    squares,
)
from bench.signals.views import SHORTEST_SIDE, Step, View, track

LAG = 4  # distinct frames
LEAST_INSIDE = 0.2  # share of the picture that must come from the earlier one for its light to be held against it
SHRINK = 2  # the working picture is this many times as wide and as high as the one looked at here


class ResidualLagged:
    """Warping error against the distinct frame four before, of the worst 2% of blocks, a common change of light undone.

    In grey levels, not over the gradient: a part that melts into fog has none. A clip's first three steps say nothing.
    """

    name, unit, floor = "residual_lagged", "grey levels", 0.5
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "flow"

    def __init__(self) -> None:
        self._past: deque[_Glance] = deque(maxlen=LAG)

    def update(self, step: Step) -> Reading:
        """What the worst 2% of blocks exceed, and the box around the worst of them."""
        if not self._past:
            self._past.append(_glance(step.previous))
        now, reading = _glance(step.current), Reading(math.nan)
        if len(self._past) == LAG:
            blocks = _residual(now, self._past[0])
            size = (now.gray.shape[0], now.gray.shape[1])
            region = region_of(blocks, BLOCK // SHRINK, STRIDE // SHRINK, size)
            reading = Reading(exceeded_by(blocks, 0.02), region)
        self._past.append(now)
        return reading


class _Glance(NamedTuple):
    colour: Plane
    gray: NDArray[np.uint8]


def _glance(view: View) -> _Glance:
    # DIS cannot follow a strip that is narrower than its patches: a side keeps what it needs.
    size = (max(view.gray.shape[1] // SHRINK, SHORTEST_SIDE), max(view.gray.shape[0] // SHRINK, SHORTEST_SIDE))
    small = np.rint(cv2.resize(view.colour, size, interpolation=cv2.INTER_AREA))  # faster than that of whole levels
    return _Glance(small, np.asarray(cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8))


def _residual(now: _Glance, before: _Glance) -> Plane:
    """Mean residual of blocks, grey levels; blocks that come from outside the earlier picture count 0."""
    height, width = now.gray.shape
    source = coordinates(height, width) + track(now.gray, before.gray)
    x, y = split(source)
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    carried, inside = sample(before.colour, source), within.astype(np.float32)
    if share(within) >= LEAST_INSIDE:  # light that comes and goes over the whole picture is no break
        mask = within.view(np.uint8)
        light, dark = (sum(cv2.mean(plane, mask)[:3]) + 3.0 for plane in (now.colour, carried))
        carried *= np.float32(light / dark)
    left = cv2.cvtColor(cv2.absdiff(now.colour, carried), cv2.COLOR_RGB2GRAY)
    stride = STRIDE // SHRINK
    blocks = joined(squares(np.asarray(left, np.float32), stride))
    return np.asarray(blocks * (joined(squares(inside, stride)) > 0.99))
