"""Patches: what a self-supervised network sees in each, held against the same surface in earlier frames.

A patch's features say what is there (Oquab et al. 2023), so that a thing that turns or passes into the shade differs
little and one that becomes another differs much. What is carried along the flow is where each place was in an earlier
frame, not what was seen there, which carrying would smooth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.planes import Mask, Plane, coordinates, exceeded_by, region_of, sample
from bench.signals.views import Step, View

Describe = Callable[[View], Plane]
"""Features of unit length of each patch of a frame (rows, columns, d)."""

PARTS = 4  # a side: the parts of a patch whose places are followed
LAG = 4  # distinct frames
RECENT = 8  # distinct frames whose median is the usual look
SETTLED = 3  # distinct frames without which nothing is usual
WORST = 0.02  # share of the patches
BETWEEN = tuple(product((0, 1), (0, 1)))  # the four patches that a place lies between
NEAR = tuple(product((-1, 0, 1), (-1, 0, 1)))  # what was uncovered is mostly more of what was beside it


class Earlier(NamedTuple):
    """An earlier frame, and where in it each part of the current one was: `shift` in patches."""

    features: Plane  # (rows, columns, d)
    shift: Plane  # (rows x 4, columns x 4, 2)
    inside: Plane  # 1 where it lay inside the picture all the way
    followed: Plane  # 1 where it has had a counterpart all the way


def begun(features: Plane) -> Earlier:
    """A frame as it is, each place at itself."""
    rows, columns = features.shape[0] * PARTS, features.shape[1] * PARTS
    everywhere = np.ones((rows, columns), np.float32)
    return Earlier(features, np.zeros((rows, columns, 2), np.float32), everywhere, everywhere)


def carried(frames: Sequence[Earlier], step: Step) -> list[Earlier]:
    """The same frames, one step later."""
    if not frames:
        return []
    rows, columns = frames[0].inside.shape
    height, width = step.size
    moved = _parts(step.flow, rows, columns) * np.array([columns / PARTS / width, rows / PARTS / height], np.float32)
    source = coordinates(rows, columns) + moved * np.float32(PARTS)
    inside, valid = (_parts(mask.astype(np.float32), rows, columns) for mask in (step.inside, step.valid))
    return [
        Earlier(
            frame.features,
            moved + sample(frame.shift, source),
            ((inside > 0.5) & (sample(frame.inside, source) > 0.5)).astype(np.float32),
            ((valid > 0.5) & (sample(frame.followed, source) > 0.5)).astype(np.float32),
        )
        for frame in frames
    ]


def distance(features: Plane, earlier: Earlier) -> Plane:
    """1 - cosine of each patch with the most similar of those at its place in an earlier frame (rows, columns).

    Of a patch that has been followed, the four around the place; of one whose flow was lost on the way, the nine. One
    that was outside the picture counts 0: nothing is known of it.
    """
    rows, columns, dimensions = features.shape
    place = coordinates(rows, columns) + np.median(_by_patch(earlier.shift), axis=2)
    inside = _by_patch(earlier.inside).min(axis=2) > 0.5
    followed = _by_patch(earlier.followed).mean(axis=2) > 0.5
    similar = features.reshape(-1, dimensions) @ earlier.features.reshape(-1, dimensions).T
    tracked = _best(similar, np.floor(place), BETWEEN, inside.shape)
    lost = _best(similar, np.rint(place), NEAR, inside.shape)
    return np.asarray(np.maximum(1 - np.where(followed, tracked, lost), 0) * inside, np.float32)


def _best(similar: Plane, place: Plane, offsets: Sequence[tuple[int, int]], shape: Sequence[int]) -> Plane:
    """The largest similarity of each patch with those at `offsets` from its place, the border repeated outside."""
    rows, columns = shape
    found = []
    for down, across in offsets:
        row = np.clip(place[..., 1] + down, 0, rows - 1).astype(np.intp)
        column = np.clip(place[..., 0] + across, 0, columns - 1).astype(np.intp)
        found.append(similar[np.arange(rows * columns), (row * columns + column).reshape(-1)])
    return np.asarray(np.maximum.reduce(found).reshape(rows, columns), np.float32)


def _parts(plane: Plane, rows: int, columns: int) -> Plane:
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _by_patch(parts: Plane | Mask) -> Plane:
    """(rows, columns, 16, ...): the parts of each patch side by side."""
    rows, columns = parts.shape[0] // PARTS, parts.shape[1] // PARTS
    split = parts.reshape(rows, PARTS, columns, PARTS, *parts.shape[2:]).swapaxes(1, 2)
    return np.asarray(split.reshape(rows, columns, PARTS * PARTS, *parts.shape[2:]), np.float32)


class _Patches(ABC):
    """What the signals of patches share. Distances below the floor are what resampling and noise make."""

    name, unit, floor = "", "1 - cosine", 0.05
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "features"
    weights, flow = "dinov2-small", "raft-small"

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._earlier: list[Earlier] = []

    def update(self, step: Step) -> Reading:
        """The distance that the worst 2% of patches exceed, and the box around the worst of them."""
        if not self._earlier:
            self._earlier = [begun(self._describe(step.previous))]
        self._earlier = carried(self._earlier, step)
        now = self._describe(step.current)
        changed = self._changed(now)
        self._earlier = self._kept([*self._earlier, begun(now)])
        if changed is None:
            return Reading(math.nan)
        return Reading(exceeded_by(changed, WORST), region_of(changed, 1, 1, (changed.shape[0], changed.shape[1])))

    @abstractmethod
    def _changed(self, now: Plane) -> Plane | None:
        """How far each patch is from its earlier selves; None while nothing can be said."""

    @abstractmethod
    def _kept(self, frames: list[Earlier]) -> list[Earlier]:
        """Of the earlier frames and this one, those that the next is held against."""


class PatchFirst(_Patches):
    """Patches against the clip's first frame, as far as the flow leads back to it. What melts slowly ends far away."""

    name = "patch_first"

    def _changed(self, now: Plane) -> Plane:
        return distance(now, self._earlier[0])

    def _kept(self, frames: list[Earlier]) -> list[Earlier]:
        return frames[:1]


class PatchUsual(_Patches):
    """Patches against the last 8 frames, the median of the distances. A clip's first two steps say nothing."""

    name = "patch_usual"

    def _changed(self, now: Plane) -> Plane | None:
        if len(self._earlier) < SETTLED:
            return None
        return np.asarray(np.median([distance(now, each) for each in self._earlier], axis=0), np.float32)

    def _kept(self, frames: list[Earlier]) -> list[Earlier]:
        return frames[-RECENT:]


class PatchLagged(_Patches):
    """Patches against the distinct frame four before. A clip's first three steps say nothing."""

    name = "patch_lagged"

    def _changed(self, now: Plane) -> Plane | None:
        return distance(now, self._earlier[0]) if len(self._earlier) == LAG else None

    def _kept(self, frames: list[Earlier]) -> list[Earlier]:
        return frames[-LAG:]
