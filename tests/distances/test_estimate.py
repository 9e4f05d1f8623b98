"""What stands beside a distance: intervals that hold, tests that keep their level, and refusals that say why."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.distances import DISTANCES
from bench.distances.estimate import Plan, Sample, estimate, upper_quantile
from bench.distances.frechet import Frechet, frechet_distance
from bench.distances.kernel import PolynomialKernel, kernel_distance
from bench.distances.samples import Floats
from bench.registry import load

QUICK = Plan(replicates=60, splits=40, permutations=99)


def gaussian(n: int, d: int = 6, seed: int = 0, apart: float = 0.0) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d)) + apart


@pytest.mark.parametrize("name", DISTANCES)
def test_every_registered_distance_is_told_with_all_that_belongs_to_it(name: str) -> None:
    found = estimate(load(DISTANCES, "distance", name), Sample(gaussian(20)), Sample(gaussian(50, seed=1)), QUICK)
    assert (found.distance, found.n, found.n_reference) == (name, 20, 50)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.same_size is not None
    assert found.same_size.n == 20


def test_the_value_is_that_of_the_plain_functions() -> None:
    x, y = gaussian(20), gaussian(30, seed=1, apart=0.5)
    assert estimate(Frechet, Sample(x), Sample(y), QUICK).value == pytest.approx(frechet_distance(x, y))
    assert estimate(PolynomialKernel, Sample(x), Sample(y), QUICK).value == pytest.approx(kernel_distance(x, y))


def test_equal_draws_from_an_equal_seed_and_others_from_another() -> None:
    sets = Sample(gaussian(20)), Sample(gaussian(30, seed=1, apart=0.2))
    assert estimate(PolynomialKernel, *sets, QUICK) == estimate(PolynomialKernel, *sets, QUICK)
    other = Plan(replicates=60, splits=40, permutations=99, seed=2)
    assert estimate(PolynomialKernel, *sets, other).low != estimate(PolynomialKernel, *sets, QUICK).low


@pytest.mark.slow
def test_the_interval_holds_and_the_test_keeps_its_level() -> None:
    holds, alarms, sees = 0, 0, 0
    for trial in range(100):
        reference = Sample(gaussian(40, 5, 1000 + trial), name="reference")
        same = estimate(PolynomialKernel, Sample(gaussian(40, 5, trial)), reference, QUICK)
        apart = estimate(PolynomialKernel, Sample(gaussian(40, 5, 2000 + trial, 0.4)), reference, QUICK)
        holds += same.low is not None and same.high is not None and same.low <= 0 <= same.high
        alarms += same.p_value is not None and same.p_value <= 0.05
        sees += apart.p_value is not None and apart.p_value <= 0.05
    assert holds >= 93
    assert alarms <= 11  # 5 expected; more than 11 has a chance of 1 in 200
    assert sees >= 70


def test_copies_of_one_source_are_no_further_evidence() -> None:
    x, y = gaussian(10, apart=0.2), gaussian(10, seed=1)
    repeated = np.repeat(x, 6, axis=0), np.repeat(y, 6, axis=0)
    labels = [tuple(f"{side}{clip}" for clip in np.repeat(range(10), 6)) for side in "ab"]
    blind = estimate(PolynomialKernel, Sample(repeated[0]), Sample(repeated[1], name="reference"), QUICK)
    told = estimate(PolynomialKernel, Sample(repeated[0], labels[0]), Sample(repeated[1], labels[1]), QUICK)
    assert blind.p_value == 0.01
    assert told.p_value is not None
    assert told.p_value > 0.1
    assert told.high is not None
    assert blind.high is not None
    assert told.high - told.value > 1.5 * (blind.high - blind.value)
    assert told.same_size is not None
    assert told.same_size.n == 27  # of 60, less what a source cut in two can lose


def test_two_models_on_the_same_prompts_are_compared_prompt_by_prompt() -> None:
    rng = np.random.default_rng(0)
    content = 4 * rng.standard_normal((24, 5))  # what a prompt shows dwarfs what a model does to it
    x, y = content + 0.5 + 0.1 * rng.standard_normal((24, 5)), content + 0.1 * rng.standard_normal((24, 5))
    prompts = tuple(f"prompt {number}" for number in range(24))
    paired = estimate(Frechet, Sample(x, prompts), Sample(y, prompts), QUICK)
    apart = estimate(Frechet, Sample(x), Sample(y, name="reference"), QUICK)
    assert paired.high is not None
    assert apart.high is not None
    assert paired.high - paired.value < (apart.high - apart.value) / 3


def test_what_cannot_be_estimated_is_refused_with_the_reason() -> None:
    few = estimate(PolynomialKernel, Sample(gaussian(5)), Sample(gaussian(12, seed=1)), QUICK)
    assert (few.low, few.high, few.p_value, few.same_size) == (None, None, None, None)
    assert "5 independent clips" in few.refused["interval"]
    assert "a test needs 8" in few.refused["p_value"]
    assert few.refused["same_size"] == "5 clips beside the reference: a floor at the same number needs 8"
    small = estimate(PolynomialKernel, Sample(gaussian(12)), Sample(gaussian(12, seed=1)), QUICK)
    assert "have 6 clips each: a floor needs 8" in small.refused["same_size"]
    with pytest.raises(ValueError, match="n of 2 or more"):
        estimate(PolynomialKernel, Sample(gaussian(1)), Sample(gaussian(12)), QUICK)


def test_a_biased_distance_is_not_tested() -> None:
    found = estimate(Frechet, Sample(gaussian(20)), Sample(gaussian(40, seed=1)), QUICK)
    assert found.p_value is None
    assert "unbiased" in found.refused["p_value"]


def test_frechet_from_the_reference_is_read_beside_the_reference_against_itself() -> None:
    found = estimate(Frechet, Sample(gaussian(20, 40)), Sample(gaussian(60, 40, 1)), QUICK).same_size
    assert found is not None
    assert found.samples.value == pytest.approx(found.reference.value, rel=0.1)  # both are the bias of 20 clips


def test_the_upper_quantile_is_exceeded_by_one_more_with_at_most_the_level() -> None:
    assert upper_quantile(np.arange(1.0, 100), 0.05) == 95  # rank 95 of 99: 95 of 100 places for one more lie below
    assert upper_quantile(np.arange(5.0), 0.05) == math.inf
