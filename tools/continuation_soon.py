"""Failures as generated clips have them, for the continuation network: early, spread over frames, in every frame anew.

They are for teaching only: the study lays `bench.failures` on clips as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bench.failures import SHARES
from bench.failures.place import Scene, blend, moved, smooth_field
from bench.records import Picture

EARLY, EARLY_CHANCE = 4, 0.5  # the last frame of an early onset, how many onsets are
SOFT_OVER = (2, 8)  # frames in which a soft failure comes up
REDRAWN = (2.0, 10.0)  # pixels that shapes are out of place
REDRAWN_DETAIL = (12.0, 48.0)  # pixels, of what is out of place together


def early_onset(frames: int, rng: np.random.Generator) -> int:
    """A frame that something goes wrong at, half of the time one of the first."""
    if rng.random() < EARLY_CHANCE:
        return int(rng.integers(1, min(EARLY, frames - 3) + 1))
    return int(rng.integers(2, frames - 2))


def softened(
    untouched: Sequence[Picture], broken: Sequence[Picture], onset: int, rng: np.random.Generator
) -> list[Picture]:
    """A sudden failure that comes up over a few frames."""
    over = int(rng.integers(SOFT_OVER[0], SOFT_OVER[1] + 1))
    frames = list(broken)
    for step in range(min(over - 1, len(broken) - onset)):
        share = (step + 1) / over
        mixed = cv2.addWeighted(broken[onset + step], share, untouched[onset + step], 1 - share, 0)
        frames[onset + step] = np.asarray(mixed, np.uint8)
    return frames


def unrelated(
    pictures: Sequence[Picture], other: Sequence[Picture], last: int, rng: np.random.Generator
) -> list[Picture]:
    """From frame 1 to `last` each frame shows something else: any part of any frame, turned about or not."""
    height, width = pictures[0].shape[:2]
    frames = [pictures[0]]
    while len(frames) < last:
        whole = [*pictures, *other][int(rng.integers(len(pictures) + len(other)))]
        share = float(rng.uniform(0.4, 1.0))
        rows, columns = round(height * share), round(width * share)
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        part = cv2.resize(whole[top : top + rows, left : left + columns], (width, height))
        frames.append(np.ascontiguousarray(part[:, :: 1 if rng.random() < 0.5 else -1], np.uint8))
    return frames


def redrawn(
    pictures: Sequence[Picture], onset: int, last: int, rng: np.random.Generator
) -> tuple[float, list[Picture]]:
    """(share of the picture, frames up to `last`): shapes are out of place otherwise in every frame, all or a part."""
    share = float(rng.choice((*SHARES[1:], 1.0)))
    size, detail = float(rng.uniform(*REDRAWN)), float(rng.uniform(*REDRAWN_DETAIL))
    scene = Scene(pictures[:last], pictures, onset, share)
    masks = scene.places(rng) if share < 1 else [np.ones(scene.size, np.float32)] * len(scene.after)
    frames = list(pictures[:onset])
    for picture, mask in zip(scene.after, masks, strict=True):
        across, down = (size * smooth_field(scene.size, detail, rng) for _ in range(2))
        frames.append(blend(picture, moved(picture, across, down), mask))
    return share, frames
