"""Unbroken footage that things come into: whatever enters from outside, however fast, is no break.

Real clips in which vehicles enter a still street or hands cover toys look most broken of all that hold; here any clip
becomes one. A visitor is a lump that shows other footage, soft at its rim; it comes in, may stay, and goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures.place import clipped
from bench.records import Picture

Point = NDArray[np.float64]
Real = NDArray[np.float32]

RIM = 1.5  # working pixels over which a visitor begins
RADII = (0.06, 0.4)  # shorter sides
MORE = 0.7  # visitors beside the first, on average
SHORTEST_VISIT, LONGEST_VISIT = 4.0, 2.5  # frames; lengths of the clip
SHUTTER = 0.3  # frames before and after, for a visitor that is blurred by its motion
HARMONICS = (2, 3, 4, 5)  # of its outline


def visited(clip: Sequence[Picture], other: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    """The clip with one or more visitors that show the frames of `other`, which has the same size."""
    frames = list(clip)
    for _ in range(1 + int(rng.poisson(MORE))):
        visitor = _visitor(clip[0], len(clip), len(other), rng)
        frames = [visitor.over(picture, number, other) for number, picture in enumerate(frames)]
    return frames


@dataclass(frozen=True)
class Path:
    """From outside to the middle of a visit, a stay there, and on. Places in px; times in frames."""

    start: Point
    middle: Point
    end: Point
    begin: float
    lasts: float
    stay: float  # share of the visit

    def share(self, time: float) -> float | None:
        """Of the visit that is over; None before and after it."""
        gone = (time - self.begin) / self.lasts
        return gone if 0 < gone < 1 else None

    def at(self, gone: float) -> Point:
        """The place; what stays comes to rest and starts off gently."""
        arrives, leaves = 0.5 - self.stay / 2, 0.5 + self.stay / 2
        if gone < arrives:
            way = gone / arrives
            return self.start + (self.middle - self.start) * (1 - (1 - way) ** 2 if self.stay else way)
        if gone > leaves:
            way = (gone - leaves) / (1 - leaves)
            return self.middle + (self.end - self.middle) * (way**2 if self.stay else way)
        return self.middle


@dataclass(frozen=True)
class Wave:
    """One harmonic of an outline, and how far its phase drifts over a visit."""

    harmonic: int
    size: float
    phase: float
    drift: float


@dataclass(frozen=True)
class Visitor:
    """What comes in. Angles in radians."""

    path: Path
    radius: float  # px
    stretch: float  # square root of width over height
    waves: tuple[Wave, ...]
    grow: tuple[float, float]  # sizes at both ends of the visit
    angle: float
    spin: float
    gain: float
    first: int  # frame of the other footage that it shows first
    plays: bool
    zoom: float
    blurs: bool

    def over(self, picture: Picture, number: int, other: Sequence[Picture]) -> Picture:
        """Frame `number` of the clip with the visitor before it."""
        times = (number - SHUTTER, number, number + SHUTTER) if self.blurs else (number,)
        shares = [gone for time in times if (gone := self.path.share(time)) is not None]
        if not shares:
            return picture
        shown = other[(self.first + number * self.plays) % len(other)]
        result = picture.astype(np.float32)
        for gone in shares:
            mask, colour = self._layer(picture.shape[:2], shown, gone)
            result += mask * (colour - picture) / np.float32(len(times))
        return clipped(result)

    def _layer(self, size: tuple[int, ...], shown: Picture, gone: float) -> tuple[Real, Real]:
        """(how much of each pixel it covers (height, width, 1), its colours (height, width, 3))."""
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        place, scale = self.path.at(gone), self.grow[0] + (self.grow[1] - self.grow[0]) * gone
        across, down = x - np.float32(place[0]), y - np.float32(place[1])
        turn = self.angle + self.spin * gone
        cosine, sine = np.float32(np.cos(turn) / scale), np.float32(np.sin(turn) / scale)
        own_x, own_y = cosine * across + sine * down, cosine * down - sine * across
        narrow, low = own_x / np.float32(self.stretch), own_y * np.float32(self.stretch)
        around = np.arctan2(low, narrow)
        rim = 1 + sum(w.size * np.sin(w.harmonic * around + np.float32(w.phase + w.drift * gone)) for w in self.waves)
        inside = np.float32(self.radius) * rim - np.hypot(narrow, low)
        mask = np.clip(0.5 + inside / np.float32(RIM), 0, 1)[..., None]
        middle = (np.float32(side / 2) for side in (shown.shape[1], shown.shape[0]))
        at_x, at_y = (own * np.float32(self.zoom) + half for own, half in zip((own_x, own_y), middle, strict=True))
        colour = cv2.remap(shown, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(mask, np.float32), colour.astype(np.float32) * np.float32(self.gain)


def _visitor(picture: Picture, frames: int, others: int, rng: np.random.Generator) -> Visitor:
    side = min(picture.shape[:2])
    radius = float(np.exp(rng.uniform(*np.log(RADII)))) * side
    stretch = float(np.exp(rng.uniform(-0.35, 0.35)))
    slides = rng.random() < 0.5  # at one pace, or comes to rest and starts off again
    path = _path(picture.shape[1], picture.shape[0], 1.6 * radius * max(stretch, 1 / stretch), frames, slides, rng)
    restless = rng.random() < 0.5  # its outline changes, as that of a hand
    waves = [
        Wave(n, float(rng.uniform(0, 0.25 / n)), float(rng.uniform(0, 2 * np.pi)), float(rng.normal(0, 2)) * restless)
        for n in HARMONICS
    ]
    grow = np.exp(rng.uniform(-0.5, 0.5, 2)) if rng.random() < 0.5 else np.ones(2)
    return Visitor(
        path=path,
        radius=radius,
        stretch=stretch,
        waves=tuple(waves),
        grow=(float(grow[0]), float(grow[1])),
        angle=float(rng.uniform(0, 2 * np.pi)),
        spin=float(rng.normal(0, 0.4)),
        gain=float(np.exp(rng.uniform(-0.4, 0.25))),
        first=int(rng.integers(others)),
        plays=bool(rng.random() < 0.5),
        zoom=float(rng.uniform(0.5, 1.0)),
        blurs=bool(rng.random() < 0.5),
    )


def _path(width: int, height: int, reach: float, frames: int, slides: bool, rng: np.random.Generator) -> Path:
    """In from any side, and out by another, straight on, or where it came from."""
    size = np.array([width, height], np.float64)
    start, end = (_outside(size, reach, rng) for _ in range(2))
    middle = rng.uniform(0.15, 0.85, 2) * size
    way = rng.random()
    if way < 0.3:
        end = start
    elif way < 0.65:
        end = 2 * middle - start
    begin = float(rng.uniform(-0.3, 0.8)) * frames
    lasts = float(np.exp(rng.uniform(np.log(SHORTEST_VISIT), np.log(LONGEST_VISIT * frames))))
    return Path(start, middle, end, begin, lasts, 0.0 if slides else float(rng.uniform(0, 0.6)))


def _outside(size: Point, reach: float, rng: np.random.Generator) -> Point:
    """A place beyond one of the four sides from which nothing of the visitor shows."""
    side, along = divmod(int(rng.integers(4)), 2)
    place = rng.uniform(0, 1, 2) * size
    place[along] = size[along] + reach if side else -reach
    return place
