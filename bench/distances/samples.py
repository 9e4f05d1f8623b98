"""Feature arrays as the distances take them: float64, finite, rows in an order that the caller's does not touch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST = 1e50  # in size: the cubed products of a kernel stay within a float64


def as_sample(features: Any, name: str = "features") -> Floats:
    """A copy as float64 (n, d). ValueError unless it is two-dimensional and finite, with two rows or more."""
    try:
        given = np.asarray(features)
        if given.dtype.kind == "c":
            raise ValueError("they are complex")
        sample = given.astype(np.float64, order="C", copy=True)
    except (TypeError, ValueError, RuntimeError) as error:  # torch raises the last for what it still differentiates
        raise ValueError(f"{name}: expected numbers (n, d): {error}") from error
    if sample.ndim != 2 or sample.shape[0] < 2 or sample.shape[1] < 1:
        raise ValueError(f"{name}: expected (n, d) with n of 2 or more, got {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError(
            f"{name}: expected finite numbers, row {int(np.argmin(np.isfinite(sample).all(axis=1)))} has others"
        )
    if np.abs(sample).max() > LARGEST:
        raise ValueError(f"{name}: expected numbers up to {LARGEST:g} in size, got {np.abs(sample).max():g}")
    return sample


def as_pair(first: Any, second: Any) -> tuple[Floats, Floats]:
    """Two samples of one dimension, in an order of rows and of samples that depends on their content alone.

    So a distance is the same to the last bit whatever the order of its rows, and whichever sample comes first.
    """
    x, y = as_sample(first, "the first sample"), as_sample(second, "the second sample")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"expected two samples of one dimension, got {x.shape[1]} and {y.shape[1]}")
    x, y = _sorted(x), _sorted(y)
    if len(x) != len(y):
        return (x, y) if len(x) < len(y) else (y, x)
    differing = np.flatnonzero(x.ravel() != y.ravel())[:1]
    return (y, x) if (x.ravel()[differing] > y.ravel()[differing]).any() else (x, y)


def _sorted(sample: Floats) -> Floats:
    """Rows sorted by their bytes, in place but for their order; adding 0 makes one zero of the two."""
    sample += 0.0
    keys = sample.view(np.dtype((np.void, sample.shape[1] * sample.itemsize))).ravel()
    return sample[np.argsort(keys)]
