"""Survival: worked by hand, equal to scipy where scipy has it, and intervals that cover what they promise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.survival import (
    cluster_weights,
    incidence_by_cause,
    kaplan_meier,
    percentile_interval,
    restricted_mean,
    restricted_means,
    share_interval,
)

# Six clips: at 1 one of 6 breaks, at 2 two of 5; one is watched to 3; at 4 one of 2 breaks; one is watched to 5.
HELD = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0]
BROKE = [True, True, True, False, True, False]


def some_clips(seed: int, clips: int = 40, longest: int = 12) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Whole numbers of frames with many ties, about a third of the clips unbroken."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, longest, clips).astype(float), rng.random(clips) < 0.65


# ---- the curve ---------------------------------------------------------------------------------------------------


def test_kaplan_meier_by_hand() -> None:
    curve = kaplan_meier(HELD, BROKE)
    assert curve.times.tolist() == [0, 1, 2, 4]
    # 1, then 5/6, then 5/6 x 3/5 = 1/2, then 1/2 x 1/2 = 1/4
    assert curve.survival == pytest.approx([1, 5 / 6, 1 / 2, 1 / 4])


def test_a_clip_seen_for_two_frames_says_nothing_of_a_break_at_frame_two() -> None:
    # Frames 0 and 1 were seen and were sound. Frame 2 was not: of the one clip that showed it, one broke.
    assert kaplan_meier([2, 2], [True, False]).survival.tolist() == [1, 0]
    # A break at frame 1 both could have shown.
    assert kaplan_meier([1, 2], [True, False]).survival.tolist() == [1, 0.5]


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scipys_curve(seed: int) -> None:
    held, broke = some_clips(seed)
    # scipy takes a clip censored at c to be at risk at c, here it is not: censor it half a frame earlier there.
    data = stats.CensoredData(uncensored=held[broke], right=held[~broke] - 0.5)
    reference = stats.ecdf(data).sf
    curve = kaplan_meier(held, broke)
    assert curve.survival[1:] == pytest.approx(reference.evaluate(curve.times[1:]))
    between = curve.times[1:] + 0.75
    steps = curve.survival[np.searchsorted(curve.times, between, side="right") - 1]
    assert steps == pytest.approx(reference.evaluate(between))


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")  # scipy, where nobody has broken yet
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_pointwise_interval_is_scipys_log_log_interval(level: float) -> None:
    held, broke = some_clips(1)
    held[:2], broke[:2] = 20.0, False  # some survive to the end
    reference = stats.ecdf(stats.CensoredData(uncensored=held[broke], right=held[~broke] - 0.5))
    limits = reference.sf.confidence_interval(level, method="log-log")
    curve = kaplan_meier(held, broke, level)
    inside = (curve.survival > 0) & (curve.survival < 1)
    assert inside.sum() > 5
    assert curve.low[inside] == pytest.approx(limits.low.evaluate(curve.times[inside]))
    assert curve.high[inside] == pytest.approx(limits.high.evaluate(curve.times[inside]))


def test_limits_lie_about_the_curve_and_within_0_and_1() -> None:
    for seed in range(5):
        curve = kaplan_meier(*some_clips(seed))
        assert (curve.low >= 0).all()
        assert (curve.low <= curve.survival + 1e-12).all()
        assert (curve.survival <= curve.high + 1e-12).all()
        assert (curve.high <= 1).all()
    assert (curve.low[0], curve.survival[0], curve.high[0]) == (1, 1, 1)


def test_where_nothing_is_left_the_upper_limit_stays_where_it_was() -> None:
    curve = kaplan_meier([1, 2, 3], [True, True, True])
    assert curve.survival[-1] == curve.low[-1] == 0
    assert curve.high[-1] == curve.high[-2] > 0
    assert kaplan_meier([3], [True]).high.tolist() == [1, 1]


def test_no_break_is_a_flat_curve() -> None:
    curve = kaplan_meier([4, 4], [False, False])
    assert (curve.times.tolist(), curve.survival.tolist()) == ([0], [1])
    assert (curve.low.tolist(), curve.high.tolist()) == ([1], [1])


# ---- restricted mean ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("horizon", "area"),
    [
        (5, 1 + 5 / 6 + 2 * 1 / 2 + 1 / 4),  # steps of width 1, 1, 2, 1
        (3, 1 + 5 / 6 + 1 / 2),
        (1.5, 1 + 0.5 * 5 / 6),
        (1, 1),
        (9, 1 + 5 / 6 + 2 * 1 / 2 + 5 / 4),  # the last step goes on
        (0, 0),
    ],
)
def test_restricted_mean_is_the_area_by_hand(horizon: float, area: float) -> None:
    assert restricted_mean(HELD, BROKE, horizon) == pytest.approx(area)


@pytest.mark.parametrize("horizon", [1, 5, 11, 20])
def test_without_censoring_it_is_the_mean_of_what_was_held_up_to_the_horizon(horizon: int) -> None:
    held, _ = some_clips(3)
    assert restricted_mean(held, [True] * len(held), horizon) == pytest.approx(np.minimum(held, horizon).mean())
    # Clips unbroken at the horizon or later are censored beyond what is asked: the same.
    broke = held < horizon
    assert restricted_mean(held, broke, horizon) == pytest.approx(np.minimum(held, horizon).mean())


def test_unbroken_clips_held_to_the_horizon() -> None:
    assert restricted_mean([6, 8], [False, False], 6) == 6


def test_censoring_counts_for_the_time_it_was_seen_and_no_more() -> None:
    # One clip of 2 frames, unbroken, beside two of 4 that break at 3: all sound before 3, and then none.
    assert restricted_mean([2, 3, 3], [False, True, True], 4) == 3
    # Taking the short one for broken would give (2 + 3 + 3) / 3.


def loop(held: Sequence[float], broke: Sequence[bool], horizon: float, weights: Sequence[float]) -> float:
    """Kaplan-Meier and its area, a clip at a time."""
    area, survival, before = 0.0, 1.0, 0.0
    for time in sorted({h for h, b in zip(held, broke, strict=True) if b}):
        area += survival * (min(time, horizon) - min(before, horizon))
        rows = list(zip(held, broke, weights, strict=True))
        at_risk = sum(w for h, b, w in rows if h > time or (h == time and b))
        events = sum(w for h, b, w in rows if h == time and b)
        survival *= 1 - events / at_risk if at_risk else 1
        before = time
    return area + survival * (horizon - min(before, horizon))


def test_many_at_once_equal_a_plain_loop() -> None:
    for seed in range(3):
        held, broke = some_clips(seed, clips=15, longest=8)
        rng = np.random.default_rng(seed)
        weights = rng.integers(0, 3, (30, 15)).astype(float)
        weights[0] = 0
        weights[0, np.flatnonzero(~broke)[0]] = 1  # a draw in which nothing breaks
        for horizon in (4.0, 7.0, 10.0):
            vectorised = restricted_means(held, broke, horizon, weights)
            looped = [loop(held.tolist(), broke.tolist(), horizon, row.tolist()) for row in weights]
            assert vectorised == pytest.approx(looped)


def test_a_weight_of_two_is_the_clip_twice() -> None:
    held, broke = np.array(HELD), np.array(BROKE)
    weights = np.array([2.0, 0, 1, 3, 1, 1])
    twice = np.repeat(np.arange(6), weights.astype(int))
    assert restricted_means(held, broke, 5, weights[None])[0] == pytest.approx(
        restricted_mean(held[twice], broke[twice], 5)
    )


# ---- shares and causes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 12), (12, 12), (3, 10), (47, 80)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_share_interval_is_clopper_and_pearsons(successes: int, trials: int, level: float) -> None:
    reference = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    interval = share_interval(successes, trials, level)
    assert interval.value == successes / trials
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high))


def test_a_share_held_by_all_of_one_clip_may_yet_be_almost_nothing() -> None:
    # P(1 of 1) = p, so the lower limit is p = 0.025.
    assert share_interval(1, 1) == pytest.approx((1, 0.025, 1))


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3), (0, 0)])
def test_a_share_that_cannot_be_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {trials}"):
        share_interval(successes, trials)


def test_causes_compete_by_hand() -> None:
    # At 1 (6 at risk) flow 1/6; at 2 (5 at risk, 5/6 left) flow and freeze 5/6 x 1/5 each; at 4 half of 1/2 by freeze.
    causes = ["flow", "flow", "freeze", None, "freeze", None]
    shares = incidence_by_cause(HELD, BROKE, causes, horizon=5)
    assert shares == pytest.approx({"flow": 1 / 6 + 1 / 6, "freeze": 1 / 6 + 1 / 4})
    assert incidence_by_cause(HELD, BROKE, causes, horizon=4) == pytest.approx({"flow": 1 / 3, "freeze": 1 / 6})


@pytest.mark.parametrize("seed", range(5))
def test_causes_add_up_to_what_the_curve_lost(seed: int) -> None:
    held, broke = some_clips(seed)
    names = np.random.default_rng(seed).choice(["flow", "freeze", "static"], len(held))
    causes = [str(name) if b else None for name, b in zip(names, broke, strict=True)]
    curve = kaplan_meier(held, broke)
    for horizon in (3, 6, 99):
        left = curve.survival[np.searchsorted(curve.times, horizon, side="left") - 1]  # just before the horizon
        assert sum(incidence_by_cause(held, broke, causes, horizon).values()) == pytest.approx(1 - left)


def test_no_break_has_no_cause() -> None:
    assert incidence_by_cause([3, 4], [False, False], [None, None], 4) == {}


def test_bad_input_is_refused_with_what_came() -> None:
    with pytest.raises(ValueError, match=r"got \(0,\) and \(0,\)"):
        kaplan_meier([], [])
    with pytest.raises(ValueError, match=r"got \(2,\) and \(1,\)"):
        restricted_mean([1, 2], [True], 3)
    with pytest.raises(ValueError, match=r"got \(1, 2\)"):
        kaplan_meier(np.ones((1, 2)), np.ones((1, 2), bool))
    for hold in (np.nan, np.inf, -1):
        with pytest.raises(ValueError, match="finite number"):
            restricted_mean([1, hold], [True, True], 3)
    with pytest.raises(ValueError, match="causes"):
        incidence_by_cause([1, 2], [True, True], ["flow"], 3)


# ---- the bootstrap -----------------------------------------------------------------------------------------------


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
    """20 prompts x 3 seeds whose holds agree within a prompt: 95% intervals of frames held to 40."""
    rng, horizon, repetitions = np.random.default_rng(11), 40.0, 300

    def draw(prompts: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        log = rng.normal(0, 0.7, (prompts, 1)) + rng.normal(0, 0.3, (prompts, 3))
        held = np.floor(15 * np.exp(log)).ravel()
        return np.minimum(held, 48), held < 48

    truth = restricted_mean(*draw(100_000), horizon)
    prompts, clips = np.repeat(np.arange(20), 3), np.arange(60)
    covered = {"prompts": 0, "clips": 0}
    for _ in range(repetitions):
        held, broke = draw(20)
        value = restricted_mean(held, broke, horizon)
        for name, clusters, count in (("prompts", prompts, 20), ("clips", clips, 60)):
            means = restricted_means(held, broke, horizon, cluster_weights(clusters.tolist(), 300, rng))
            interval = percentile_interval(value, means, count)
            covered[name] += interval.low <= truth <= interval.high
    assert 0.90 <= covered["prompts"] / repetitions <= 0.99
    assert covered["clips"] / repetitions < 0.85
