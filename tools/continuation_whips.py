"""Unbroken footage under a restless camera: it shakes, swings elsewhere within a few frames, or rushes nearer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.failures.place import clipped, window
from bench.records import Picture
from bench.signals.views import working_picture

WINDOWS = (0.5, 0.85)  # of each side, what the camera sees
SWINGS = 1.2  # beside the first, on average
SWING_FRAMES = (1.5, 14.0)
SHAKES = (0.0005, 0.012)  # sides; standard deviation from one frame to the next
SHUTTERS = (0.0, 0.6)  # frames that the shutter is open
EXPOSURES = 5  # pictures that make up a blurred one

Path = NDArray[np.float64]


def whipped(clip: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    """Frames of the working size, as a camera sees them that films the clip (of any size) from near by."""
    windows = _swinging(len(clip), WINDOWS, float(rng.uniform(*WINDOWS)), rng, swings=rng.random() < 0.3)
    places = np.stack([_swinging(len(clip), (0.0, 1.0), float(rng.uniform(0, 1)), rng) for _ in range(2)])
    shake = np.exp(rng.uniform(*np.log(SHAKES))) if rng.random() < 0.7 else 0.0
    places = np.clip(places + _smooth(rng.normal(0, shake, places.shape)), 0, 1)
    path = np.vstack([places, windows])
    shutter = float(rng.uniform(*SHUTTERS))
    return [_exposed(picture, path, number, shutter) for number, picture in enumerate(clip)]


def _swinging(
    frames: int, between: tuple[float, float], start: float, rng: np.random.Generator, *, swings: bool = True
) -> Path:
    """A number that changes within a few frames, some times over the clip, and else stays."""
    times, path = np.arange(frames, dtype=np.float64), np.full(frames, start)
    now = start
    for _ in range((1 + int(rng.poisson(SWINGS))) if swings else 0):
        to = float(rng.uniform(*between))
        begin, lasts = float(rng.uniform(0, frames)), float(np.exp(rng.uniform(*np.log(SWING_FRAMES))))
        way = np.clip((times - begin) / lasts, 0, 1)
        path += (to - now) * way**2 * (3 - 2 * way)
        now = to
    return np.asarray(np.clip(path, *between), np.float64)


def _smooth(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a hand makes of it: each frame goes on from the last, and comes back."""
    walked = np.zeros_like(noise)
    for number in range(1, noise.shape[1]):
        walked[:, number] = 0.9 * walked[:, number - 1] + noise[:, number]
    return walked


def _exposed(picture: Picture, path: Path, number: int, shutter: float) -> Picture:
    before, after = path[:, max(number - 1, 0)], path[:, min(number + 1, path.shape[1] - 1)]
    pace = (after - before) / 2 * shutter
    exposures = EXPOSURES if float(np.abs(pace).max()) > 0.004 else 1
    shares = np.linspace(-0.5, 0.5, exposures) if exposures > 1 else [0.0]
    states = [path[:, number] + pace * share for share in shares]
    seen = [window(picture, float(x), float(y), 1 / float(part)).astype(np.float32) for x, y, part in states]
    return working_picture(clipped(np.mean(seen, axis=0)))
