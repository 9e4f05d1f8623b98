"""What comes back: each cell beside the same place some frames ago, and the picture beside all it has lately shown.

A part that stands still while the rest moves on, an afterimage, frames out of order and frames shown before are new to
no neighbour; only against what was there some frames ago do they stand out.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.signals.planes import Plane, blurred, squares
from bench.signals.views import View

CELL = 8  # working pixels a side
NEAR, FAR = 2, (4, 5, 6, 7, 8)  # distinct frames ago
AROUND = 9  # cells a side of the square that a cell's change is held against
ENERGY = 4.0  # of edges, grey levels squared; below it they say nothing
USUAL = 0.12  # weight of the newest step in what is usual at the place
SHOWN = 24  # distinct frames that a picture can return to
SMALLEST = 0.1  # grey levels; differences below mean nothing
GROWTH = 4  # distinct frames ago

RETURNS = ("stopped", "stuck_near", "stuck_far", "stuck_far_here")
WHOLE = ("change", "novelty", "growth")


class Edges(NamedTuple):
    """Edges of a frame, at half the working size, and their mean square around each cell."""

    plane: Plane
    energy: Plane


class Returns:
    """Told of each step's later frame, in order, and of its means and the change in cells."""

    def __init__(self) -> None:
        self._edges: deque[Edges] = deque(maxlen=max(FAR))
        self._shown: deque[Plane] = deque(maxlen=SHOWN)
        self._usual: Plane | None = None

    def begin(self, view: View) -> None:
        """The clip's first frame."""
        self._edges.append(_edges(view))
        self._shown.append(view.small)

    def update(self, view: View, means: Plane, change: Plane) -> tuple[list[Plane], NDArray[np.float32]]:
        """(RETURNS of each cell, each (rows, columns), WHOLE of the picture (3,)).

        `means` are of the luminance, `change` is log change of a step.
        """
        edges = _edges(view)
        near, far = self._stuck(edges)
        beside = blurred(change, AROUND) - change
        usual = far if self._usual is None else self._usual
        self._usual = usual + np.float32(USUAL) * (far - usual)
        whole = _whole(means, self._shown)
        self._edges.append(edges)
        self._shown.append(means)
        return [beside, near, far, far - usual], whole

    def _stuck(self, edges: Edges) -> tuple[Plane, Plane]:
        """Correlation of the edges in each cell with those that were there: NEAR frames ago, and the most of FAR."""
        correlations = {}
        for lag in (NEAR, *FAR):
            if lag <= len(self._edges):
                before = self._edges[-lag]
                scale = np.sqrt(edges.energy * before.energy) + np.float32(ENERGY)
                correlations[lag] = _energy(edges.plane * before.plane) / scale
        nothing = np.zeros_like(edges.energy)
        far = [correlations[lag] for lag in FAR if lag in correlations]
        return correlations.get(NEAR, nothing), np.maximum.reduce(far) if far else nothing


def _edges(view: View) -> Edges:
    plane = np.asarray(cv2.Laplacian(view.half, cv2.CV_32F), np.float32)
    return Edges(plane, _energy(plane * plane))


def _energy(product: Plane) -> Plane:
    return blurred(squares(product, CELL // 2), 3)


def _whole(means: Plane, shown: deque[Plane]) -> NDArray[np.float32]:
    """(log change from the frame before, log of the nearest older frame's distance over it, the same of 4 ago)."""
    distances = np.array([cv2.norm(each, means, cv2.NORM_L1) for each in shown]) / means.size + SMALLEST
    change = np.log(distances[-1])
    if len(distances) < 2:
        return np.array([change, 0.0, 0.0], np.float32)
    novelty = np.log(distances[:-1].min()) - change
    growth = np.log(distances[-min(GROWTH, len(distances))]) - change
    return np.array([change, novelty, growth], np.float32)
