"""What can be told of each cell of the picture at each step, and of the past of the surface that lies in it.

A cell is 8 x 8 working pixels. Of each surface its first look and its usual look and behaviour are carried along the
flow, so that what is new on it stands out and its motion does not.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.signals.anchors import ANCHORED, Anchors, light_and_hue
from bench.signals.returns import CELL, RETURNS, Returns
from bench.signals.planes import Plane, coordinates, sample, squared_length
from bench.signals.views import Step

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
    """What is carried from step to step, in cells: along the surface, and (`here`) at the place."""

    first: Plane  # looks when first seen
    usual: Plane  # looks, slowly renewed
    behaviour: Plane
    flow: Plane
    shift: Plane  # from where the surface was first seen, working pixels
    age: Plane
    here: Plane  # difference, residual, gradient


class Cells:
    """Features of every cell, step by step; told of each step between distinct frames, in order."""

    def __init__(self) -> None:
        self._memory: Memory | None = None
        self._returns, self._anchors = Returns(), Anchors()

    def update(self, step: Step) -> tuple[Plane, NDArray[np.float32]]:
        """Features of each cell (rows, columns, len(FEATURES)) and of the whole picture (len(WHOLE),) of one step."""
        look = _looks(step)
        flow = _means(step.flow)
        behaviour, plain = _behaviour(step, flow)
        rows, columns = flow.shape[:2]
        here = np.dstack([behaviour[..., 2], behaviour[..., 0], look[..., 3]])
        memory = self._memory
        if memory is None:
            before = _looks_of(step.previous.colour, step.previous.gradient, step.previous.gray)
            nothing = np.zeros((rows, columns), np.float32)
            memory = Memory(before, before, behaviour, flow, -flow, nothing, here)
            self._returns.begin(step.previous.gray, _means(step.previous.gray))
            seen = np.ones((rows, columns), bool)
        else:
            source = coordinates(rows, columns) + flow / np.float32(CELL)
            seen = _means(step.valid.view(np.uint8) * np.uint8(255)) > 128
            memory = _carried(memory, source, seen, look, behaviour, flow)
        turn = _length(flow - memory.flow)
        new = behaviour - memory.behaviour
        from_first, from_usual = look - memory.first, look - memory.usual
        returns, whole = self._returns.update(step.current.gray, plain[..., 8] * 64, behaviour[..., 2])
        features = np.dstack(
            [
                plain,
                np.minimum(memory.age, 32) / 32,
                np.log(_strain(memory.shift) + 0.2),
                np.log(turn + 0.1) - 0.5 * np.log(_length(memory.flow) + 0.5),
                new[..., [0, 1, 2, 4, 3]],
                _changes(from_first),
                _changes(from_usual),
                here - memory.here,
                _about_face(flow, memory.flow),
                self._anchors.update(step),
                returns,
            ]
        ).astype(np.float32)
        weight = np.where(memory.age < 1 / USUAL, 1 / (memory.age + 2), USUAL)[..., None]
        quick = np.maximum(weight, RECENT / 2)
        self._memory = Memory(
            memory.first,
            memory.usual + weight * from_usual,
            memory.behaviour + quick * new,
            memory.flow + RECENT * (flow - memory.flow),
            memory.shift,
            memory.age + 1,
            memory.here + USUAL * (here - memory.here),
        )
        return features, whole


def _looks(step: Step) -> Plane:
    return _looks_of(step.current.colour, step.current.gradient, step.current.gray)


def _looks_of(colour: Plane, gradient: Plane, gray: NDArray[np.uint8]) -> Plane:
    grain = np.abs(cv2.Laplacian(gray, cv2.CV_16S)).astype(np.float32)
    looks = _means(colour, gradient, np.minimum(grain, 40))
    looks[..., :3] = np.log(looks[..., :3] + 8) * 4
    looks[..., 3:] = np.log(looks[..., 3:] + 1)
    return looks


def _behaviour(step: Step, flow: Plane) -> tuple[Plane, Plane]:
    """(behaviours, features of the step itself) in cells."""
    difference = cv2.absdiff(step.current.gray, step.previous.gray).astype(np.float32)
    unmatched = (step.occluded & step.inside).astype(np.float32)
    outside = (~step.inside).astype(np.float32)
    means = _means(step.residual, step.current.gradient, unmatched, difference, outside, step.current.gray)
    rows, columns = flow.shape[:2]
    centres = coordinates(rows, columns) * np.float32(CELL) + np.float32(CELL / 2)
    camera = np.dstack([centres, np.ones((rows, columns), np.float32)]) @ step.camera.coefficients.astype(np.float32)
    residual = np.log((means[..., 0] + 0.5) / (means[..., 1] + 2.0))
    change = np.log(means[..., 3] + 0.25)
    speed = np.log(_length(flow) + 0.1)
    strain = np.log(_strain(flow) + 0.05)
    behaviour = np.dstack([residual, means[..., 2] * 4, change, speed, strain])
    plain = np.dstack(
        [
            residual,
            np.log(means[..., 0] + 0.5),
            means[..., 2] * 4,
            change,
            speed,
            np.log(_length(flow - camera) + 0.1),
            strain,
            np.log(means[..., 1] + 1.0),
            means[..., 5] / 64,
            means[..., 4],
        ]
    )
    return behaviour.astype(np.float32), plain.astype(np.float32)


def _strain(flow: Plane) -> Plane:
    """Length of the flow's differences between neighbouring cells."""
    total = np.zeros(flow.shape[:2], np.float32)
    total[:, 1:] += np.square(flow[:, 1:] - flow[:, :-1]).sum(axis=2)
    total[1:] += np.square(flow[1:] - flow[:-1]).sum(axis=2)
    return np.sqrt(total)


