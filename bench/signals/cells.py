"""What can be told of each cell of the picture at each step, and of the past of the surface that lies in it.

A cell is 8 x 8 working pixels. Of each surface its first look and its usual look and behaviour are carried along the
flow, so that what is new on it stands out and its motion does not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.signals.anchors import ANCHORED, Anchors, light_and_hue
from bench.signals.planes import Mask, Plane, coordinates, medians, sample, split, squared_length, squares
from bench.signals.returns import CELL, RETURNS, Returns
from bench.signals.views import CELL as FINE
from bench.signals.views import Step, View

RECENT, USUAL = 0.4, 0.12  # weight of the newest step in the short and in the long memory

LOOKS = ("red", "green", "blue", "gradient", "grain")
BEHAVIOURS = ("residual", "unmatched", "difference", "speed", "strain")
FEATURES = (
    # of this step
    "residual",
    "residual_levels",
    "unmatched",
    "difference",
    "speed",
    "speed_beside_camera",
    "strain",
    "gradient",
    "brightness",
    "outside",
    "age",
    "deformation",
    # against the past of the surface
    "turn",
    "residual_new",
    "unmatched_new",
    "difference_new",
    "strain_new",
    "speed_new",
    "brightness_from_first",
    "tint_from_first",
    "gradient_from_first",
    "grain_from_first",
    "brightness_from_usual",
    "tint_from_usual",
    "gradient_from_usual",
    "grain_from_usual",
    # against the past of the place in the picture
    "difference_here",
    "residual_here",
    "gradient_here",
    # the motion of the surface against its motion before
    "about_face",
    # against where the surface was in earlier frames
    *ANCHORED,
    # against the same place some frames ago
    *RETURNS,
)


class Memory(NamedTuple):
    """What is carried from step to step, in cells (n, rows, columns): along the surface, and (`here`) at the place."""

    first: Plane  # looks when first seen
    usual: Plane  # looks, slowly renewed
    behaviour: Plane
    flow: Plane
    shift: Plane  # from where the surface was first seen, working pixels
    age: Plane  # steps since then (1, rows, columns)
    here: Plane  # difference, residual, gradient


class Cells:
    """Features of every cell, step by step; told of each step between distinct frames, in order."""

    def __init__(self) -> None:
        self._memory: Memory | None = None
        self._returns, self._anchors = Returns(), Anchors()

    def update(self, step: Step) -> tuple[Plane, NDArray[np.float32]]:
        """Features of each cell (rows, columns, len(FEATURES)) and of the whole picture (len(WHOLE),) of one step."""
        look = _looks(step.current)
        flow = squares(step.cell_flow, CELL // FINE)
        vectors = np.stack(split(flow))
        gray = squares(step.current.gray.astype(np.float32), CELL)
        behaviour, plain = _behaviour(step, vectors, gray)
        here = np.stack([behaviour[2], behaviour[0], look[3]])
        memory = self._memory
        if memory is None:
            before = _looks(step.previous)
            memory = Memory(before, before, behaviour, vectors, -vectors, np.zeros((1, *gray.shape), np.float32), here)
            self._returns.begin(step.previous)
        else:
            source = coordinates(*gray.shape) + flow / np.float32(CELL)
            seen = squares(step.cell_valid, CELL // FINE) > 128
            memory = _carried(memory, source, seen, look, behaviour, vectors)
        new = behaviour - memory.behaviour
        from_first, from_usual = look - memory.first, look - memory.usual
        returns, whole = self._returns.update(step.current, gray, behaviour[2])
        age, turn = memory.age[0], np.log(_length(vectors - memory.flow) + 0.1)
        features = np.stack(
            [
                *plain,
                np.minimum(age, 32) / 32,
                np.log(_strain(memory.shift) + 0.2),
                turn - 0.5 * np.log(_length(memory.flow) + 0.5),
                *new[[0, 1, 2, 4, 3]],
                *_changes(from_first),
                *_changes(from_usual),
                *(here - memory.here),
                _about_face(vectors, memory.flow),
                *self._anchors.update(step),
                *returns,
            ]
        )
        weight = np.where(age < 1 / USUAL, 1 / (age + 2), np.float32(USUAL))
        quick = np.maximum(weight, np.float32(RECENT / 2))
        self._memory = Memory(
            memory.first,
            memory.usual + weight * from_usual,
            memory.behaviour + quick * new,
            memory.flow + RECENT * (vectors - memory.flow),
            memory.shift,
            memory.age + 1,
            memory.here + USUAL * (here - memory.here),
        )
        return np.moveaxis(features, 0, 2), whole


def _looks(view: View) -> Plane:
    cells = (*split(view.cell_colour), view.cell_gradient, view.cell_grain)
    looks = np.stack([squares(plane, CELL // FINE) for plane in cells])
    looks[:3] = np.log(looks[:3] + 8) * 4
    looks[3:] = np.log(looks[3:] + 1)
    return looks


def _behaviour(step: Step, flow: Plane, gray: Plane) -> tuple[Plane, list[Plane]]:
    """(behaviours, features of the step itself) in cells; `flow` (2, rows, columns)."""
    error, gradient = step.square_residual, step.current.square_gradient
    unmatched = squares(step.unmatched.astype(np.float32), CELL) * 4
    residual = np.log((error + 0.5) / (gradient + 2.0))
    change = np.log(step.square_change + 0.25)
    speed = np.log(_length(flow) + 0.1)
    strain = np.log(_strain(flow) + 0.05)
    camera = (_centres(*gray.shape) @ step.camera.coefficients.astype(np.float32)).T.reshape(flow.shape)
    plain = [
        residual,
        np.log(error + 0.5),
        unmatched,
        change,
        speed,
        np.log(_length(flow - camera) + 0.1),
        strain,
        np.log(gradient + 1.0),
        gray / 64,
        1 - step.square_inside,
    ]
    return np.stack([residual, unmatched, change, speed, strain]), plain


@lru_cache(maxsize=16)
def _centres(rows: int, columns: int) -> Plane:
    """(x, y, 1) of the middle of each cell, working pixels (rows x columns, 3)."""
    middle = coordinates(rows, columns).reshape(-1, 2) * np.float32(CELL) + np.float32(CELL / 2)
    return np.column_stack([middle, np.ones(len(middle), np.float32)])


def _strain(flow: Plane) -> Plane:
    """Length of the differences between neighbouring cells of a flow (2, rows, columns)."""
    total = np.zeros(flow.shape[1:], np.float32)
    total[:, 1:] += squared_length(*(flow[:, :, 1:] - flow[:, :, :-1]))
    total[1:] += squared_length(*(flow[:, 1:] - flow[:, :-1]))
    return np.sqrt(total)


def _length(flow: Plane) -> Plane:
    return np.sqrt(squared_length(*flow))  # cv2.magnitude: its last digits depend on where planes lie in memory


def _carried(memory: Memory, source: Plane, seen: Mask, look: Plane, behaviour: Plane, flow: Plane) -> Memory:
    """The memory where its surfaces are now; what was not seen before begins with what it is."""
    # What is new has no past of its own: it begins with the median behaviour of the picture.
    typical = medians(behaviour.reshape(len(behaviour), -1))[:, None, None]
    nothing = np.zeros((1, 1, 1), np.float32)
    fresh = (look, look, typical, flow, nothing, nothing)
    kept = [plane for part in memory[:-1] for plane in part]
    fours = (sample(cv2.merge(kept[k : k + 4]), source) for k in range(0, len(kept), 4))
    moved = np.stack([plane for four in fours for plane in split(four)])
    ends = np.cumsum([len(part) for part in memory[:-1]])[:-1]
    first, usual, behaved, flowed, shift, age = (
        np.where(seen, part, new) for part, new in zip(np.split(moved, ends), fresh, strict=True)
    )
    return Memory(first, usual, behaved, flowed, shift - flow * seen, age, memory.here)


def _about_face(flow: Plane, before: Plane) -> Plane:
    """Minus the cosine of a surface's motion with its motion before, nearer to 0 where either is small."""
    together = flow[0] * before[0] + flow[1] * before[1]
    return np.asarray(-together / (_length(flow) * _length(before) + np.float32(0.1)), np.float32)


def _changes(look: Plane) -> tuple[Plane, ...]:
    """(brightness, tint, gradient, grain) of a difference of looks; tint is the largest change of a channel's share."""
    return (*light_and_hue(look), look[3], look[4])
