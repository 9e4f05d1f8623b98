"""Extrapolation to infinitely many clips: near the truth where it is offered, refused where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from bench.distances.estimate import Sample
from bench.distances.frechet import Frechet, frechet_distance
from bench.distances.infinite import infinite_distance


def test_the_bias_is_gone_and_the_truth_is_in_the_interval() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((400, 20)), rng.standard_normal((400, 20)) + 0.2
    truth = 20 * 0.2**2  # equal covariances: the gap of the means
    plain = frechet_distance(x, y)
    found = infinite_distance(Frechet, Sample(x), Sample(y, name="reference"))
    assert plain > 1.4 * truth
    assert found.low <= truth <= found.high
    assert abs(found.value - truth) < (plain - truth) / 2


def test_too_few_clips_for_the_dimensions_are_refused_with_the_number_needed() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 20)), rng.standard_normal((500, 20))
    with pytest.raises(ValueError, match=r"30 clips in 20 dimensions: .* needs 45"):
        infinite_distance(Frechet, Sample(x), Sample(y))


def test_equal_draws_from_an_equal_seed() -> None:
    rng = np.random.default_rng(0)
    sets = Sample(rng.standard_normal((60, 5))), Sample(rng.standard_normal((60, 5)), name="reference")
    assert infinite_distance(Frechet, *sets) == infinite_distance(Frechet, *sets)


def test_few_or_lopsided_groups_are_refused() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 60, 6))
    few = Sample(x, tuple(f"source {row % 9}" for row in range(60)))
    with pytest.raises(ValueError, match=r"9 independent clips or groups .*: leaving out tenths needs 10"):
        infinite_distance(Frechet, few, Sample(y, name="reference"))
    lopsided = Sample(x, tuple(f"source {max(0, row - 49)}" for row in range(60)))  # 50 of one source, 10 of others
    with pytest.raises(ValueError, match="clips are left without one tenth of the groups: it needs 12"):
        infinite_distance(Frechet, lopsided, Sample(y, name="reference"))
