"""Hard but consistent: what must raise no alarm. Each takes an unbroken clip and gives an unbroken clip.

To add one: a function here and a line in CONTROLS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures import place
from bench.records import Picture

DITHER = 32  # grey levels between neighbouring ones
Clip = Sequence[Picture]
Control = Callable[[Clip, Clip, np.random.Generator], list[Picture]]


def pan(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """A window of two thirds of the picture glides across it."""
    start, end = (0.0, 1.0) if rng.random() < 0.5 else (1.0, 0.0)
    height = float(rng.uniform(0.2, 0.8))
    places = np.linspace(start, end, len(clip))
    return [place.window(picture, float(left), height, 1.5) for picture, left in zip(clip, places, strict=True)]


def zoom(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """The picture comes up to 1.6 times nearer, or goes back."""
    zooms = np.geomspace(1.0, 1.6, len(clip))
    if rng.random() < 0.5:
        zooms = zooms[::-1]
    return [place.window(picture, 0.5, 0.5, float(zoom)) for picture, zoom in zip(clip, zooms, strict=True)]


def fast_motion(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Every second frame: twice as fast and half as long."""
    return list(clip[::2])


def slow_motion(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """The opening half at half its speed, frames between frames made along the flow."""
    matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    frames: list[Picture] = []
    for first, second in pairwise(clip[: len(clip) // 2 + 1]):
        frames += [first, _between(matcher, first, second)]
    return frames


def _between(matcher: cv2.DISOpticalFlow, first: Picture, second: Picture) -> Picture:
    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    halves = []
    rows, columns = np.mgrid[: first.shape[0], : first.shape[1]].astype(np.float32)
    for start, end, picture in ((one, two, first), (two, one, second)):
        flow = matcher.calc(start, end, None)  # type: ignore[call-overload]
        halves.append(
            cv2.remap(
                picture,
                columns - flow[..., 0] / 2,
                rows - flow[..., 1] / 2,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
        )
    return np.asarray(cv2.addWeighted(halves[0], 0.5, halves[1], 0.5, 0), np.uint8)


def lighting_change(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """The light rises or falls by a quarter within half of the clip, as under a passing cloud."""
    change = float(rng.choice([-0.25, 0.25]))
    ramp = np.clip(np.linspace(-0.5, 1.5, len(clip)), 0, 1)
    return [
        np.clip(np.rint(picture * (1 + change * share)), 0, 255).astype(np.uint8)
        for picture, share in zip(clip, ramp, strict=True)
    ]


def motion_blur(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Each frame is the mean of itself and its neighbours, as with a long exposure."""
    last = len(clip) - 1
    return [
        np.rint((clip[max(k - 1, 0)].astype(np.float32) + clip[k] + clip[min(k + 1, last)]) / 3).astype(np.uint8)
        for k in range(len(clip))
    ]


def compressed(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Every frame compressed alike, strongly."""
    quality = int(rng.integers(20, 45))
    return [place.compressed(picture, quality) for picture in clip]


def resampled(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Another frame rate by dropping: of five frames one is left out, as when 30 a second become 24."""
    return [picture for k, picture in enumerate(clip) if k % 5 != 4]


def passing_object(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Something opaque goes across the picture; what was behind it comes back."""
    height, width = clip[0].shape[:2]
    radius = 0.16 * min(height, width)
    y = float(rng.uniform(0.3, 0.7)) * height
    places = np.linspace(-1.5 * radius, width + 1.5 * radius, len(clip))
    if rng.random() < 0.5:
        places = places[::-1]
    texture = cv2.resize(other[0], (int(4 * radius), int(4 * radius)), interpolation=cv2.INTER_AREA)
    frames = []
    for picture, x in zip(clip, places, strict=True):
        mask = place.ellipse((height, width), float(x), y, radius, 1.6 * radius)[..., None]
        shift = np.array([[1, 0, float(x) - 2 * radius], [0, 1, y - 2 * radius]])
        layer = cv2.warpAffine(texture, shift, (width, height), borderMode=cv2.BORDER_REFLECT)
        frames.append(np.rint(picture * (1 - mask) + layer * mask).astype(np.uint8))
    return frames


def on_twos(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Animation on twos: every second frame is shown twice."""
    return [clip[k - k % 2] for k in range(len(clip))]


def watermarked(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Black bars above and below, and a mark in the corner."""
    height, width = clip[0].shape[:2]
    frames = []
    for picture in clip:
        marked = picture.copy()
        marked[: height // 10] = marked[-(height // 10) :] = 0
        corner = (int(width * 0.66), height - height // 10 - 6)
        frames.append(
            np.asarray(cv2.putText(marked, "preview", corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (220, 220, 220)), np.uint8)
        )
    return frames


def fade_in(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """The clip comes up from black within its first quarter."""
    return faded(clip, np.arange(len(clip)) / max(len(clip) // 4, 1))


def fade_out(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """The clip goes to black within its last quarter."""
    return faded(clip, np.arange(len(clip))[::-1] / max(len(clip) // 4, 1))


def faded(clip: Clip, light: NDArray[np.floating]) -> list[Picture]:
    """Each frame under its light, from 0 (black) to 1 (as it is)."""
    gains = np.clip(light, 0, 1)
    return [np.rint(picture * gain).astype(np.uint8) for picture, gain in zip(clip, gains, strict=True)]


def dithered(clip: Clip, other: Clip, rng: np.random.Generator) -> list[Picture]:
    """Nine levels a channel, the rest made up by a pattern of dots (Bayer 1973), as in a GIF."""
    tile = np.array([[0]])
    for _ in range(3):
        tile = np.block([[4 * tile, 4 * tile + 2], [4 * tile + 3, 4 * tile + 1]])
    height, width = clip[0].shape[:2]
    dots = np.tile((tile + 0.5) / 64, (height // 8 + 1, width // 8 + 1))[:height, :width, None]
    return [np.minimum(np.floor(picture / DITHER + dots) * DITHER, 255).astype(np.uint8) for picture in clip]


CONTROLS: dict[str, Control] = {
    "pan": pan,
    "zoom": zoom,
    "fast_motion": fast_motion,
    "slow_motion": slow_motion,
    "lighting_change": lighting_change,
    "motion_blur": motion_blur,
    "compressed": compressed,
    "resampled": resampled,
    "passing_object": passing_object,
    "on_twos": on_twos,
    "watermarked": watermarked,
    "fade_in": fade_in,
    "fade_out": fade_out,
    "dithered": dithered,
}
