"""What is done to a picture before a network sees it. Tensors are (3, height, width), float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.records import Picture


def as_tensor(picture: Picture) -> Tensor:
    """A picture (height, width, 3) as a tensor of the same levels, 0 to 255."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float()


def squash(x: Tensor, side: int) -> Tensor:
    """To a square whatever the shape; bilinear between centres of pixels, without antialiasing."""
    return functional.interpolate(x[None], (side, side), mode="bilinear", align_corners=False)[0]


def squash_legacy(x: Tensor, side: int) -> Tensor:
    """To a square as TensorFlow 1 did: bilinear between upper left corners of pixels."""
    for axis in (1, 2):
        low, high, share = _corners(x.shape[axis], side)
        across = share if axis == 2 else share[:, None]
        x = torch.lerp(x.index_select(axis, low), x.index_select(axis, high), across)
    return x


@lru_cache(maxsize=64)
def _corners(size: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each new pixel the two it lies between, and how far it is on the way from the first to the second."""
    places = torch.arange(side, dtype=torch.float64) * size / side
    low = places.long()
    return low, (low + 1).clamp(max=size - 1), (places - low).float()


def short_side(x: Tensor, side: int, *, antialias: bool = False) -> Tensor:
    """The shorter side to `side`, the longer in proportion, rounded up; down with antialiasing, as its users do."""
    height, width = x.shape[1:]
    scale = side / min(height, width)
    rounded = int if antialias else math.ceil
    size = (side, rounded(width * scale)) if height < width else (rounded(height * scale), side)
    return functional.interpolate(x[None], size, mode="bilinear", align_corners=False, antialias=antialias)[0]


def centre(x: Tensor, side: int) -> Tensor:
    """The square in the middle."""
    top, left = (x.shape[1] - side) // 2, (x.shape[2] - side) // 2
    return x[:, top : top + side, left : left + side]


def standardise(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Levels of 0 to 255 -> (level / 255 - mean) / std, by channel."""
    return (x / 255.0 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
