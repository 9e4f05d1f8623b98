"""The unmoving world behind and before the figures: sky, bands of scenery, ground, water, light."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from bench.backends.procedural.camera import FAR, Lens, View
from bench.backends.procedural.sprites import Matrix, lay, rounded
from bench.backends.procedural.textures import LARGEST_CELL, Bytes, Colours

EDGE = 0.08  # picture heights beyond every side, for a shaking camera
GROUND_PERIOD = 2.0  # picture heights at depth 1 after which the ground repeats


class Layer(Protocol):
    """Something that draws itself on the canvas as seen at a time in seconds."""

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Draw, in place."""
        ...


@dataclass(frozen=True)
class Strip:
    """A band of scenery at one depth that repeats sideways every `period` px; premultiplied RGBA.

    `top` is its upper edge in picture heights below the horizon, `drift` its own speed in picture heights a second.
    """

    pixels: Bytes
    period: int
    top: float
    depth: float
    drift: float = 0.0

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """The stretch of the band that the camera sees."""
        unit = lens.height
        seen_from = view.x / self.depth - self.drift * time - lens.aspect / 2 - EDGE
        turns = math.floor(seen_from * unit / self.period)
        start = turns * self.period / unit + self.drift * time
        place = np.array([[1 / unit, 0, start], [0, 1 / unit, self.top], [0, 0, 1]], np.float64)
        lay(canvas, self.pixels, view.matrix(lens, self.depth) @ place)


def strip_size(lens: Lens, periods: float = 2.0) -> tuple[int, int]:
    """(period, width) in px of a strip that a camera can travel along for ever."""
    period = max(1, round(periods * lens.width / LARGEST_CELL)) * LARGEST_CELL
    return period, period + lens.width + 2 * math.ceil(EDGE * lens.height) + 2


def repeated(pixels: Bytes, width: int) -> Bytes:
    """One period of a strip, continued to the width."""
    times = -(-width // pixels.shape[1])
    return np.ascontiguousarray(np.tile(pixels, (1, times, 1))[:, :width])


@dataclass(frozen=True)
class Backdrop:
    """The farthest picture, opaque, a little larger than the canvas on every side."""

    pixels: Bytes

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Fill the whole canvas."""
        del time
        unit = lens.height
        left, top = -lens.aspect / 2 - EDGE, -lens.horizon - EDGE
        place = np.array([[1 / unit, 0, left], [0, 1 / unit, top], [0, 0, 1]], np.float64)
        steady = View(dx=view.dx, dy=view.dy, roll=view.roll)
        warped = cv2.warpAffine(self.pixels, (steady.matrix(lens, FAR) @ place)[:2], (lens.width, lens.height))
        np.copyto(canvas, warped)


def backdrop_size(lens: Lens) -> tuple[int, int]:
    """(height, width) in px of a Backdrop."""
    edge = 2 * math.ceil(EDGE * lens.height)
    return lens.height + edge, lens.width + edge


@dataclass(frozen=True)
class Ground:
    """The ground plane in true perspective, repeated every GROUND_PERIOD; opaque RGBA as seen from x = 0."""

    pixels: Bytes
    middle: float
    top: float
    drift: float = 0.0

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """One homography: shear when the camera goes sideways, perspective when it comes nearer."""
        lay(canvas, self.pixels, self.matrix(lens, view, time))

    def matrix(self, lens: Lens, view: View, time: float) -> Matrix:
        """From its px to canvas px, the camera brought back by whole periods."""
        x = view.x - self.drift * time
        x -= GROUND_PERIOD * math.floor(x / GROUND_PERIOD + 0.5)
        unit = lens.height
        place = np.array([[1 / unit, 0, -self.middle / unit], [0, 1 / unit, self.top], [0, 0, 1]], np.float64)
        return view.ground(lens, x) @ place


@dataclass(frozen=True)
class Water:
    """Two grounds that drift against each other, in equal parts: a surface that lives."""

    one: Ground
    other: Ground

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Both at once."""
        size = (lens.width, lens.height)
        first = cv2.warpPerspective(self.one.pixels, self.one.matrix(lens, view, time), size)
        second = cv2.warpPerspective(self.other.pixels, self.other.matrix(lens, view, time), size)
        sea = cv2.addWeighted(first, 0.5, second, 0.5, 0)
        clear = cv2.bitwise_not(cv2.extractChannel(sea, 3))
        cv2.multiply(canvas, cv2.merge([clear, clear, clear, clear]), dst=canvas, scale=1 / 255)
        cv2.add(canvas, sea, dst=canvas)


def opaque(colours: Colours) -> Bytes:
    """RGBA bytes of colours that hide what is behind them."""
    return np.asarray(cv2.cvtColor(rounded(colours), cv2.COLOR_RGB2RGBA), np.uint8)


@dataclass(frozen=True)
class Glow:
    """Light that a flame throws on everything: RGBA bytes as large as the canvas, times `gain(time)`."""

    pixels: Bytes
    gain: Callable[[float], float]

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Add the light."""
        del lens, view
        cv2.scaleAdd(self.pixels, self.gain(time), canvas, dst=canvas)


@dataclass(frozen=True)
class Lamplight:
    """A lamp in a dark room: everything behind it times a map of light (RGBA bytes as large as the canvas)."""

    pixels: Bytes
    gain: Callable[[float], float]

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Darken all that the light does not reach."""
        del lens, view
        cv2.multiply(canvas, self.pixels, dst=canvas, scale=self.gain(time) / 255)
