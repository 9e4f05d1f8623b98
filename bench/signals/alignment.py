"""Alignment: what a CLIP sees of the prompt in each distinct frame, held against the clip's own opening."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.records import Curve

OPENING = 4  # distinct frames whose mean is what a clip began as
SOON_SECONDS = 1.0  # what is back within so long was never lost


def alignment_curves(
    frames: Sequence[int], pictures: NDArray[np.float32], text: NDArray[np.float32] | None, fps: float
) -> tuple[Curve, ...]:
    """Loss of similarity to the prompt since the opening, and drift of the embedding from the opening; cosines.

    `pictures` (n, d) and `text` (d,) have unit length, a row for each distinct frame in `frames`. Without a text there
    is only the drift. A frame counts as lost only what is not regained within a second, or until the clip ends: who
    passes behind a bus is still there, which only what comes after can tell. `fps` is that of the container.
    """
    opening = pictures[:OPENING].mean(axis=0)
    opening /= np.linalg.norm(opening)
    soon = max(1, round(SOON_SECONDS * fps))
    curves = [_lasting("embedding_drift", frames, 1.0 - pictures @ opening, soon)]
    if text is not None:
        similarity = pictures @ text
        lost = similarity[:OPENING].mean() - similarity
        curves.insert(0, _lasting("alignment_loss", frames, lost, soon))
    return tuple(curves)


def _lasting(name: str, frames: Sequence[int], values: NDArray[np.float32], soon: int) -> Curve:
    """At each frame the least of all that is seen in the `soon` container frames from it on."""
    ends = np.searchsorted(frames, np.asarray(frames) + soon)
    least = (values[start:end].min() for start, end in enumerate(ends))
    return Curve(name, tuple(frames), tuple(round(float(value), 6) for value in least))
