"""Clips made to please a careless measure. None may be said to hold as long as moving footage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from bench.records import Picture

Clip = Sequence[Picture]
Adversary = Callable[[Clip, np.random.Generator], list[Picture]]

LOOP = 4  # frames of a loop played to and fro
PARTS = (0.3, 0.8)  # of the width and of the height, of unrelated pictures
COPIES = 8  # times a frame is shown when frames are duplicated


def frozen_frame(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """The opening frame, always."""
    return [clip[0]] * len(clip)


def pan_over_still(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """A slow pan over the opening frame."""
    height, width = clip[0].shape[:2]
    near = cv2.resize(clip[0], None, fx=1.3, fy=1.3, interpolation=cv2.INTER_LINEAR)
    shifts = np.linspace(0, near.shape[1] - width - 1, len(clip))
    rows = (near.shape[0] - height) / 2
    turns = (np.array([[1.0, 0, -shift], [0, 1.0, -rows]]) for shift in shifts)
    return [np.asarray(cv2.warpAffine(near, turn, (width, height)), np.uint8) for turn in turns]


def two_frames(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """Two frames of the clip in turn."""
    return [clip[0] if k % 2 == 0 else clip[min(2, len(clip) - 1)] for k in range(len(clip))]


def to_and_fro(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """The first frames played forward and backward, over and over."""
    period = 2 * (LOOP - 1)
    return [clip[min(k % period, period - k % period)] for k in range(len(clip))]


def cross_fade(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """The opening frame turns into the last one."""
    shares = np.linspace(0, 1, len(clip))
    return [np.rint(clip[0] * (1 - share) + clip[-1] * share).astype(np.uint8) for share in shares]


def duplicated(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """Each frame is shown eight times: few frames sold as many."""
    return [clip[k // COPIES] for k in range(len(clip))]


def noisy_still(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """The opening frame under grain that is new in every frame."""
    still = clip[0].astype(np.float32)
    return [np.clip(np.rint(still + rng.normal(0, 6, still.shape)), 0, 255).astype(np.uint8) for _ in clip]


def unrelated_pictures(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """Each frame is some other part of some other frame: nothing goes on, so nothing breaks off either."""
    height, width = clip[0].shape[:2]
    shown = []
    for place in rng.integers(len(clip), size=len(clip)):
        rows, columns = (round(side * float(rng.uniform(*PARTS))) for side in (height, width))
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        part = clip[place][top : top + rows, left : left + columns]
        shown.append(np.ascontiguousarray(part[:, :: rng.choice([-1, 1])]))
    return [np.asarray(cv2.resize(part, (width, height)), np.uint8) for part in shown]


def white_noise(clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """Grain and nothing else, new in every frame."""
    return [rng.integers(0, 256, picture.shape, np.uint8) for picture in clip]


ADVERSARIES: dict[str, Adversary] = {
    "frozen_frame": frozen_frame,
    "pan_over_still": pan_over_still,
    "two_frames": two_frames,
    "to_and_fro": to_and_fro,
    "cross_fade": cross_fade,
    "duplicated": duplicated,
    "noisy_still": noisy_still,
    "unrelated_pictures": unrelated_pictures,
    "white_noise": white_noise,
}
MOVING = "moving footage"
"""What they are held against: the clip as it is."""


def posing(name: str, clip: Clip, rng: np.random.Generator) -> list[Picture]:
    """The clip as that adversary, or for `MOVING` as it is."""
    return list(clip) if name == MOVING else ADVERSARIES[name](clip, rng)
