"""Failures of the finished picture: parts that melt, parts that flicker."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.backends.procedural.failures import Failure
from bench.backends.procedural.figures import Figure
from bench.backends.procedural.scenes import Scene
from bench.backends.procedural.textures import noise
from bench.records import Picture

MELT_SECONDS = 1.0  # from the onset until fully melted
FLICKER_GAIN = (0.14, 0.3)  # how much brighter or darker, frame by frame in turn
FLICKER_BLOTCHES = 11.0  # grey levels of texture that jumps


@dataclass(frozen=True)
class Patch:
    """A soft ellipse that travels with a figure. Sizes in px of the finished picture."""

    scene: Scene
    target: Figure
    centre: tuple[float, float]
    radius: tuple[float, float]
    onset: int

    def window(self) -> NDArray[np.float32]:
        """1 in the middle, 0 at the rim, (2 ry + 1) x (2 rx + 1)."""
        rx, ry = (math.ceil(r) for r in self.radius)
        y, x = np.mgrid[-ry : ry + 1, -rx : rx + 1].astype(np.float32)
        away = np.hypot(x / self.radius[0], y / self.radius[1])
        return np.asarray(np.clip(2.2 * (1 - away), 0, 1) ** 1.5, np.float32)

    def corner(self, frame: int) -> tuple[float, float]:
        """Upper left (x, y) of the window at that frame, in px."""
        start, now = (self._root(moment) for moment in (self.onset, frame))
        rx, ry = (math.ceil(r) for r in self.radius)
        return self.centre[0] + now[0] - start[0] - rx, self.centre[1] + now[1] - start[1] - ry

    def _root(self, frame: int) -> tuple[float, float]:
        time, lens = self.scene.time(frame), self.scene.lens
        spot = self.target.place(time)
        depth = self.target.depth
        point = self.scene.camera(time).matrix(lens, depth) @ [
            spot.x / depth,
            lens.ground(depth) - spot.lift / depth,
            1,
        ]
        return float(point[0]) * self.scene.width / lens.width, float(point[1]) * self.scene.height / lens.height


def patched(
    picture: Picture, piece: NDArray[np.float32], corner: tuple[float, float], size: int
) -> tuple[NDArray[np.float32], slice, slice]:
    """`piece` moved to a corner between px, cut to the picture, and the rows and columns it covers there."""
    left, top = math.floor(corner[0]), math.floor(corner[1])
    shift = np.array([[1, 0, corner[0] - left], [0, 1, corner[1] - top]], np.float64)
    moved = np.asarray(cv2.warpAffine(piece, shift, (piece.shape[1] + 1, piece.shape[0] + 1)), np.float32).reshape(
        piece.shape[0] + 1, -1, size
    )
    rows = slice(max(0, top), min(picture.shape[0], top + moved.shape[0]))
    columns = slice(max(0, left), min(picture.shape[1], left + moved.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return moved[:0, :0], slice(0, 0), slice(0, 0)
    return moved[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left], rows, columns


@dataclass(frozen=True)
class Melt(Failure):
    """A part of the picture flows, more and more, and its texture runs together."""

    patch: Patch
    flow: NDArray[np.float32]  # window height x width x 3: flow in x and y (px), and the window

    @property
    def frames_until_complete(self) -> int:
        """From the onset on."""
        return round(MELT_SECONDS * self.patch.scene.fps)

    def retouch(self, picture: Picture, frame: int) -> Picture:
        """Read every pixel from where its paint has come from."""
        severity = min(1.0, (frame - self.onset + 1) / (MELT_SECONDS * self.patch.scene.fps))
        flow, rows, columns = patched(picture, self.flow, self.patch.corner(frame), 3)
        if not flow.size:
            return picture
        y, x = np.mgrid[rows, columns].astype(np.float32)
        x, y = (np.ascontiguousarray(at + severity * flow[:, :, axis]) for axis, at in enumerate((x, y)))
        melted = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        runny = cv2.GaussianBlur(melted, (0, 0), 0.4 + 0.014 * picture.shape[0] * severity)
        share = (0.75 * severity * flow[:, :, 2])[:, :, None]
        result = picture.copy()
        result[rows, columns] = np.rint(melted + (runny.astype(np.float32) - melted) * share)
        return result


@dataclass(frozen=True)
class Flicker(Failure):
    """Brightness and texture of a part, or of all, jump from frame to frame."""

    seed: int
    patch: Patch | None

    def retouch(self, picture: Picture, frame: int) -> Picture:
        """Brighter, darker, brighter: by an amount of its own in every frame, so that no frame is like the last."""
        rng = np.random.default_rng([self.seed, frame])
        gain = float(rng.uniform(*FLICKER_GAIN)) * (1 if (frame - self.onset) % 2 else -1)
        cell = 0.05 * picture.shape[0]
        window = self.patch.window() if self.patch else np.ones(picture.shape[:2], np.float32)
        blotches = noise(rng, window.shape[0], window.shape[1], (cell, cell), 2) * window
        piece = np.stack([window, np.asarray(blotches, np.float32)], axis=2)
        piece, rows, columns = patched(picture, piece, self.patch.corner(frame) if self.patch else (0.0, 0.0), 2)
        part = picture[rows, columns].astype(np.float32)
        changed = part * (1 + gain * piece[:, :, :1]) + FLICKER_BLOTCHES * piece[:, :, 1:]
        result = picture.copy()
        result[rows, columns] = np.rint(np.clip(changed, 0, 255))
        return result
