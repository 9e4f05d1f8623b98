"""Pictures, curves, rules and requests small enough to be worked out by hand, for tests that share them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import (
    Curve,
    Detector,
    Mode,
    Picture,
    Prompt,
    RateClass,
    Region,
    Source,
    Spec,
    Suite,
    fingerprint,
)

# ---- pictures ----------------------------------------------------------------------------------------------------


def texture(height: int, width: int, seed: int = 0, blur: float = 3.0) -> NDArray[np.float32]:
    """Coloured noise smooth enough for optical flow: mean 120, deviation 40 grey levels, float."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur, borderType=cv2.BORDER_REFLECT)
    return np.asarray(120.0 + 40.0 * smooth / smooth.std(), np.float32)


def picture(levels: NDArray[Any]) -> Picture:
    """Levels of any type as a picture."""
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def flat(colour: Sequence[float], height: int = 256, width: int = 256) -> Picture:
    """One colour all over."""
    return picture(np.full((height, width, 3), colour, np.float32))


def pan(frames: int, step: int, seed: int = 0, height: int = 256, width: int = 256) -> list[Picture]:
    """A window that moves `step` pixels a frame to the right over a texture: everything in it moves left."""
    wide = texture(height, width + abs(step) * frames, seed)
    return [picture(wide[:, index * step : index * step + width]) for index in range(frames)]


def numbered(pictures: Sequence[Picture]) -> list[tuple[int, Picture]]:
    """Every picture with its index, as `measure` and `steps` take them."""
    return list(enumerate(pictures))


# ---- curves and rules --------------------------------------------------------------------------------------------


def curve(signal: str, values: Sequence[float], first: int = 1, regions: Sequence[Region | None] = ()) -> Curve:
    """A value for each frame from `first` on."""
    return Curve(signal, tuple(range(first, first + len(values))), tuple(map(float, values)), tuple(regions))


def from_logs(signal: str, logs: Sequence[float], first: int = 1, regions: Sequence[Region | None] = ()) -> Curve:
    """The curve whose readings at floor 1 are `logs`: log(value + 1)."""
    return curve(signal, [math.exp(log) - 1.0 for log in logs], first, regions)


def detector(signal: str, mode: Mode = "level", **fields: Any) -> Detector:
    """Evidence is the reading itself: floor 1, nothing usual, spread 1, tail 1, no bins. `fields` say otherwise."""
    plain: dict[str, Any] = {"floor": 1.0, "edges": (), "medians": (0.0,), "spreads": (1.0,), "tail": 1.0}
    return Detector(signal=signal, mode=mode, **{**plain, **fields})


def rate_class(*detectors: Detector, fps: float = 24.0, threshold: float = 2.0, **fields: Any) -> RateClass:
    """A rule by those detectors; nothing is static unless `still_subject` or `still_picture` say so."""
    plain: dict[str, Any] = {
        "frames": 48,
        "scores": tuple(threshold * share for share in (0.5, 0.75, 1.0)),
        "still_subject": 0.0,
        "still_picture": 0.0,
    }
    return RateClass(fps=fps, detectors=detectors, threshold=threshold, **{**plain, **fields})


# ---- requests ----------------------------------------------------------------------------------------------------

PROMPTS = (
    Prompt("walk", "A man in a red shirt walks along a beach", "people"),
    Prompt("dog", "A dog runs across a field", "animals"),
)


def procedural_spec(
    models: Sequence[str] = ("procedural/steady", "procedural/pop"),
    prompts: Sequence[Prompt] = PROMPTS,
    options: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Spec:
    """A few small clips drawn by the procedural backend."""
    size = {"frames": 12, "width": 64, "height": 64}
    suite = Suite("tiny", 1, tuple(prompts), sha256=fingerprint([prompt.text for prompt in prompts]))
    return Spec(suite, (Source("procedural", {**size, **(options or {})}, tuple(models)),), **fields)
