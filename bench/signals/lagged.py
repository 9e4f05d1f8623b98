"""Lagged: what is left when the motion over several steps is undone. What melts slowly hides between neighbours."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode, Picture
from bench.signals import Reading
from bench.signals.views import (
    BLOCK,
    STRIDE,
    Plane,
    Step,
    coordinates,
    exceeded_by,
    means_over,
    region_of,
    sample,
    track,
)

LAG = 4  # distinct frames
LEAST_INSIDE = 0.2  # share of the picture that must come from the earlier one for its light to be held against it
LEAST_SIDE = 32
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
            self._past.append(_glance(step.previous.picture))
        now, reading = _glance(step.current.picture), Reading(math.nan)
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


def _glance(picture: Picture) -> _Glance:
    # DIS cannot follow a strip that is narrower than its patches: a side keeps what it needs.
    size = (max(picture.shape[1] // SHRINK, LEAST_SIDE), max(picture.shape[0] // SHRINK, LEAST_SIDE))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _Glance(small.astype(np.float32), np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))


def _residual(now: _Glance, before: _Glance) -> Plane:
    """Mean residual of blocks, grey levels; blocks that come from outside the earlier picture count 0."""
    height, width = now.gray.shape
    source = coordinates(height, width) + track(now.gray, before.gray)
    x, y = source[..., 0], source[..., 1]
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    carried, inside = sample(before.colour, source), within.astype(np.float32)
    if within.mean() >= LEAST_INSIDE:  # light that comes and goes over the whole picture is no break
        mask = within.view(np.uint8)
        light, dark = (sum(cv2.mean(plane, mask)[:3]) + 3.0 for plane in (now.colour, carried))
        carried *= np.float32(light / dark)
    left = cv2.cvtColor(cv2.absdiff(now.colour, carried), cv2.COLOR_RGB2GRAY)
    side, stride = BLOCK // SHRINK, STRIDE // SHRINK
    blocks = means_over(np.asarray(left, np.float32), side, stride)
    return blocks * (means_over(inside, side, stride) > 0.99)
