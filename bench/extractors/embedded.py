"""embedded: statistics of space and time (`bench.extractors.statistics`), which need no download.

Each is centred and divided by its spread over windows of real footage (embedded_scale.json, made by
tools/distance_study.py), so that the kernel weighs all alike. It is there so that a distance always is; it matches no
published number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.extractors import About, Wanted
from bench.extractors.statistics import LEAST_FRAMES, window_statistics
from bench.records import FrameholdError, Picture

WORKING_PIXELS = 16_384
SHORTEST_SIDE = 32
FARTHEST = 6.0  # spreads; a statistic further out is read as this, so that no single one makes the distance


@dataclass(frozen=True)
class EmbeddedExtractor:
    """Pictures are brought to one area; statistics are made window by window, in threads."""

    about: About

    def frame(self, picture: Picture) -> Picture:
        """At the working area, the aspect kept."""
        height, width = picture.shape[:2]
        scale = (WORKING_PIXELS / (height * width)) ** 0.5
        size = max(SHORTEST_SIDE, round(width * scale)), max(SHORTEST_SIDE, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)

    def window(self, frames: Sequence[Picture]) -> NDArray[np.float32]:
        """Features (d,)."""
        names, mean, spread = scale()
        found = window_statistics(frames)
        values = np.array([found[name] for name in names])
        return np.asarray(np.clip((values - mean) / spread, -FARTHEST, FARTHEST), np.float32)

    def embed(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Features (windows, d)."""
        return np.stack(list(windows))


def embedded(wanted: Wanted) -> EmbeddedExtractor:
    """The extractor; it has no weights, and takes any length of LEAST_FRAMES frames or more."""
    mode = wanted.mode_of(("statistics",))
    if wanted.weights is not None:
        raise FrameholdError(f"--weights {wanted.weights}: {wanted.name} has none; leave the option out")
    about = About(
        name=wanted.name,
        mode=mode,
        version=1,
        frames=16,
        least_frames=LEAST_FRAMES,
        any_length=True,
        licence="Apache-2.0 (framehold)",
        libraries=("av", "numpy", "opencv-python"),
    )
    return EmbeddedExtractor(about)


@lru_cache(maxsize=1)
def scale() -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Names, means and spreads (d,) of the statistics."""
    table = json.loads((files("bench.extractors") / "embedded_scale.json").read_text(encoding="utf-8"))
    return tuple(table), np.array([mean for mean, _ in table.values()]), np.array([wide for _, wide in table.values()])
