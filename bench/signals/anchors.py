"""Each surface beside how it looked in earlier frames of the clip: the opening, and one of 8 to 15 frames ago.

What is carried from step to step is where a surface was in that frame, not how it looked: looks that are carried are
smoothed anew in every step and soon differ from anything, places are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from bench.signals.planes import Plane, blurred, coordinates, medians, sample, split, squares
from bench.signals.views import Step, View

CELL, FINE, HALF = 8, 4, 2  # working pixels a side: of cells, of the grid of places, of the grid of grey pictures
EVERY = 8  # distinct frames between anchors
LOST = 1e-6  # of `known`; the rest is nothing

ANCHORED = (
    *(
        f"{name}_from_{anchor}"
        for anchor in ("before", "opening")
        for name in ("light", "hue", "edges", "dust", "lost")
    ),
    "residual_from_before",
)


class Looks(NamedTuple):
    """Of a frame, every 4 working pixels."""

    colour: Plane  # of log levels (rows, columns, 3)
    detail: Plane  # gradient and grain, of log levels (rows, columns, 2)
    gray: Plane  # luminance, every 2 working pixels


@dataclass(frozen=True)
class Anchor:
    """An earlier frame, and where in it each place of the current one was: `shift` in working pixels, if `known`."""

    looks: Looks
    shift: Plane
    known: Plane

    def carried(self, source: Plane, flow: Plane, valid: Plane) -> Anchor:
        """One step further."""
        known = valid * sample(self.known, source)
        known[known < LOST] = 0  # or it dwindles to numbers so small that arithmetic with them is slow
        return Anchor(self.looks, flow + sample(self.shift, source), known)

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
        self._looks: Looks | None = None
        self._steps = 0

    def update(self, step: Step) -> list[Plane]:
        """ANCHORED of each cell, each (rows, columns)."""
        last = self._looks or _looks(step.previous)
        if self._opening is None or self._before is None or self._next is None:
            self._opening = self._before = self._next = _anchor(last)
        flow = _whole(step.cell_flow)
        source = coordinates(*flow.shape[:2]) + flow / np.float32(FINE)
        valid = _whole(step.cell_valid) / np.float32(255)
        if self._steps and self._steps % EVERY == 0:
            self._before, self._next = self._next, _anchor(last)
        self._opening, self._before, self._next = (
            each.carried(source, flow, valid) for each in (self._opening, self._before, self._next)
        )
        self._steps += 1
        self._looks = _looks(step.current)
        changes = [plane for each in (self._before, self._opening) for plane in _changes(self._looks, each)]
        return [*changes, _residual(self._looks.gray, self._before, step.current)]


def _looks(view: View) -> Looks:
    colour, gradient, grain = (np.rint(view.cell_colour), view.cell_gradient, np.rint(view.cell_grain))
    colour, detail = (blurred(_whole(plane), 3) for plane in (colour, np.dstack([gradient, grain])))
    colour = np.log(colour + np.float32(8)) * np.float32(4)
    return Looks(colour, np.log(detail + np.float32(1)), view.half.astype(np.float32))


def _anchor(looks: Looks) -> Anchor:
    """The frame as it is, each place at itself."""
    rows, columns = looks.colour.shape[:2]
    return Anchor(looks, np.zeros((rows, columns, 2), np.float32), np.ones((rows, columns), np.float32))


def _changes(looks: Looks, anchor: Anchor) -> list[Plane]:
    """(light, hue, edges, dust, lost) in cells: changes of a surface beside those of most of the picture."""
    at = coordinates(*anchor.known.shape) + anchor.shift / np.float32(FINE)
    pairs = zip(looks[:2], anchor.looks[:2], strict=True)
    change = np.stack([plane for now, first in pairs for plane in split(now - sample(first, at))])
    known = anchor.sure > 0
    some = change[:, ::2, ::2][:, known[::2, ::2]]
    if some.shape[1]:
        change -= medians(some)[:, None, None]
    change *= anchor.sure
    light, hue = light_and_hue(change)
    return [squares(plane, CELL // FINE) for plane in (light, hue, change[3], change[4], 1 - anchor.sure)]


def light_and_hue(change: Plane) -> tuple[Plane, Plane]:
    """Of a change of three channels (3 or more, rows, columns): what they share, and the most that one differs by."""
    red, green, blue = change[:3]
    light = (red + green + blue) / 3
    hue = np.maximum(np.maximum(np.abs(red - light), np.abs(green - light)), np.abs(blue - light))
    return np.asarray(light, np.float32), np.asarray(hue, np.float32)


def _residual(gray: Plane, anchor: Anchor, view: View) -> Plane:
    """Log of what is left of the difference from the anchor when the motion is undone, over the gradient, in cells."""
    shift = cv2.resize(anchor.shift, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    at = coordinates(*gray.shape) + np.asarray(shift, np.float32) / np.float32(HALF)
    error = squares(np.abs(gray - sample(anchor.looks.gray, at)), CELL // HALF)
    told = np.log((error + np.float32(0.5)) / (view.square_gradient + np.float32(2.0)))
    return np.where(squares(anchor.sure, CELL // FINE) > 0.5, told, medians(told.reshape(-1)))


def _whole(plane: Plane) -> Plane:
    """Of a plane in cells of 4 working pixels, what lies in whole ones of 8."""
    side = CELL // FINE
    return plane[: plane.shape[0] // side * side, : plane.shape[1] // side * side]
