"""Teach the embedded CLIP what no longer is what its caption says: parts of pictures that run, or lie elsewhere.

Nothing here is known of the renderer's own failures; these are laid on finished pictures, wherever they show most.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures.place import blend, clipped, moved, smooth_field
from bench.records import Picture

Window = NDArray[np.float32]
Wreck = Callable[[Picture, Window, tuple[float, float], np.random.Generator], Picture]

PLACES = 4  # tried; the wreck is where it changes most
RADII = (0.14, 0.38)  # of the part, in sides
STRENGTHS = (0.25, 1.0)  # of what runs
REACH = 0.09  # sides that a point is carried, standard deviation
CELLS = (0.06, 0.22)  # sides; of the flow that carries it
RUNNY = 0.016  # sides; standard deviation of a blur


def wrecked(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture (side, side, 3), a part of which is no longer whole."""
    side = picture.shape[0]
    way = WRECKS[int(rng.choice(len(WRECKS), p=SHARES))]
    found = []
    for _ in range(PLACES):
        centre = (float(rng.uniform(0.15, 0.85)) * side, float(rng.uniform(0.15, 0.85)) * side)
        found.append(way(picture, _window(side, centre, rng), centre, rng))
    return max(found, key=lambda changed: cv2.norm(changed, picture, cv2.NORM_L1))


def runs(picture: Picture, window: Window, centre: tuple[float, float], rng: np.random.Generator) -> Picture:
    """Its paint flows and its texture runs together."""
    side, strength = picture.shape[0], float(rng.uniform(*STRENGTHS))
    cell, reach = max(2.0, float(rng.uniform(*CELLS)) * side), np.float32(REACH * strength * side) * window
    across, down = (reach * (smooth_field(window.shape, cell, rng) + by) for by in rng.uniform(-0.8, 0.8, 2))
    flowed = clipped(moved(picture, across, down))
    runny = cv2.GaussianBlur(flowed, (0, 0), 0.3 + RUNNY * strength * side)
    return blend(flowed, runny, np.float32(float(rng.uniform(0, 0.8)) * strength) * window)


def elsewhere(picture: Picture, window: Window, centre: tuple[float, float], rng: np.random.Generator) -> Picture:
    """It shows what lies elsewhere in the picture: something is gone, or there twice."""
    side = picture.shape[0]
    turn, far = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.12, 0.4)) * side
    return _through(picture, window, np.array([[1, 0, far * np.cos(turn)], [0, 1, far * np.sin(turn)]]))


def turned(picture: Picture, window: Window, centre: tuple[float, float], rng: np.random.Generator) -> Picture:
    """It is turned about its middle, by up to half a turn."""
    angle = float(rng.uniform(40, 180)) * float(rng.choice([-1, 1]))
    return _through(picture, window, np.asarray(cv2.getRotationMatrix2D(centre, angle, 1.0), np.float64))


WRECKS: tuple[Wreck, ...] = (runs, elsewhere, turned)
SHARES = (0.7, 0.15, 0.15)


def _through(picture: Picture, window: Window, matrix: NDArray[np.float64]) -> Picture:
    """The picture, and in the window the picture moved by an affine matrix (2, 3)."""
    other = cv2.warpAffine(picture, matrix, window.shape[::-1], borderMode=cv2.BORDER_REFLECT_101)
    return blend(picture, other, window)


def _window(side: int, centre: tuple[float, float], rng: np.random.Generator) -> Window:
    """1 in the middle of an ellipse, 0 beyond its rim: softer than `ellipse`, as what runs has no edge."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    across, down = (float(rng.uniform(*RADII)) * side for _ in range(2))
    away = np.hypot((x - np.float32(centre[0])) / across, (y - np.float32(centre[1])) / down)
    return np.asarray(np.clip(2.2 * (1 - away), 0, 1), np.float32)