def _length(flow: Plane) -> Plane:
    return np.sqrt(np.square(flow).sum(axis=2))


def _carried(
    memory: Memory, source: Plane, seen: NDArray[np.bool_], look: Plane, behaviour: Plane, flow: Plane
) -> Memory:
    """The memory where its surfaces are now; what was not seen before begins with what it is."""
    nothing = np.zeros((*flow.shape[:2], 1), np.float32)
    kept = (*memory[:-2], memory.age[..., None])
    new = (look, look, _typical(behaviour), flow, np.zeros_like(flow), nothing)
    part, fresh = np.dstack(kept), np.dstack(new)
    moved = np.dstack([sample(np.ascontiguousarray(part[..., k : k + 4]), source) for k in range(0, part.shape[2], 4)])
    moved[~seen] = fresh[~seen]
    ends = np.cumsum([each.shape[2] for each in kept])[:-1]
    first, usual, behaved, flowed, shift, age = np.split(moved, ends, axis=2)
    return Memory(first, usual, behaved, flowed, shift - flow * seen[..., None], age[..., 0], memory.here)


def _about_face(flow: Plane, before: Plane) -> Plane:
    """Minus the cosine of a surface's motion with its motion before, nearer to 0 where either is small."""
    lengths = _length(flow) * _length(before)
    return np.asarray(-(flow * before).sum(axis=2) / (lengths + 0.1), np.float32)


def _typical(behaviour: Plane) -> Plane:
    """The median behaviour of the picture in every cell: what is new has no past of its own."""
    return np.broadcast_to(np.median(behaviour, axis=(0, 1)), behaviour.shape)


def _changes(look: Plane) -> Plane:
    """(brightness, tint, gradient, grain) of a difference of looks; tint is the largest change of a channel's share."""
    light, hue = light_and_hue(look)
    return np.dstack([light, hue, look[..., 3], look[..., 4]])


def _means(*planes: Plane | NDArray[np.uint8]) -> Plane:
    """Means over whole cells, the planes' channels one after another; what is left over at the right and below is not
    looked at, for averaging over whole numbers of pixels is ten times as fast.
    """
    height, width = planes[0].shape[:2]
    rows, columns = height // CELL, width // CELL
    if len(planes) == 1:
        return _averaged(planes[0][: rows * CELL, : columns * CELL], rows, columns)
    cut = [np.asarray(plane[: rows * CELL, : columns * CELL], np.float32) for plane in planes]
    return np.asarray(np.dstack([_averaged(plane, rows, columns) for plane in cut]), np.float32)


def _averaged(plane: Plane | NDArray[np.uint8], rows: int, columns: int) -> Plane:
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
