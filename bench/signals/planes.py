"""Planes: values over the picture, and what every signal does to them: split, sample, average over squares, rank.

OpenCV's own loops, few passes and contiguous planes: these lines decide how long scoring takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Region

Plane = NDArray[np.float32]  # height x width, or height x width x channels
Mask = NDArray[np.bool_]
Real = TypeVar("Real", np.float32, np.float64)

BLOCK = 16
STRIDE = 8


@lru_cache(maxsize=16)
def coordinates(height: int, width: int) -> Plane:
    """x and y of every pixel (height, width, 2)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def split(plane: Plane) -> list[Plane]:
    """The channels, each contiguous. Into arrays of our own: OpenCV's binding would copy each once more."""
    channels = [np.empty(plane.shape[:2], np.float32) for _ in range(plane.shape[2])]
    cv2.split(plane, channels)
    return channels


def sample(plane: Plane, at: Plane) -> Plane:
    """Values of a plane at positions (height, width, 2) given as x, y: bilinear, the border repeated outside."""
    values = cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(values, np.float32)


def disagree(flow: list[Plane], back: list[Plane]) -> Mask:
    """Where two opposite flows, given as x and y, do not cancel.

    |F + B|^2 > 0.01 (|F|^2 + |B|^2) + 0.5 (Sundaram et al. 2010)
    """
    (x, y), (back_x, back_y) = flow, back
    gap = squared_length(x + back_x, y + back_y)
    bound = squared_length(x, y)
    bound += squared_length(back_x, back_y)
    bound *= np.float32(0.01)
    bound += np.float32(0.5)
    return np.asarray(gap > bound)


def squared_length(x: Plane, y: Plane) -> Plane:
    """Squared length of vectors, given as x and y."""
    total = x * x
    total += y * y
    return total


def share(mask: Mask) -> float:
    """Of the pixels, those that are set."""
    return np.count_nonzero(mask) / mask.size


def squares(plane: Plane | NDArray[np.uint8], side: int) -> Plane:
    """Means over whole squares of that side, of 8-bit planes rounded to whole levels.

    What is left over at the right and below is not looked at: over whole numbers of pixels it is ten times as fast.
    """
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    whole = plane[: rows * side, : columns * side]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def joined(means: Plane) -> Plane:
    """Means over each 2 x 2 of the means over squares: over blocks twice as wide, every square."""
    pairs = means[1:] + means[:-1]
    return np.asarray((pairs[:, 1:] + pairs[:, :-1]) * np.float32(0.25))


def block_means(plane: Plane) -> Plane:
    """Means over 16 x 16 blocks, every 8 pixels: a grid of (rows, columns)."""
    return joined(squares(plane, STRIDE))


def blurred(plane: Plane, side: int) -> Plane:
    """Means over the square of that side around each pixel, the border repeated."""
    return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)


def medians(values: NDArray[Real]) -> NDArray[Real]:
    """Medians along the last axis. Of a few thousand, sorting them is the fastest way there is."""
    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    return np.asarray((ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2, values.dtype)


def exceeded_by(values: Plane | NDArray[np.float64], share: float) -> float:
    """The value that this share of all values exceeds, the next one below where it falls between two.

    >>> exceeded_by(np.arange(100.0), 0.02)
    97.0
    """
    flat = values.reshape(-1)
    rank = int((1 - share) * (flat.size - 1) + 1e-9)
    return float(np.sort(flat)[rank])


def region_of(blocks: Plane, side: int, stride: int, size: tuple[int, int]) -> Region:
    """The box around the blocks that stand out with the worst one: those joined to it and at least half as bad.

    `side` and `stride` of the blocks and `size` (height, width) of the picture are in working pixels.
    """
    row, column = divmod(int(np.argmax(blocks)), blocks.shape[1])
    standing_out = (blocks >= 0.5 * blocks[row, column]).astype(np.uint8)
    box = cv2.floodFill(standing_out, None, (column, row), 2, flags=8)[3]
    (height, width), left, top = size, box[0] * stride, box[1] * stride
    right = min(left + (box[2] - 1) * stride + side, width)
    bottom = min(top + (box[3] - 1) * stride + side, height)
    return Region(left / width, top / height, (right - left) / width, (bottom - top) / height)
