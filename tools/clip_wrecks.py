"""Teach the embedded CLIP what no longer is what its caption says: parts of pictures that run, or lie elsewhere.

Nothing here is known of the renderer's own failures; these are laid on finished pictures, wherever they show most.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Window = NDArray[np.float32]
Wreck = Callable[[Pixels, Window, tuple[float, float], float, np.random.Generator], NDArray[np.float32]]

PLACES = 4  # tried; the wreck is where it changes most
RADII = (0.14, 0.38)  # of the part, in sides
STRENGTHS = (0.25, 1.0)
REACH = 0.13  # sides that a point is carried at the most
CELLS = (0.06, 0.22)  # sides; of the flow that carries it
RUNNY = 0.016  # sides; standard deviation of a blur


def wrecked(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture (side, side, 3), a part of which is no longer whole."""
    side = picture.shape[0]
    way = WRECKS[int(rng.choice(len(WRECKS), p=SHARES))]
    strength = float(rng.uniform(*STRENGTHS))
    best, most = picture, -1.0
    for _ in range(PLACES):
        centre = (float(rng.uniform(0.15, 0.85)) * side, float(rng.uniform(0.15, 0.85)) * side)
        window = _window(side, centre, rng)
        changed = np.asarray(np.rint(np.clip(way(picture, window, centre, strength, rng), 0, 255)), np.uint8)
        change = float(cv2.norm(changed, picture, cv2.NORM_L1))
        if change > most:
            best, most = changed, change
    return best


def run(
    picture: Pixels, window: Window, centre: tuple[float, float], strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Its paint flows and its texture runs together."""
    side = picture.shape[0]
    cell = max(2.0, float(rng.uniform(*CELLS)) * side)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    reach = np.float32(REACH * strength * side) * window
    lean = rng.uniform(-0.6, 0.6, 2)
    across, down = (reach * (_noise(side, cell, rng) + np.float32(by)) for by in lean)
    flowed = cv2.remap(picture, x + across, y + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    runny = cv2.GaussianBlur(flowed, (0, 0), 0.3 + RUNNY * strength * side).astype(np.float32)
    share = np.float32(float(rng.uniform(0, 0.8)) * strength) * window[:, :, None]
    return np.asarray(flowed + (runny - flowed) * share, np.float32)


def moved(
    picture: Pixels, window: Window, centre: tuple[float, float], strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """It shows what lies elsewhere in the picture: something is gone, or there twice."""
    side = picture.shape[0]
    turn, far = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.12, 0.4)) * side
    shift = np.array([[1, 0, far * np.cos(turn)], [0, 1, far * np.sin(turn)]])
    away = cv2.warpAffine(picture, shift, (side, side), borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    return np.asarray(picture + (away - picture) * window[:, :, None], np.float32)


def mirrored(
    picture: Pixels, window: Window, centre: tuple[float, float], strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """It is turned about its middle, by up to half a turn."""
    side = picture.shape[0]
    angle = float(rng.uniform(40, 180)) * float(rng.choice([-1, 1]))
    turn = cv2.getRotationMatrix2D(centre, angle, 1.0)
    other = cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    return np.asarray(picture + (other - picture) * window[:, :, None], np.float32)


WRECKS: tuple[Wreck, ...] = (run, moved, mirrored)
SHARES = (0.7, 0.15, 0.15)


def _window(side: int, centre: tuple[float, float], rng: np.random.Generator) -> Window:
    """1 in the middle of an ellipse, 0 beyond its rim."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    across, down = (float(rng.uniform(*RADII)) * side for _ in range(2))
    away = np.hypot((x - np.float32(centre[0])) / across, (y - np.float32(centre[1])) / down)
    return np.asarray(np.clip(2.2 * (1 - away), 0, 1), np.float32)


def _noise(side: int, cell: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise of mean 0, about -1 to 1."""
    rough = rng.uniform(-1.3, 1.3, (max(2, round(side / cell) + 1),) * 2).astype(np.float32)
    return np.asarray(cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
