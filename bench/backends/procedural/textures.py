"""Surfaces: fixed, low-contrast textures. A flat cartoon gives optical flow nothing to hold on to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]  # height x width, about -1..1
Colours = NDArray[np.float32]  # height x width x 3, RGB 0..255
Bytes = NDArray[np.uint8]

LARGEST_CELL = 128  # px; every wrapped texture is a multiple of it wide, so that all cells fit it whole


class Colour(NamedTuple):
    """RGB, 0..255."""

    r: float
    g: float
    b: float

    def mixed(self, other: Colour, share: float) -> Colour:
        """This colour with that share of the other."""
        return Colour(*(a + (b - a) * share for a, b in zip(self, other, strict=True)))

    def times(self, gain: float) -> Colour:
        """Darker below 1, lighter above."""
        return Colour(*(min(255.0, channel * gain) for channel in self))


BLACK = Colour(0, 0, 0)
WHITE = Colour(255, 255, 255)


def noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: tuple[float, float],
    octaves: int = 3,
    *,
    wrap: bool = False,
) -> Field:
    """Smooth random field of deviation about 1; `cell` is rows x columns of its coarsest blobs in px.

    With `wrap` the right edge continues at the left one; `width` is then a multiple of LARGEST_CELL.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        rows = max(1, round(cell[0] / 2**octave))
        columns = max(1, round(cell[1] / 2**octave))
        if wrap:
            columns = min(LARGEST_CELL, 2 ** int(np.log2(columns)))
        total += 0.6**octave * _blobs(rng, height, width, (rows, columns), wrap=wrap)
    return total / max(float(total.std()), 1e-6)


def _blobs(rng: np.random.Generator, height: int, width: int, cell: tuple[int, int], *, wrap: bool) -> Field:
    """One octave: random numbers on a grid, joined by cubics."""
    rows, columns = cell
    across = -(-width // columns)
    down = -(-height // rows)
    grid = rng.standard_normal((down + 4, across if wrap else across + 4), dtype=np.float32)
    if wrap:
        grid = np.pad(grid, ((0, 0), (2, 2)), mode="wrap")
    fine = cv2.resize(grid, (grid.shape[1] * columns, grid.shape[0] * rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine[2 * rows : 2 * rows + height, 2 * columns : 2 * columns + width], np.float32)


# ---- patterns: (rng, height, width, grain in px) -> field ---------------------------------------------------------


def _cloth(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    return np.float32(0.6) * noise(rng, height, width, (4 * grain, 4 * grain), 3)


def _fur(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    return np.float32(0.7) * noise(rng, height, width, (2 * grain, 7 * grain), 3)


def _wood(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    return np.float32(0.7) * noise(rng, height, width, (14 * grain, 2 * grain), 3)


def _stripes(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    rows = np.sin(np.arange(height, dtype=np.float32) * np.float32(np.pi / (2.2 * grain)))
    bands = np.clip(2.5 * rows, -1, 1)[:, None]
    return np.asarray(bands + 0.35 * _cloth(rng, height, width, grain), np.float32)


def _gores(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """Upright stripes that crowd towards both sides, as on a round thing."""
    across = np.linspace(-0.97, 0.97, width, dtype=np.float32)
    bands = np.clip(3 * np.sin(np.arcsin(across) * 6 + 0.8), -1, 1)[None, :]
    return np.asarray(bands + 0.35 * _cloth(rng, height, width, grain), np.float32)


def _bricks(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    row_height, brick = 2.6 * grain, 6.0 * grain
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    row = np.floor(y / row_height)
    gap = (y % row_height < 0.18 * row_height) | ((x + 0.5 * brick * (row % 2)) % brick < 0.1 * brick)
    return np.asarray(gap * 1.2 + 0.4 * _cloth(rng, height, width, grain), np.float32)


def _tabby(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """Upright bands that waver."""
    waver = noise(rng, height, width, (6 * grain, 9 * grain), 2)
    across = np.arange(width, dtype=np.float32)[None, :] * np.float32(np.pi / (4.2 * grain))
    bands = np.clip(2.2 * np.sin(across + 0.9 * waver) - 1.1, -1, 1)
    return np.asarray(bands + 0.3 * _fur(rng, height, width, grain), np.float32)


def _patches(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """Blotches with hard edges."""
    return np.asarray(np.clip(9 * noise(rng, height, width, (3.4 * grain, 4 * grain), 2), -1, 1), np.float32)


PATTERNS: dict[str, Callable[[np.random.Generator, int, int, float], Field]] = {
    "cloth": _cloth,
    "fur": _fur,
    "wood": _wood,
    "stripes": _stripes,
    "gores": _gores,
    "bricks": _bricks,
    "tabby": _tabby,
    "patches": _patches,
}


@dataclass(frozen=True)
class Material:
    """What a surface is made of. `second` is the colour its pattern leans to; without one, lighter and darker."""

    colour: Colour
    pattern: str = "cloth"
    contrast: float = 0.12
    second: Colour | None = None

    def darker(self, gain: float) -> Material:
        """The same stuff in shade."""
        return Material(self.colour.times(gain), self.pattern, self.contrast, self.second and self.second.times(gain))

    def paint(self, rng: np.random.Generator, height: int, width: int, grain: float) -> Colours:
        """A height x width piece of it; `grain` is the size of its finest detail in px."""
        field = PATTERNS[self.pattern](rng, height, width, max(grain, 1.0))[:, :, None]
        base = np.asarray(self.colour, np.float32)
        if self.second is None:
            return np.asarray(base * (1 + np.float32(self.contrast) * field), np.float32)
        share = np.clip(0.5 + 0.5 * field, 0, 1)
        return np.asarray(base + (np.asarray(self.second, np.float32) - base) * share, np.float32)
