"""The clip a failure is laid on, and a place in it that moves with the surface it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Picture

Plane = NDArray[np.float32]
CANDIDATES = 24  # places tried for one with texture


@dataclass(frozen=True)
class Scene:
    """An unbroken clip, `other` footage of another source of the same size, the onset, and the share for local ones."""

    pictures: Sequence[Picture]
    other: Sequence[Picture]
    onset: int
    share: float = 1.0
    ramp: int = 16
    """Frames that a gradual failure takes to its full strength."""

    @property
    def after(self) -> Sequence[Picture]:
        """The untouched frames from the onset on."""
        return self.pictures[self.onset :]

    def strength(self, step: int) -> float:
        """Of a gradual failure, `step` frames after the onset; above 0 already at 0."""
        return min(1.0, (step + 1) / self.ramp)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pictures[0].shape[0], self.pictures[0].shape[1]

    def places(self, rng: np.random.Generator) -> list[Plane]:
        """A soft ellipse (height, width; 0 to 1) over the share of the picture for each frame after the onset.

        It begins where there is texture and follows the flow under it.
        """
        height, width = self.size
        area = self.share * height * width
        flattening = float(rng.uniform(0.7, 1.4))
        radius_x = min((area / np.pi * flattening) ** 0.5, width * 0.48)
        radius_y = min(area / np.pi / radius_x, height * 0.48)
        x, y = self._textured(radius_x, radius_y, rng)
        masks, previous = [], None
        matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        for picture in self.after:
            gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            mask = ellipse(self.size, x, y, radius_x, radius_y)
            if previous is not None:
                inside = mask > 0.5
                if inside.any():
                    flow = matcher.calc(previous, gray, None)  # type: ignore[call-overload]
                    x += float(np.median(flow[..., 0][inside]))
                    y += float(np.median(flow[..., 1][inside]))
                    mask = ellipse(self.size, x, y, radius_x, radius_y)
            masks.append(mask)
            previous = gray
        return masks

    def _textured(self, radius_x: float, radius_y: float, rng: np.random.Generator) -> tuple[float, float]:
        height, width = self.size
        gray = cv2.cvtColor(self.after[0], cv2.COLOR_RGB2GRAY).astype(np.float32)
        detail = cv2.blur(np.abs(cv2.Laplacian(gray, cv2.CV_32F)), (2 * int(radius_x) + 1, 2 * int(radius_y) + 1))
        best = (-1.0, width / 2, height / 2)
        for _ in range(CANDIDATES):
            x = float(rng.uniform(radius_x, max(width - radius_x, radius_x + 1)))
            y = float(rng.uniform(radius_y, max(height - radius_y, radius_y + 1)))
            row, column = min(int(y), height - 1), min(int(x), width - 1)
            best = max(best, (float(detail[row, column]) * float(rng.uniform(0.5, 1.0)), x, y))
        return best[1], best[2]


def ellipse(size: tuple[int, int], x: float, y: float, radius_x: float, radius_y: float) -> Plane:
    """1 inside, 0 outside, a border of about two pixels between (height, width)."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    distance = np.sqrt(((columns - x) / radius_x) ** 2 + ((rows - y) / radius_y) ** 2)
    return np.asarray(np.clip((1 - distance) * min(radius_x, radius_y) / 2 + 0.5, 0, 1), np.float32)


def between(limits: tuple[float, float], severity: float) -> float:
    """The value at a severity of 0 to 1, from the first limit to the second."""
    return limits[0] + (limits[1] - limits[0]) * severity


def clipped(picture: NDArray[np.floating]) -> Picture:
    """As a picture, rounded, 0 to 255."""
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


def blend(picture: Picture, other: NDArray[Any], mask: Plane) -> Picture:
    """`other` where the mask is 1, `picture` where it is 0."""
    weight = mask[..., None]
    return clipped(picture * (1 - weight) + np.asarray(other, np.float32) * weight)


def moved(
    picture: Picture | Plane, shift_x: NDArray[np.floating], shift_y: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The picture with each pixel taken from (x + shift_x, y + shift_y); the border is mirrored."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    at_x, at_y = (columns + shift_x).astype(np.float32), (rows + shift_y).astype(np.float32)
    taken = cv2.remap(picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(taken, np.float32)


def window(picture: Picture, x: float, y: float, zoom: float) -> Picture:
    """The part of the picture around (x, y), fractions of it, that is `zoom` times smaller, at the picture's size."""
    height, width = picture.shape[:2]
    part = (width / zoom, height / zoom)
    centre = (x * (width - part[0]) + part[0] / 2 - 0.5, y * (height - part[1]) + part[1] / 2 - 0.5)
    turn = np.array(
        [[1 / zoom, 0, centre[0] - width / zoom / 2 + 0.5], [0, 1 / zoom, centre[1] - height / zoom / 2 + 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, turn, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def smooth_field(size: tuple[int, int], scale: float, rng: np.random.Generator) -> Plane:
    """A smooth random plane of unit standard deviation whose details are about `scale` pixels wide."""
    rows, columns = (max(2, round(side / scale) + 1) for side in size)
    coarse = rng.normal(size=(rows, columns)).astype(np.float32)
    plane = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(plane / max(float(plane.std()), 1e-6), np.float32)


def compressed(picture: Picture, quality: int) -> Picture:
    """The picture after JPEG at this quality, 0 to 100."""
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    unpacked: Any = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(unpacked[..., ::-1], np.uint8)
