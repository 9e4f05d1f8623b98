"""Prompts drawn again: weights, the prompt nobody drew, intervals that cover, exact tests by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.resampling import (
    cluster_weights,
    flip_p_value,
    generator,
    holm,
    interval,
    percentile_interval,
    prompt_weights,
    sign_flips,
    unseen_clips,
    unseen_prompt,
)
from bench.survival import lost_time, restricted_mean, restricted_means, tally

PROMPTS = [f"p{number}" for number in range(20)]


# ---- weights -----------------------------------------------------------------------------------------------------


def test_a_prompt_weighs_the_same_whatever_stands_beside_it() -> None:
    few, many = prompt_weights(["p3", "p7"], 50, 1), prompt_weights(PROMPTS, 50, 1)
    assert (few == many[:, [3, 7]]).all()
    assert (prompt_weights(["p3"], 50, 2) != few[:, [0]]).all()


def test_weights_are_those_of_the_bayesian_bootstrap() -> None:
    weights = prompt_weights(PROMPTS, 4000, 1)
    shares = weights / weights.sum(axis=1, keepdims=True)
    # Dirichlet(1, ..., 1) of 20: mean 1/20, variance 19 / (20^2 x 21).
    assert shares.mean(axis=0) == pytest.approx(np.full(20, 1 / 20), abs=0.004)
    assert shares.var(axis=0).mean() == pytest.approx(19 / (400 * 21), rel=0.05)


def test_a_generator_belongs_to_its_key() -> None:
    assert generator(1, "a").random() == generator(1, "a").random()
    assert generator(1, "a").random() != generator(1, "b").random()


def test_half_of_the_unseen_prompt_breaks_and_half_holds() -> None:
    unseen = unseen_prompt(3, 50_000, np.random.default_rng(0))
    assert unseen.break_at_once.mean() == pytest.approx(1.5, rel=0.03)
    assert unseen.hold.mean() == pytest.approx(1.5, rel=0.03)
    assert np.corrcoef(unseen.break_at_once, unseen.hold)[0, 1] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("values", "clips"),
    [
        ([1, 1, 1, 9, 9, 9], 3),  # clips of a prompt are equal: a prompt is what was drawn
        ([1, 9, 5, 1, 9, 5], 1 + 2 / 2),  # prompts are equal, clips are not: halfway from one clip to three
        ([4, 4, 4, 4, 4, 4], 3),  # nothing differs: nothing is known
    ],
)
def test_how_many_clips_the_unseen_prompt_counts_for(values: list[float], clips: float) -> None:
    assert unseen_clips(np.array(values, float), np.array([0, 0, 0, 1, 1, 1])) == clips


def test_one_clip_a_prompt_is_one_clip_unseen() -> None:
    assert unseen_clips(np.array([3.0, 5, 7]), np.arange(3)) == 1


@pytest.mark.parametrize(("held", "prompts"), [(0, 12), (3, 12), (12, 12), (40, 50)])
def test_all_or_nothing_it_is_jeffreys_interval(held: int, prompts: int) -> None:
    frames = np.where(np.arange(prompts) < held, 10.0, 0.0)
    weights = prompt_weights([f"q{number}" for number in range(prompts)], 40_000, 1)
    unseen = unseen_prompt(1, 40_000, np.random.default_rng(1))
    means = 10 - lost_time(tally(frames, frames < 10), 10, weights, unseen)
    limits = interval(10 * held / prompts, means, 10**9)
    low, high = stats.beta.ppf([0.025, 0.975], held + 0.5, prompts - held + 0.5)
    assert limits.low == pytest.approx(10 * low if held else 0, abs=0.08)
    assert limits.high == pytest.approx(10 * high if held < prompts else 10, abs=0.08)


def test_an_interval_holds_its_value_and_the_middle_of_the_replicates() -> None:
    replicates = np.arange(1001) / 1000
    assert interval(0.5, replicates, 10**9) == pytest.approx((0.5, 0.025, 0.975))
    assert interval(0.5, replicates, 10**9, 0.9) == pytest.approx((0.5, 0.05, 0.95))
    assert interval(2.0, replicates, 9).high == 2
    assert interval(-1.0, replicates, 9).low == -1


def test_an_interval_is_expanded_for_few_prompts() -> None:
    replicates = np.arange(10_001) / 10_000
    # 10 prompts: Phi(-1.95996 x sqrt(10 / 9)) = Phi(-2.06598) = 0.01942
    assert interval(0.5, replicates, 10) == pytest.approx((0.5, 0.01942, 0.98058), abs=1e-4)
    with pytest.raises(ValueError, match="at least two prompts"):
        interval(0.5, replicates, 1)


# ---- tests -------------------------------------------------------------------------------------------------------


def test_few_prompts_are_flipped_in_every_way() -> None:
    flips = sign_flips(3, 10_000, np.random.default_rng(0))
    assert flips.shape == (8, 3)
    assert len({tuple(row) for row in flips.tolist()}) == 8
    assert not flips[0].any()


def test_many_prompts_are_flipped_at_random_the_first_time_not() -> None:
    flips = sign_flips(30, 500, np.random.default_rng(0))
    assert flips.shape == (500, 30)
    assert not flips[0].any()
    assert flips.mean() == pytest.approx(0.5, abs=0.02)


def test_p_of_sign_flips_by_hand() -> None:
    # Gains 1, 2 and 4: of the 8 sums +-1 +-2 +-4 only 7 and -7 are as far from 0 as 7.
    signs = 1 - 2.0 * sign_flips(3, 8, np.random.default_rng(0))
    assert flip_p_value(signs @ np.array([1.0, 2, 4])) == 2 / 8
    assert flip_p_value(signs @ np.array([1.0, 2, -4])) == 1  # -1 is the least that three can give
    assert flip_p_value(signs @ np.zeros(3)) == 1


def test_holm_by_hand() -> None:
    # Sorted .005, .01, .03, .04 times 4, 3, 2, 1: .02, .03, .06, .04, and none below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.9]) == [1, 1]
    assert holm([]) == []


# ---- the ordinary bootstrap -----------------------------------------------------------------------------------------


def test_whole_prompts_are_drawn() -> None:
    prompts = ["b", "a", "a", "c", "b", "a"]
    weights = cluster_weights(prompts, 500, np.random.default_rng(0))
    assert weights.shape == (500, 6)
    assert (weights[:, [1, 2]] == weights[:, [5]]).all()  # all of prompt a
    assert (weights[:, 0] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()  # as many prompts as there are, however many clips each has
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)


def test_the_same_seed_draws_the_same_prompts() -> None:
    one, two = (cluster_weights("abc", 20, np.random.default_rng(5)) for _ in range(2))
    assert (one == two).all()


def test_percentile_interval_is_expanded_for_few_prompts() -> None:
    replicates = np.arange(10_001) / 10_000  # the q-quantile is q
    # 20 prompts: Phi(sqrt(20 / 19) x t(0.025, 19)) = Phi(1.02598 x -2.09302) = Phi(-2.14740) = 0.01588
    assert percentile_interval(0.5, replicates, 20) == pytest.approx((0.5, 0.01588, 0.98412), abs=1e-4)
    # 2 prompts: t(0.025, 1) = -12.7, so everything
    assert percentile_interval(0.5, replicates, 2) == pytest.approx((0.5, 0, 1), abs=1e-4)
    # 10 000 prompts: the plain percentiles
    assert percentile_interval(0.5, replicates, 10_000) == pytest.approx((0.5, 0.025, 0.975), abs=1e-4)


def test_an_interval_holds_its_value() -> None:
    assert percentile_interval(2.0, np.array([0.0, 1.0]), 5).high == 2.0
    assert percentile_interval(-1.0, np.array([0.0, 1.0]), 5).low == -1.0


def test_one_prompt_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two prompts"):
        percentile_interval(1.0, np.ones(3), 1)


def test_drawing_prompts_covers_and_drawing_clips_does_not() -> None:
    """20 prompts x 3 seeds whose holds agree within a prompt: 95% intervals of frames held to 40.

    tools/simulate_coverage.py is the same over a grid, with more repetitions.
    """
    rng, horizon, repetitions = np.random.default_rng(11), 40.0, 150

    def draw(prompts: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        log = rng.normal(0, 0.7, (prompts, 1)) + rng.normal(0, 0.3, (prompts, 3))
        held = np.floor(15 * np.exp(log)).ravel()
        return np.minimum(held, 48), held < 48

    truth = restricted_mean(*draw(20_000), horizon)
    prompts, clips = np.repeat(np.arange(20), 3), np.arange(60)
    covered = {"ours": 0, "prompts": 0, "clips": 0}
    for _ in range(repetitions):
        held, broke = draw(20)
        value = restricted_mean(held, broke, horizon)
        unseen = unseen_prompt(unseen_clips(held, prompts), 300, rng)
        counts = tally(held, broke, prompts, 20)
        means = horizon - lost_time(counts, horizon, rng.standard_exponential((300, 20)), unseen)
        ours = interval(value, means, 20)
        covered["ours"] += ours.low <= truth <= ours.high
        for name, clusters, count in (("prompts", prompts, 20), ("clips", clips, 60)):
            means = restricted_means(held, broke, horizon, cluster_weights(clusters.tolist(), 300, rng))
            limits = percentile_interval(value, means, count)
            covered[name] += limits.low <= truth <= limits.high
    assert 0.90 <= covered["ours"] / repetitions <= 0.99
    assert 0.88 <= covered["prompts"] / repetitions <= 0.99
    assert covered["clips"] / repetitions < 0.85
