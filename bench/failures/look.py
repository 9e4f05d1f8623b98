"""Failures of how the picture looks: light, colour, grain, sharpness, compression."""

from __future__ import annotations

import cv2
import numpy as np

from bench.failures.place import Scene, between, clipped, compressed
from bench.records import Picture

FLICKERS = (0.06, 0.40)  # relative brightness, at severity 0 and 1
NOISES = (4.0, 36.0)  # grey levels
BLURS = (0.6, 4.5)  # pixels
EXPOSURES = (0.25, 1.0)  # log of the gain
TINTS = (0.10, 0.60)  # relative gain of a channel
QUALITIES = (30, 4)  # of JPEG


def flicker(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Every frame has a brightness of its own."""
    size = between(FLICKERS, severity)
    signs = np.where(np.arange(len(scene.after)) % 2, -1.0, 1.0) * rng.uniform(0.7, 1.3, len(scene.after))
    return [clipped(picture * (1 + size * sign)) for picture, sign in zip(scene.after, signs, strict=True)]


def noise(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Grain that is new in every frame grows."""
    level = between(NOISES, severity)
    return [
        clipped(picture + rng.normal(0, level * scene.strength(step), picture.shape))
        for step, picture in enumerate(scene.after)
    ]


def blur(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Sharpness goes."""
    width = between(BLURS, severity)
    return [
        np.asarray(cv2.GaussianBlur(picture, (0, 0), max(width * scene.strength(step), 0.05)), np.uint8)
        for step, picture in enumerate(scene.after)
    ]


def exposure(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """The picture burns out or goes dark."""
    gain = between(EXPOSURES, severity) * (1 if np.mean(scene.after[0]) < 110 else -1)
    return [clipped(picture * np.exp(gain * scene.strength(step))) for step, picture in enumerate(scene.after)]


def colour(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """One channel gains what another loses."""
    tint = between(TINTS, severity)
    gains = rng.permutation(np.array([tint, 0.0, -tint]))
    return [clipped(picture * (1 + gains * scene.strength(step))) for step, picture in enumerate(scene.after)]


def recompression(scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
    """Each frame is compressed more than the one before it."""
    worst = between(QUALITIES, severity)
    frames = []
    for step, picture in enumerate(scene.after):
        quality = round(90 + (worst - 90) * scene.strength(step))
        frames.append(compressed(picture, quality))
    return frames
