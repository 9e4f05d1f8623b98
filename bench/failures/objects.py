"""Sudden failures of one part of the picture; the part moves with the surface under it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures.place import Plane, Scene, blend
from bench.records import Picture


def _weight(severity: float) -> float:
    return 0.5 + 0.5 * severity


def _box(mask: Plane) -> tuple[int, int, int, int]:
    """Left, top, width, height of what the mask covers; a single pixel where it covers nothing."""
    rows, columns = np.nonzero(mask > 0.01)
    if not rows.size:
        return 0, 0, 1, 1
    left, top = int(columns.min()), int(rows.min())
    return left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1


def _laid(scene: Scene, masks: list[Plane], piece: Picture, severity: float) -> list[Picture]:
    """The piece laid over each frame where its mask is."""
    frames = []
    for picture, mask in zip(scene.after, masks, strict=True):
        left, top, width, height = _box(mask)
        layer: NDArray[np.float32] = picture.astype(np.float32)
        layer[top : top + height, left : left + width] = cv2.resize(piece, (width, height))
        frames.append(blend(picture, layer, mask * _weight(severity)))
    return frames


def _piece(picture: Picture, like: Plane, rng: np.random.Generator) -> Picture:
    """A piece of the picture as large as what the mask covers."""
    _, _, width, height = _box(like)
    top = int(rng.integers(0, picture.shape[0] - height + 1))
    left = int(rng.integers(0, picture.shape[1] - width + 1))
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def patch_replaced(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Other footage plays in the part."""
    masks = scene.places(rng)
    last = len(scene.other) - 1
    return [
        blend(picture, scene.other[min(step, last)], mask * _weight(severity))
        for step, (picture, mask) in enumerate(zip(scene.after, masks, strict=True))
    ]


def mirrored(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The part is turned left to right."""
    frames = []
    for picture, mask in zip(scene.after, scene.places(rng), strict=True):
        left, top, width, height = _box(mask)
        layer = picture.copy()
        layer[top : top + height, left : left + width] = picture[top : top + height, left : left + width][:, ::-1]
        frames.append(blend(picture, layer, mask * _weight(severity)))
    return frames


def vanish(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """What was there is gone: the part is filled from its border inward."""
    frames = []
    for picture, mask in zip(scene.after, scene.places(rng), strict=True):
        small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        hole = cv2.resize((mask > 0.01).astype(np.uint8), (small.shape[1], small.shape[0]))
        filled = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), (picture.shape[1], picture.shape[0]))
        frames.append(blend(picture, filled, mask * _weight(severity)))
    return frames


def identity_swap(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The surface of the part turns into another one, and moves as the old one did."""
    masks = scene.places(rng)
    return _laid(scene, masks, _piece(scene.other[0], masks[0], rng), severity)


def pop_in(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """A copy of something from elsewhere in the picture stands there."""
    masks = scene.places(rng)
    return _laid(scene, masks, _piece(scene.after[0], masks[0], rng), severity)
