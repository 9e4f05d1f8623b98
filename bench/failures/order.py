"""Failures of the order of frames and of the whole picture at once."""

from __future__ import annotations

import cv2
import numpy as np

from bench.failures.place import Scene, between
from bench.records import Picture

JUMPS = (4, 16)  # frames, at severity 0 and 1
ZOOMS = (0.03, 0.24)
WINDOWS = (3, 10)  # frames within which a shuffle takes place


def _onward(scene: Scene, first: int) -> list[Picture]:
    """As many frames as come after the onset, from frame `first` on, to and fro at the clip's ends."""
    last = len(scene.pictures) - 1
    frames, direction, index = [], 1, first
    for _ in scene.after:
        frames.append(scene.pictures[index])
        if not 0 <= index + direction <= last:
            direction = -direction
        index = min(max(index + direction, 0), last)
    return frames


def cut(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Other footage from the onset on; at lower severity it is mixed with the clip's own."""
    weight = 0.4 + 0.6 * severity
    start = int(rng.integers(0, max(1, len(scene.other) - len(scene.after) + 1)))
    others = [scene.other[min(start + step, len(scene.other) - 1)] for step in range(len(scene.after))]
    return [
        np.rint(own * (1 - weight) + other * weight).astype(np.uint8)
        for own, other in zip(scene.after, others, strict=True)
    ]


def frame_jump(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Frames are left out (backward where the clip is too short for it)."""
    leap = round(between(JUMPS, severity))
    ahead = scene.onset + leap
    return _onward(scene, ahead if ahead < len(scene.pictures) else max(0, scene.onset - leap))


def shuffle(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Frames change places within short windows; no window begins in its old order."""
    window = round(between(WINDOWS, severity))
    order: list[int] = []
    frames = len(scene.after)
    for start in range(0, frames, window):
        block = list(range(start, min(start + window, frames)))
        mixed = [int(place) for place in rng.permutation(block)]
        if len(mixed) > 1 and mixed[0] == block[0]:
            mixed = mixed[1:] + mixed[:1]
        order += mixed
    return [scene.after[place] for place in order]


def reverse(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The clip runs backward, at up to three times its speed."""
    speed = 1 + round(2 * severity)
    return [scene.pictures[max(scene.onset - speed * (step + 1) - 1, 0)] for step in range(len(scene.after))]


def freeze(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The last good frame stays; at lower severity it moves on for a while once more after 12 frames or more."""
    held = scene.pictures[scene.onset - 1]
    stands = max(12, round(severity * len(scene.after)))
    return [held if step < stands else scene.after[step] for step in range(len(scene.after))]


def zoom_pop(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The picture is suddenly nearer."""
    height, width = scene.size
    zoom = 1 + between(ZOOMS, severity)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom)
    return [
        np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101), np.uint8)
        for picture in scene.after
    ]
