"""Fréchet distance: closed forms, published features, an independent reference, and what must hold to the last bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import linalg

from bench.distances.frechet import Frechet, frechet_distance, gaussian_distance
from bench.distances.kernel import kernel_distance
from bench.distances.samples import Floats

FACTS = Path(os.environ.get("FRAMEHOLD_FACTS", Path(__file__).parents[3] / "shared" / "facts"))
CASE_A = FACTS / "fvd_case_a_features.npy"
SHAPES = [(8, 8, 30), (40, 40, 12), (8, 40, 12), (40, 8, 12), (12, 12, 12), (13, 30, 12)]


def samples(n: int, m: int, d: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((d, d)) / np.sqrt(d)
    return rng.standard_normal((n, d)) @ mixing, rng.standard_normal((m, d)) * 1.5 + 0.3


def by_definition(x: Floats, y: Floats, ddof: int = 1) -> float:
    """|m1 - m2|^2 + tr(C1 + C2) - 2 tr (C1^1/2 C2 C1^1/2)^1/2, with roots by eigenvalues of the small matrices."""
    one, other = np.cov(x, rowvar=False, ddof=ddof), np.cov(y, rowvar=False, ddof=ddof)
    values, vectors = np.linalg.eigh(one)
    root = vectors @ np.diag(np.sqrt(values.clip(0))) @ vectors.T
    middle = np.linalg.eigvalsh(root @ other @ root).clip(0)
    gap = x.mean(axis=0) - y.mean(axis=0)
    return float(gap @ gap + np.trace(one) + np.trace(other) - 2 * np.sqrt(middle).sum())


# ---- by hand -----------------------------------------------------------------------------------------------------


def test_one_dimension_by_hand() -> None:
    # means 1 and 4, variances 2 and 8: 9 + (sqrt 2 - sqrt 8)^2 = 9 + 2
    assert frechet_distance([[0.0], [2.0]], [[2.0], [6.0]]) == pytest.approx(11)
    # divided by n: variances 1 and 4: 9 + (1 - 2)^2
    assert frechet_distance([[0.0], [2.0]], [[2.0], [6.0]], ddof=0) == pytest.approx(10)


def test_gaussians_whose_covariances_share_axes() -> None:
    # |(3, 4)|^2 + (1 - 2)^2 + (3 - 1)^2
    assert gaussian_distance([0, 0], np.diag([1, 9]), [3, 4], np.diag([4, 1])) == pytest.approx(25 + 1 + 4)


def test_gaussians_turned_together_are_as_far_apart() -> None:
    turn = linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    one, other = turn @ np.diag([1, 4, 9]) @ turn.T, turn @ np.diag([4, 4, 1]) @ turn.T
    assert gaussian_distance(np.zeros(3), one, np.zeros(3), other) == pytest.approx(1 + 0 + 4)


def test_a_large_sample_is_as_far_apart_as_its_gaussians() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((200_000, 2)), rng.standard_normal((200_000, 2)) * [1, 2] + [1, 0]
    assert frechet_distance(x, y) == pytest.approx(1 + 1, rel=0.01)


# ---- against others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_every_route_is_the_definition(n: int, m: int, d: int) -> None:
    x, y = samples(n, m, d)
    assert frechet_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-6)
    assert frechet_distance(x, y, ddof=0) == pytest.approx(by_definition(x, y, ddof=0), rel=1e-6)


def test_scipys_root_says_the_same_where_it_is_exact() -> None:
    x, y = samples(300, 200, 20)
    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    gap = x.mean(axis=0) - y.mean(axis=0)
    theirs = gap @ gap + np.trace(one + other - 2 * np.real(linalg.sqrtm(one @ other)))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-10)


@pytest.mark.skipif(not CASE_A.is_file(), reason="no golden features here: set FRAMEHOLD_FACTS")
def test_published_value_on_the_published_features() -> None:
    real, fake = np.load(CASE_A)
    assert frechet_distance(real, fake) == pytest.approx(26.982253, rel=5e-6)
    assert frechet_distance(real, fake, ddof=0) == pytest.approx(26.930732, rel=5e-6)


# ---- what must hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_of_itself_it_is_exactly_nothing_in_any_order(n: int, m: int, d: int) -> None:
    x, _ = samples(n, m, d)
    assert frechet_distance(x, x) == 0.0
    assert frechet_distance(x, x[::-1]) == 0.0


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_order_of_rows_and_of_samples_changes_not_a_bit(n: int, m: int, d: int) -> None:
    x, y = samples(n, m, d)
    rng = np.random.default_rng(1)
    value = frechet_distance(x, y)
    assert frechet_distance(y, x) == value
    assert frechet_distance(rng.permutation(x), rng.permutation(y)) == value


def test_a_large_mean_costs_no_digits() -> None:
    x, y = samples(50, 60, 20)
    assert frechet_distance(x + 1e4, y + 1e4) == pytest.approx(frechet_distance(x, y), rel=1e-8)


def test_the_features_given_are_not_touched() -> None:
    x, y = samples(20, 20, 5)
    kept = x.copy(), y.copy()
    first = frechet_distance(x, y)
    assert frechet_distance(x, y) == first
    assert np.array_equal(x, kept[0])
    assert np.array_equal(y, kept[1])


def test_single_precision_features_are_summed_in_double() -> None:
    x, y = (part.astype(np.float32) for part in samples(30, 30, 10))
    assert frechet_distance(x, y) == frechet_distance(x.astype(np.float64), y.astype(np.float64))


@pytest.mark.parametrize(
    ("x", "y", "complaint"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]], "n of 2 or more"),
        ([1.0, 2.0], [[1.0], [2.0]], "two-dimensional|n, d"),
        ([[1.0], [2.0]], [[1.0, 1.0], [2.0, 2.0]], "one dimension, got 1 and 2"),
        ([[1.0], [np.nan]], [[1.0], [2.0]], "first sample: expected finite numbers, row 1"),
        ([[1.0], [1e60]], [[1.0], [2.0]], r"first sample: expected numbers up to 1e\+50 in size, got 1e\+60"),
        ([[1.0], [2.0]], [[1.0], [2j]], r"second sample: expected numbers \(n, d\): they are complex"),
        ([["a"], ["b"]], [[1.0], [2.0]], r"first sample: expected numbers \(n, d\): could not convert"),
        ([[1.0], [2.0, 3.0]], [[1.0], [2.0]], r"first sample: expected numbers \(n, d\): setting an array"),
        (None, [[1.0], [2.0]], r"n of 2 or more, got \(\)"),
    ],
)
@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_what_is_no_pair_of_samples_is_refused(distance: Any, x: Any, y: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        distance(x, y)


def test_tensors_are_taken_as_arrays_are_but_for_those_still_differentiated() -> None:
    x, y = samples(20, 20, 5)
    assert frechet_distance(torch.from_numpy(x), torch.from_numpy(y)) == frechet_distance(x, y)
    with pytest.raises(ValueError, match="first sample: expected numbers"):
        frechet_distance(torch.from_numpy(x).requires_grad_(), y)


@pytest.mark.parametrize("ddof", [-1, 2])
def test_other_divisors_than_n_and_one_less_are_refused(ddof: int) -> None:
    with pytest.raises(ValueError, match=f"expected ddof 0 or 1, got {ddof}"):
        frechet_distance([[0.0], [2.0]], [[0.0], [2.0]], ddof=ddof)


# ---- parts of a pool ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_parts_of_a_pool_are_as_far_apart_as_they_are_alone(n: int, m: int, d: int) -> None:
    x, y = samples(n, m, d)
    left = (np.arange(n + m) < n).astype(float)
    drawn = left.copy()
    drawn[[0, 1]] = 2, 0  # the first row twice, the second not at all
    values = Frechet(np.concatenate([x, y])).between(np.stack([left, drawn]), np.stack([1 - left, 1 - left]))
    twice = np.concatenate([x[:1], x[:1], x[2:]])
    assert values == pytest.approx([frechet_distance(x, y), frechet_distance(twice, y)], rel=1e-9)


def test_a_covariance_of_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1 rows"):
        Frechet(np.eye(3)).between(np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 1.0]]))
