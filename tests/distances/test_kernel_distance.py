"""Kernel distances: by hand, against plain loops, and unbiased where they say so."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bench.distances.jedi import JediKernel, jedi_distance
from bench.distances.kernel import CHUNK, PolynomialKernel, kernel_distance
from bench.distances.samples import Floats


def by_loops(x: Floats, y: Floats, degree: int, offset: float, *, diagonal: bool) -> float:
    def mean(one: Floats, other: Floats, same: bool) -> float:
        pairs = product(range(len(one)), range(len(other)))
        kept = [(i, j) for i, j in pairs if diagonal or not same or i != j]
        return float(np.mean([(one[i] @ other[j] / x.shape[1] + offset) ** degree for i, j in kept]))

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def samples(n: int = 7, m: int = 5, d: int = 3) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)), rng.standard_normal((m, d)) + 0.4


def test_the_linear_kernel_by_hand() -> None:
    # x.y in one dimension: 0 x 2 within either; across 0 x 1, 0 x 3, 2 x 1, 2 x 3, mean 2: 0 + 3 - 4
    assert kernel_distance([[0.0], [2.0]], [[1.0], [3.0]], degree=1, offset=0.0) == pytest.approx(-1)


def test_kid_form_against_loops() -> None:
    x, y = samples()
    assert kernel_distance(x, y) == pytest.approx(by_loops(x, y, 3, 1.0, diagonal=False))


def test_jedi_form_against_loops() -> None:
    x, y = samples()
    assert jedi_distance(x, y) == pytest.approx(100 * by_loops(x, y, 2, 0.0, diagonal=True))
    assert jedi_distance(x, x) == 0.0


def test_order_of_rows_and_of_samples_changes_not_a_bit() -> None:
    x, y = samples()
    value = kernel_distance(x, y), jedi_distance(x, y)
    assert (kernel_distance(y, x), jedi_distance(y, x)) == value
    assert (kernel_distance(x[::-1], y[::-1]), jedi_distance(x[::-1], y[::-1])) == value


def test_same_distribution_is_nothing_on_average_at_any_size() -> None:
    rng = np.random.default_rng(0)
    for size in (4, 16):
        values = [kernel_distance(*rng.standard_normal((2, size, 5))) for _ in range(2000)]
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_jedi_form_is_above_nothing_and_the_more_so_the_fewer() -> None:
    rng = np.random.default_rng(0)
    few, many = (np.mean([jedi_distance(*rng.standard_normal((2, size, 5))) for _ in range(300)]) for size in (8, 64))
    assert few > 4 * many > 0


def test_a_row_drawn_twice_is_not_paired_with_itself() -> None:
    x, y = samples()
    pool = np.concatenate([x, y])
    left = np.array([[2.0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    right = np.array([[0.0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]])
    k = (pool @ pool.T / 3 + 1) ** 3
    within = (4 * k[0, 1] + 4 * k[0, 2] + 2 * k[1, 2]) / 10  # pairs in both orders, those of row 0 twice
    others = k[7:, 7:][~np.eye(5, dtype=bool)].mean()
    across = (2 * k[0, 7:] + k[1, 7:] + k[2, 7:]).sum() / 20
    assert PolynomialKernel(pool).between(left, right)[0] == pytest.approx(within + others - 2 * across)


@pytest.mark.parametrize("kind", [PolynomialKernel, JediKernel])
def test_many_replicates_are_those_of_one_at_a_time(kind: type[PolynomialKernel]) -> None:
    rng = np.random.default_rng(0)
    pool = rng.standard_normal((10, 3))
    left = np.array([rng.permutation([1.0] * 5 + [0.0] * 5) for _ in range(CHUNK + 3)])
    together = kind(pool).between(left, 1 - left)
    alone = [kind(pool).between(one[None], 1 - one[None])[0] for one in left]
    assert together == pytest.approx(alone, rel=1e-12)


def test_one_row_has_no_pairs() -> None:
    with pytest.raises(ValueError, match="two different rows"):
        PolynomialKernel(np.eye(3)).between(np.array([[2.0, 0, 0]]), np.array([[0, 1.0, 1.0]]))
