"""Kernel distances: squared maximum mean discrepancy with a polynomial kernel (Gretton et al. 2012).

Unbiased and cubic it is KID's form on video features, KVD (Binkowski et al. 2018): its expectation does not depend on
the number of clips, and is 0 between two samples of one distribution.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.distances.samples import Floats, as_pair, as_sample

CHUNK = 256  # replicates at once: bounds the memory, and does not change a number


def kernel_distance(x: Any, y: Any, *, degree: int = 3, offset: float = 1.0) -> float:
    """Unbiased squared discrepancy of features (n, d) and (m, d) under (x.y / d + offset)^degree; may be below 0.

    >>> kernel_distance([[0.0], [2.0]], [[0.0], [2.0]], degree=1)
    -2.0
    """
    first, second = as_pair(x, y)
    pool = np.concatenate([first, second])
    left = (np.arange(len(pool)) < len(first)).astype(float)[None]
    return float(PolynomialKernel(pool, degree, offset).between(left, 1.0 - left)[0])


class PolynomialKernel:
    """The distance between any two weighted parts of one pool of features (n, d)."""

    name = "kernel"
    unbiased = True
    unit = "1"

    def __init__(self, pool: Any, degree: int = 3, offset: float = 1.0) -> None:
        rows = as_sample(pool)
        self._kernel = (rows @ rows.T / rows.shape[1] + offset) ** degree

    def between(self, left: Floats, right: Floats) -> Floats:
        """(replicates,) from weights (replicates, rows of the pool) of either part; weight 2 is a row drawn twice.

        A row is never paired with itself, however often it was drawn, so that a bootstrap stays unbiased.
        """
        chunks = range(0, len(left), CHUNK)
        return np.concatenate([self._between(left[at : at + CHUNK], right[at : at + CHUNK]) for at in chunks])

    def _between(self, left: Floats, right: Floats) -> Floats:
        onto_left, onto_right = left @ self._kernel, right @ self._kernel
        across = np.sum(onto_left * right, axis=1) / (left.sum(axis=1) * right.sum(axis=1))
        return np.asarray(self._within(left, onto_left) + self._within(right, onto_right) - 2.0 * across)

    def _within(self, weights: Floats, onto: Floats) -> Floats:
        """Weighted mean of the kernel over pairs of different rows of one part."""
        own = weights**2
        pairs = weights.sum(axis=1) ** 2 - own.sum(axis=1)
        if (pairs <= 0).any():
            raise ValueError("a part needs two different rows or more")
        return np.asarray((np.sum(onto * weights, axis=1) - own @ np.diag(self._kernel)) / pairs)
