"""Failures that grow: shapes flow, textures melt, a part stands still, an afterimage stays, a surface changes hue."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures.place import Plane, Scene, between, blend, clipped, moved, smooth_field
from bench.records import Picture

MORPHS = (3.0, 16.0)  # pixels at 256 x 256, at severity 0 and 1
WOBBLES = (1.5, 8.0)
MELTS = (4.0, 24.0)
GHOSTS = (0.2, 0.65)  # weight of the afterimage
GHOST_LAG = 6  # frames
FREEZES = (0.6, 1.0)  # weight of the part that stands still
HUES = (20.0, 120.0)  # degrees


def elastic_morph(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """All shapes are drawn out of place, more and more."""
    size = between(MORPHS, severity)
    across, down = (size * smooth_field(scene.size, 40, rng) for _ in range(2))
    return [
        clipped(moved(picture, across * scene.strength(step), down * scene.strength(step)))
        for step, picture in enumerate(scene.after)
    ]


def _melted(picture: Picture, field: Plane, size: float) -> NDArray[np.float32]:
    """Details run down by up to `size` pixels and lose their edges."""
    run = moved(picture, np.zeros_like(field), -size * np.abs(field))
    return np.asarray(cv2.GaussianBlur(run, (0, 0), max(size / 8, 0.05)), np.float32)


def texture_melt(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """All textures run down."""
    size, field = between(MELTS, severity), smooth_field(scene.size, 12, rng)
    return [clipped(_melted(picture, field, size * scene.strength(step))) for step, picture in enumerate(scene.after)]


def ghosting(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """An afterimage of six frames ago comes up."""
    weight = between(GHOSTS, severity)
    frames = []
    for step, picture in enumerate(scene.after):
        share = weight * scene.strength(step)
        earlier = scene.pictures[max(scene.onset + step - GHOST_LAG, 0)]
        frames.append(clipped(picture * (1.0 - share) + earlier * share))
    return frames


def local_wobble(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The part sways within itself, more and more."""
    size = between(WOBBLES, severity)
    first, second = smooth_field(scene.size, 24, rng), smooth_field(scene.size, 24, rng)
    frames = []
    for step, (picture, mask) in enumerate(zip(scene.after, scene.places(rng), strict=True)):
        swing = size * scene.strength(step)
        turn = 2 * np.pi * (step + 1) / 6
        shift = swing * np.sin(turn) * mask, swing * np.cos(turn) * mask
        frames.append(clipped(moved(picture, first * shift[0], second * shift[1])))
    return frames


def local_melt(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The textures of the part run down."""
    size, field = between(MELTS, severity), smooth_field(scene.size, 12, rng)
    return [
        blend(picture, _melted(picture, field, size * scene.strength(step)), mask)
        for step, (picture, mask) in enumerate(zip(scene.after, scene.places(rng), strict=True))
    ]


def local_freeze(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The part stands still where it is while all else moves on."""
    mask, held = scene.places(rng)[0] * between(FREEZES, severity), scene.pictures[scene.onset - 1]
    return [blend(picture, held, mask) for picture in scene.after]


def hue_drift(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The surface of the part changes its hue."""
    angle = between(HUES, severity) * float(rng.choice([-1.0, 1.0]))
    frames = []
    for step, (picture, mask) in enumerate(zip(scene.after, scene.places(rng), strict=True)):
        frames.append(blend(picture, picture @ _hue_turn(angle * scene.strength(step)).T, mask))
    return frames


def _hue_turn(degrees: float) -> NDArray[np.float64]:
    """Rotation of RGB about the grey axis (3, 3)."""
    axis = np.full(3, 3**-0.5)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.deg2rad(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
