"""Alignment: how the pictures fit the prompt, and the clip's own opening, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.records import Curve

OPENING = 4  # distinct frames whose mean is what a clip began as


def alignment_curves(
    frames: Sequence[int], pictures: NDArray[np.float32], text: NDArray[np.float32] | None
) -> tuple[Curve, ...]:
    """Loss of similarity to the prompt since the opening, and drift of the embedding from the opening; cosines.

    `pictures` (n, d) and `text` (d,) have unit length, a row for each distinct frame in `frames`. Without a text there
    is only the drift.
    """
    opening = pictures[:OPENING].mean(axis=0)
    opening /= np.linalg.norm(opening)
    drift = 1.0 - pictures @ opening
    curves = [Curve("embedding_drift", tuple(frames), _floats(drift))]
    if text is not None:
        similarity = pictures @ text
        lost = similarity[:OPENING].mean() - similarity
        curves.insert(0, Curve("alignment_loss", tuple(frames), _floats(lost)))
    return tuple(curves)


def _floats(values: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
