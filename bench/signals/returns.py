"""What comes back: each cell beside the same place some frames ago, and the picture beside all it has lately shown.

A part that stands still while the rest moves on, an afterimage, frames out of order and frames shown before are new to
no neighbour; only against what was there some frames ago do they stand out.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.signals.planes import Plane

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


class Returns:
    """Told of each step's later frame, in order: its luminance, its means in cells, and the change in cells."""

    def __init__(self) -> None:
        self._edges: deque[Plane] = deque(maxlen=max(FAR))
        self._shown: deque[Plane] = deque(maxlen=SHOWN)
        self._usual: Plane | None = None

    def begin(self, gray: NDArray[np.uint8], means: Plane) -> None:
        """The clip's first frame."""
        self._edges.append(_edges(gray, means.shape))
        self._shown.append(means)

    def update(self, gray: NDArray[np.uint8], means: Plane, change: Plane) -> tuple[Plane, NDArray[np.float32]]:
        """(RETURNS of each cell (rows, columns, 4), WHOLE of the picture (3,)). `change` is log change of a step."""
        edges = _edges(gray, means.shape)
        near, far = self._stuck(edges, means.shape)
        beside = cv2.blur(change, (AROUND, AROUND), borderType=cv2.BORDER_REPLICATE) - change
        usual = far if self._usual is None else self._usual
        maps = np.dstack([beside, near, far, far - usual]).astype(np.float32)
        self._usual = usual + np.float32(USUAL) * (far - usual)
        whole = _whole(means, self._shown)
        self._edges.append(edges)
        self._shown.append(means)
        return maps, whole

    def _stuck(self, edges: Plane, shape: tuple[int, ...]) -> tuple[Plane, Plane]:
        """Correlation of the edges in each cell with those that were there: NEAR frames ago, and the most of FAR."""
        strength = _energy(edges * edges, shape)
        correlations = {}
        for lag in (NEAR, *FAR):
            if lag <= len(self._edges):
                before = self._edges[-lag]
                scale = np.sqrt(strength * _energy(before * before, shape)) + ENERGY
                correlations[lag] = _energy(edges * before, shape) / scale
        nothing = np.zeros(shape[:2], np.float32)
        far = [correlations[lag] for lag in FAR if lag in correlations]
        return correlations.get(NEAR, nothing), np.maximum.reduce(far) if far else nothing


def _edges(gray: NDArray[np.uint8], shape: tuple[int, ...]) -> Plane:
    """Laplacian at half the size, of whole cells."""
    rows, columns = shape[:2]
    whole = gray[: rows * CELL, : columns * CELL]
    half = cv2.resize(whole, (columns * CELL // 2, rows * CELL // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.Laplacian(half, cv2.CV_32F), np.float32)


def _energy(product: Plane, shape: tuple[int, ...]) -> Plane:
    cells = cv2.resize(product, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(cells, (3, 3), borderType=cv2.BORDER_REPLICATE), np.float32)


def _whole(means: Plane, shown: deque[Plane]) -> NDArray[np.float32]:
    """(log change from the frame before, log of the nearest older frame's distance over it, the same of 4 ago)."""
    distances = np.abs(np.stack(shown) - means).mean(axis=(1, 2)) + SMALLEST
    change = np.log(distances[-1])
    if len(distances) < 2:
        return np.array([change, 0.0, 0.0], np.float32)
    novelty = np.log(distances[:-1].min()) - change
    growth = np.log(distances[-min(GROWTH, len(distances))]) - change
    return np.array([change, novelty, growth], np.float32)
