"""Which of two sets lies further from one reference: the values by hand, and what the test and intervals promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.distances.estimate import Plan, Sample, estimate
from bench.distances.kernel import PolynomialKernel, kernel_distance
from bench.distances.paired import Gap, apart_gap, paired_gap
from bench.records import Interval

QUICK = Plan(replicates=100)
Array = NDArray[np.float64]


def drawn(rng: np.random.Generator, prompts: int, shift: float = 0.0, seeds: int = 1) -> tuple[Array, tuple[str, ...]]:
    """Features of 8 dimensions whose prompts count for half of the variance, moved along the first."""
    effects = np.repeat(rng.normal(size=(prompts, 8)), seeds, axis=0)
    features = (effects + rng.normal(size=(prompts * seeds, 8))) / np.sqrt(2)
    features[:, 0] += shift
    return features, tuple(f"p{number // seeds}" for number in range(prompts * seeds))


def three(seed: int = 0, shift: float = 0.0, prompts: int = 12) -> tuple[Sample, Sample, Sample]:
    rng = np.random.default_rng(seed)
    one, other = (Sample(*drawn(rng, prompts, each), name) for each, name in ((0.0, "one"), (shift, "other")))
    return one, other, Sample(drawn(rng, 20)[0], name="real")


def interval_of(value: Interval | float) -> Interval:
    assert isinstance(value, Interval)
    return value


def test_the_two_distances_are_those_of_the_sets_by_themselves() -> None:
    one, other, real = three(shift=1.0)
    gap = paired_gap(PolynomialKernel, one, other, real, QUICK)
    first, second, difference = map(interval_of, (gap.first, gap.second, gap.difference))
    assert first.value == pytest.approx(kernel_distance(one.features, real.features))
    assert second.value == pytest.approx(kernel_distance(other.features, real.features))
    assert difference.value == pytest.approx(second.value - first.value)
    for each in (first, second, difference):
        assert each.low < each.value < each.high


def test_a_set_against_itself_has_no_difference() -> None:
    one, _, real = three()
    gap = paired_gap(PolynomialKernel, one, replace(one, name="again"), real, QUICK)
    assert tuple(interval_of(gap.difference)) == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_other_way_round_is_the_same_with_its_sign_turned() -> None:
    one, other, real = three(shift=1.0)
    gap, back = (paired_gap(PolynomialKernel, *pair, real, QUICK) for pair in ((one, other), (other, one)))
    assert interval_of(gap.difference).value == pytest.approx(-interval_of(back.difference).value)
    assert interval_of(gap.difference).low == pytest.approx(-interval_of(back.difference).high, rel=0.2)


def test_what_both_share_is_no_part_of_their_difference() -> None:
    """Two sets that are nearly one: each lies somewhere between wide limits, their difference between narrow ones."""
    one, _, real = three(prompts=20)
    rng = np.random.default_rng(1)
    near = replace(one, features=one.features + rng.normal(scale=0.01, size=one.features.shape), name="near")
    gap = paired_gap(PolynomialKernel, one, near, real, QUICK)
    first, second, difference = map(interval_of, (gap.first, gap.second, gap.difference))
    apart = apart_gap(first, second)
    assert difference.high - difference.low < 0.1 * (apart.high - apart.low)


def test_a_set_that_lies_far_away_is_told_from_one_that_does_not() -> None:
    gap = paired_gap(PolynomialKernel, *three(shift=4.0), QUICK)
    assert interval_of(gap.difference).low > 0


@pytest.mark.slow
def test_the_interval_covers_the_truth_where_two_models_err_in_two_ways() -> None:
    """Each far from reality in a direction of its own, so equally far: 0 is inside 95% of 150 intervals (1.8% s.e.)."""
    inside = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        (first, groups), (second, _) = (drawn(rng, 16, 1.5, 2) for _ in range(2))
        second[:, [0, 1]] = second[:, [1, 0]]
        sets = Sample(first, groups, "one"), Sample(second, groups, "other"), Sample(drawn(rng, 24)[0], name="real")
        difference = interval_of(paired_gap(PolynomialKernel, *sets, QUICK).difference)
        inside += difference.low <= 0 <= difference.high
    assert 0.89 <= inside / 150 <= 1


def test_too_few_prompts_have_a_difference_and_no_limits() -> None:
    one, other, real = three(prompts=5)
    gap = paired_gap(PolynomialKernel, one, other, real, QUICK)
    assert isinstance(gap.difference, float)
    assert gap == Gap(gap.first, gap.second, gap.difference, gap.refused)
    assert gap.refused == "5 independent clips or groups of clips in one set: an interval needs 8"


def test_sets_of_other_prompts_are_no_pairs() -> None:
    one, other, real = three()
    with pytest.raises(ValueError, match="one and other: expected clips of the same prompts"):
        paired_gap(PolynomialKernel, one, replace(other, groups=()), real, QUICK)


def test_separate_intervals_put_together_by_hand() -> None:
    """MOVER: the arms towards each limit add up in squares, 3 and 4 to 5."""
    gap = apart_gap(Interval(10, 8, 14), Interval(20, 17, 26))
    assert gap.value == 10
    assert gap.low == pytest.approx(10 - 5)  # from 20 down to 17, from 10 up to 14
    assert gap.high == pytest.approx(10 + np.hypot(6, 2))


def test_separate_intervals_of_equal_sets_hold_no_difference() -> None:
    one, other, real = three()
    limits = []
    for each in (one, other):
        found = estimate(PolynomialKernel, each, real, QUICK)
        assert found.low is not None
        assert found.high is not None
        limits.append(Interval(found.value, found.low, found.high))
    gap = apart_gap(*limits)
    assert gap.low < 0 < gap.high
