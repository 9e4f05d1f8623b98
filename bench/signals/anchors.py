"""Each surface beside how it looked in earlier frames of the clip: the opening, and one of 8 to 15 frames ago.

What is carried from step to step is where a surface was in that frame, not how it looked: looks that are carried are
smoothed anew in every step and soon differ from anything, places are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.signals.planes import Plane, coordinates, sample
from bench.signals.views import Step, View

CELL, FINE, HALF = 8, 4, 2  # working pixels a side: of cells, of the grid of places, of the grid of grey pictures
EVERY = 8  # distinct frames between anchors

ANCHORED = (
    *(
        f"{name}_from_{anchor}"
        for anchor in ("before", "opening")
        for name in ("light", "hue", "edges", "dust", "lost")
    ),
    "residual_from_before",
)


@dataclass(frozen=True)
class Anchor:
    """An earlier frame, and where in it each place of the current one was: `shift` in working pixels, if `known`."""

    looks: Plane
    gray: Plane
    shift: Plane
    known: Plane

    def carried(self, source: Plane, flow: Plane, valid: Plane) -> Anchor:
        """One step further."""
        shift = flow + sample(self.shift, source)
        return Anchor(self.looks, self.gray, shift, valid * sample(self.known, source))

    @cached_property
    def sure(self) -> Plane:
        """1 where the place and those around it have been followed all the way, else 0."""
        known = (self.known > 0.5).astype(np.uint8)
        return np.asarray(cv2.erode(known, np.ones((3, 3), np.uint8)), np.float32)


class Anchors:
    """Told of each step, in order."""

    def __init__(self) -> None:
        self._opening: Anchor | None = None
        self._before: Anchor | None = None
        self._next: Anchor | None = None
        self._steps = 0

    def update(self, step: Step) -> Plane:
        """ANCHORED of each cell (rows, columns, 11)."""
        if self._opening is None or self._before is None or self._next is None:
            self._opening = self._before = self._next = _anchor(step.previous)
        flow = _grid(step.flow, FINE)
        rows, columns = flow.shape[:2]
        source = coordinates(rows, columns) + flow / np.float32(FINE)
        valid = _grid(step.valid.view(np.uint8) * np.uint8(255), FINE) / np.float32(255)
        if self._steps and self._steps % EVERY == 0:
            self._before, self._next = self._next, _anchor(step.previous)
        self._opening, self._before, self._next = (
            each.carried(source, flow, valid) for each in (self._opening, self._before, self._next)
        )
        self._steps += 1
        now = _anchor(step.current)
        looks = [_changes(now.looks, each) for each in (self._before, self._opening)]
        return np.dstack([*looks, _residual(now.gray, self._before, step.current)]).astype(np.float32)


def _anchor(view: View) -> Anchor:
    """The frame as it is, each place at itself."""
    grain = cv2.convertScaleAbs(cv2.Laplacian(view.gray, cv2.CV_16S))
    looks = np.dstack([_grid(view.picture, FINE), _grid(view.gradient, FINE), _grid(np.minimum(grain, 40), FINE)])
    looks = np.asarray(cv2.blur(looks, (3, 3), borderType=cv2.BORDER_REPLICATE), np.float32)
    looks[..., :3] = np.log(looks[..., :3] + 8) * 4
    looks[..., 3:] = np.log(looks[..., 3:] + 1)
    rows, columns = looks.shape[:2]
    still, known = np.zeros((rows, columns, 2), np.float32), np.ones((rows, columns), np.float32)
    return Anchor(looks, _grid(view.gray, HALF), still, known)


def _changes(looks: Plane, anchor: Anchor) -> Plane:
    """(light, hue, edges, dust, lost) in cells: changes of a surface beside those of most of the picture."""
    rows, columns = looks.shape[:2]
    at = coordinates(rows, columns) + anchor.shift / np.float32(FINE)
    first = np.dstack([sample(np.ascontiguousarray(anchor.looks[..., part]), at) for part in (slice(3), slice(3, 5))])
    known = anchor.sure > 0
    change = looks - first
    some = change[::2, ::2][known[::2, ::2]]
    if len(some):
        change -= np.median(some, axis=0)
    change *= known[..., None]
    light, hue = light_and_hue(change)
    return _halved(np.dstack([light, hue, change[..., 3], change[..., 4], ~known]).astype(np.float32))


def light_and_hue(change: Plane) -> tuple[Plane, Plane]:
    """Of a change of three channels: what they share, and the most that one differs from that."""
    red, green, blue = change[..., 0], change[..., 1], change[..., 2]
    light = (red + green + blue) / 3
    hue = np.maximum(np.maximum(np.abs(red - light), np.abs(green - light)), np.abs(blue - light))
    return np.asarray(light, np.float32), np.asarray(hue, np.float32)


def _residual(gray: Plane, anchor: Anchor, view: View) -> Plane:
    """Log of what is left of the difference from the anchor when the motion is undone, over the gradient, in cells."""
    shift = cv2.resize(anchor.shift, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    at = coordinates(*gray.shape) + np.asarray(shift, np.float32) / np.float32(HALF)
    error = _averaged(np.abs(gray - sample(anchor.gray, at)), CELL // HALF)
    told = np.log((error + 0.5) / (_grid(view.gradient, CELL) + 2.0))
    return np.asarray(np.where(_halved(anchor.sure) > 0.5, told, np.median(told)), np.float32)


def _grid(plane: Plane | NDArray[np.uint8], side: int) -> Plane:
    """Means over squares of working pixels, of whole cells alone."""
    height, width = (length // CELL * CELL for length in plane.shape[:2])
    return _averaged(plane[:height, :width], side)


def _averaged(plane: Plane | NDArray[np.uint8], side: int) -> Plane:
    size = plane.shape[1] // side, plane.shape[0] // side
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _halved(plane: Plane) -> Plane:
    return _averaged(plane, 2)
