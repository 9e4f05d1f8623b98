"""Fréchet distance of two Gaussians fitted to features (Dowson & Landau 1982), on video features FVD.

|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2). With C = F'F the last trace is the nuclear norm of F1 F2', which needs
no root of a matrix and no ridge: exact also where there are fewer clips than dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from bench.distances.samples import Floats, as_pair, as_sample


def frechet_distance(x: Any, y: Any, *, ddof: int = 1) -> float:
    """Of features (n, d) and (m, d), in the square of their unit. Exactly 0 of a sample and itself, and symmetric.

    `ddof` 1 divides covariances by n - 1, 0 by n. It grows as samples shrink: compare at equal n only.

    >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
    9.0
    """
    first, second = as_pair(x, y)
    if ddof not in (0, 1):
        raise ValueError(f"expected ddof 0 or 1, got {ddof}")
    if first.shape == second.shape and np.array_equal(first, second):
        return 0.0
    return _distance(first, None, second, None, ddof)


def gaussian_distance(mean_x: Any, covariance_x: Any, mean_y: Any, covariance_y: Any) -> float:
    """The same from means (d,) and covariances (d, d) that are known.

    >>> gaussian_distance([0.0], [[1.0]], [0.0], [[9.0]])
    4.0
    """
    gap = np.asarray(mean_x, np.float64) - np.asarray(mean_y, np.float64)
    one, other = np.asarray(covariance_x, np.float64), np.asarray(covariance_y, np.float64)
    return _assembled(gap, float(np.trace(one)), float(np.trace(other)), _trace_of_root(one, other))


class Frechet:
    """The distance between any two weighted parts of one pool of features."""

    name = "frechet"
    unbiased = False
    unit = "squared feature units"

    def __init__(self, pool: Any, ddof: int = 1) -> None:
        self._ddof = ddof
        self._rows = _reduced(as_sample(pool))

    def between(self, left: Floats, right: Floats) -> Floats:
        """(replicates,) from weights (replicates, rows of the pool) of either part; weight 2 is a row drawn twice."""
        return np.array([self._one(one, other) for one, other in zip(left, right, strict=True)])

    def _one(self, left: Floats, right: Floats) -> float:
        one, other = np.flatnonzero(left), np.flatnonzero(right)
        return _distance(self._rows[one], left[one], self._rows[other], right[other], self._ddof)


def _distance(x: Floats, weights_x: Floats | None, y: Floats, weights_y: Floats | None, ddof: int) -> float:
    mean_x, factor_x = _moments(x, weights_x, ddof)
    mean_y, factor_y = _moments(y, weights_y, ddof)
    dimensions = x.shape[1]
    if min(len(x), len(y)) < dimensions:
        root = float(linalg.svdvals(_short(factor_x) @ _short(factor_y).T).sum())
    else:
        root = _trace_of_root(factor_x.T @ factor_x, factor_y.T @ factor_y)
    return _assembled(mean_x - mean_y, float(np.vdot(factor_x, factor_x)), float(np.vdot(factor_y, factor_y)), root)


def _assembled(gap: Floats, trace_x: float, trace_y: float, root: float) -> float:
    """The four terms; rounding alone can bring their sum below 0."""
    return max(float(gap @ gap) + trace_x + trace_y - 2.0 * root, 0.0)


def _moments(x: Floats, weights: Floats | None, ddof: int) -> tuple[Floats, Floats]:
    """Mean (d,) and the factor F (n, d) with F'F the covariance."""
    w = np.ones(len(x)) if weights is None else weights
    total = float(w.sum())
    if total <= ddof:
        raise ValueError(f"a covariance needs more than {ddof} rows, got {total:g}")
    mean: Floats = (w @ x) / total
    factor = x - mean
    factor *= np.sqrt(w / (total - ddof))[:, None]
    return mean, factor


def _short(factor: Floats) -> Floats:
    """A factor of the same covariance with no more rows than columns."""
    if len(factor) <= factor.shape[1]:
        return factor
    rotated: Floats = linalg.qr(factor, mode="r", check_finite=False)[0]
    return rotated[: factor.shape[1]]


def _trace_of_root(one: Floats, other: Floats) -> float:
    """tr (C1 C2)^(1/2) as the sum of the roots of the eigenvalues of S'C2 S, S S' = C1 (Higham 2008, by symmetry)."""
    values, vectors = linalg.eigh(one)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    between = linalg.eigvalsh(factor.T @ other @ factor)
    return float(np.sqrt(np.maximum(between, 0.0)).sum())


def _reduced(pool: Floats) -> Floats:
    """The pool in coordinates of its own span when it has fewer rows than columns: no distance changes."""
    centred: Floats = pool - pool.mean(axis=0)
    if len(centred) >= centred.shape[1]:
        return centred
    rotated: Floats = linalg.qr(centred.T, mode="r", check_finite=False)[0]
    return rotated[: len(centred)].T
