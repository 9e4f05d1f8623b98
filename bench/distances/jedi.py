"""JEDi's form of the kernel distance (Luo et al. 2024), for comparison with figures published under that name."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.distances.kernel import PolynomialKernel
from bench.distances.samples import Floats, as_pair

FACTOR = 100.0


def jedi_distance(x: Any, y: Any) -> float:
    """100 times the squared discrepancy of features (n, d) and (m, d) under the kernel (x.y / d)^2.

    Each row is paired with itself too. That makes it biased upwards by about 1/n: compare at equal n only. It is 0 of
    a sample and itself.

    >>> jedi_distance([[0.0], [2.0]], [[0.0], [2.0]])
    0.0
    """
    first, second = as_pair(x, y)
    pool = np.concatenate([first, second])
    left = (np.arange(len(pool)) < len(first)).astype(float)[None]
    return float(JediKernel(pool).between(left, 1.0 - left)[0])


class JediKernel(PolynomialKernel):
    """The distance between any two weighted parts of one pool of features (n, d)."""

    name = "jedi"
    unbiased = False

    def __init__(self, pool: Any) -> None:
        super().__init__(pool, degree=2, offset=0.0)

    def _between(self, left: Floats, right: Floats) -> Floats:
        return FACTOR * super()._between(left, right)

    def _within(self, weights: Floats, onto: Floats) -> Floats:
        return np.asarray(np.sum(onto * weights, axis=1) / weights.sum(axis=1) ** 2)
