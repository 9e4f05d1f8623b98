"""Survival: worked by hand, equal to scipy where scipy has it, and intervals that cover what they promise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.survival import (
    Unseen,
    frames_lost_by_cause,
    incidence_by_cause,
    kaplan_meier,
    log_rank,
    lost_time,
    restricted_mean,
    restricted_mean_variance,
    restricted_means,
    share_interval,
    steps,
    tally,
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


# ---- references --------------------------------------------------------------------------------------------------

# Freireich et al. 1963, 6-MP arm, weeks in remission: Klein & Moeschberger 2003, examples 4.1 and 4.1 continued.
RELAPSED = [6.0, 6, 6, 7, 10, 13, 16, 22, 23]
IN_REMISSION = [6.0, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
# Thirty clips, whole frames with ties, drawn once; what lifelines 0.30.3 says of them, its censored clips half a frame
# earlier because it takes a clip censored at a time to be at risk at it.
THIRTY = [9, 11, 2, 2, 6, 7, 10, 5, 1, 3, 6, 5, 11, 6, 8, 8, 2, 9, 1, 1, 8, 4, 5, 8, 2, 2, 9, 12, 9, 10]
THIRTY_BROKE = [k == "1" for k in "111111111001110101100111101101"]
OTHERS = [8, 3, 1, 2, 8, 3, 1, 5, 1, 5, 5, 6, 1, 4, 5, 7, 1, 3, 4, 5, 7, 5, 7, 1, 3]
OTHERS_BROKE = [k == "1" for k in "1111110111111011011111111"]
# Twenty clips, each with a frame of its own (lifelines shifts ties at random), cause 1 or 2, 0 unbroken.
TWENTY = [4, 3, 17, 7, 6, 13, 5, 2, 11, 14, 20, 8, 12, 10, 16, 1, 9, 18, 19, 15]
TWENTY_CAUSES = [1, 1, 0, 0, 2, 0, 2, 2, 1, 2, 1, 1, 2, 0, 0, 1, 2, 1, 1, 1]


def remission() -> tuple[list[float], list[bool]]:
    """There a patient censored at a time is at risk at it; here that is a moment later."""
    held = RELAPSED + [week + 1e-9 for week in IN_REMISSION]
    return held, [True] * len(RELAPSED) + [False] * len(IN_REMISSION)


def test_the_textbook_s_curve() -> None:
    curve = kaplan_meier(*remission())
    assert curve.times.tolist() == [0, 6, 7, 10, 13, 16, 22, 23]
    assert curve.survival[1:] == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)


def test_the_textbook_s_restricted_mean_and_its_standard_error() -> None:
    held, broke = remission()
    assert restricted_mean(held, broke, 35) == pytest.approx(23.29, abs=0.005)
    assert restricted_mean_variance(held, broke, 35) ** 0.5 == pytest.approx(2.83, abs=0.005)


def test_equal_to_lifelines() -> None:
    curve = kaplan_meier(THIRTY, THIRTY_BROKE)
    at = {time: index for index, time in enumerate(curve.times.tolist())}
    assert curve.survival[[at[4], at[8]]] == pytest.approx([0.7802955665024632, 0.4409113300492613])
    assert curve.low[[at[4], at[8]]] == pytest.approx([0.574044113929726, 0.24003335359433328])
    assert curve.high[[at[4], at[8]]] == pytest.approx([0.8950443904037556, 0.6250300141667557])
    assert restricted_mean(THIRTY, THIRTY_BROKE, 10) == pytest.approx(6.848919334975371)


def test_causes_equal_to_lifelines() -> None:
    causes = [f"cause {cause}" if cause else None for cause in TWENTY_CAUSES]
    broke = [cause is not None for cause in causes]
    for frame, one, two in (
        (5, 0.15, 0.1),
        (12, 0.2630769230769231, 0.2630769230769231),
        (19, 0.5564102564102562, 0.33076923076923076),
    ):
        shares = incidence_by_cause(TWENTY, broke, causes, frame + 0.5)
        assert shares == pytest.approx({"cause 1": one, "cause 2": two})


def test_the_log_rank_test_equal_to_lifelines() -> None:
    names = [f"p{number}" for number in range(55)]
    p = log_rank((THIRTY, THIRTY_BROKE), (OTHERS, OTHERS_BROKE), (names[:30], names[30:]))
    assert p == pytest.approx(0.00043554329978105153)


@pytest.mark.parametrize("second", [["p0", "p9"], ["p8", "p8"]])
def test_no_log_rank_test_over_clips_that_share_a_prompt(second: list[str]) -> None:
    with pytest.raises(ValueError, match="different prompts"):
        log_rank(([1, 2], [True, True]), ([3, 4], [True, True]), (["p0", "p1"], second))


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


def test_the_variance_without_censoring_is_that_of_a_mean() -> None:
    held, _ = some_clips(3)
    # Greenwood's sum is then the plug-in variance over n, whatever the horizon.
    for horizon in (4, 8, 20):
        plain = np.minimum(held, horizon).var() / held.size
        assert restricted_mean_variance(held, [True] * held.size, horizon) == pytest.approx(plain)


def test_nothing_broken_has_no_variance() -> None:
    assert restricted_mean_variance([4, 4], [False, False], 4) == 0


def test_the_variance_is_what_repetition_shows() -> None:
    rng, values, variances = np.random.default_rng(2), [], []
    for _ in range(2000):
        lasted, ends = rng.exponential(8, 60), rng.uniform(2, 16, 60)
        held, broke = np.minimum(lasted, ends), lasted < ends
        values.append(restricted_mean(held, broke, 10))
        variances.append(restricted_mean_variance(held, broke, 10))
    assert np.mean(variances) == pytest.approx(np.var(values), rel=0.08)


# ---- tallies -----------------------------------------------------------------------------------------------------


def test_a_tally_by_hand() -> None:
    # Prompt 0 has clips broken at 1 and 2, prompt 1 broken at 2 and unbroken to 3, prompt 2 broken at 4, unbroken to 5.
    held, broke = np.array([1.0, 2, 2, 3, 4, 5]), np.array([True, True, True, False, True, False])
    counts = tally(held, broke, np.array([0, 0, 1, 1, 2, 2]), 3)
    assert counts.times.tolist() == [0, 1, 2, 4]
    assert counts.breaks.tolist() == [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert counts.at_risk.tolist() == [[2, 2, 1, 0], [2, 2, 2, 0], [2, 2, 2, 2]]


def test_weights_of_prompts_are_weights_of_their_clips() -> None:
    held, broke = some_clips(4)
    prompt = np.arange(held.size) // 4
    weights = np.random.default_rng(0).random((20, 10))
    by_prompt = 8 - lost_time(tally(held, broke, prompt, 10), 8, weights)
    assert by_prompt == pytest.approx(restricted_means(held, broke, 8, weights[:, prompt]))


def test_unseen_clips_are_clips_that_break_at_once_and_clips_that_never_do() -> None:
    held, broke = some_clips(5)
    two, three = np.full(7, 2.0), np.full(7, 3.0)
    more = 9 - lost_time(tally(held, broke), 9, np.ones((7, held.size)), Unseen(two, three))
    longer = np.r_[held, [0.0] * 2, [99.0] * 3]
    assert more == pytest.approx(restricted_mean(longer, np.r_[broke, [True] * 2, [False] * 3], 9))


def test_unseen_clips_where_nothing_broke() -> None:
    counts = tally(np.array([4.0, 4.0]), np.array([False, False]))
    lost = lost_time(counts, 4, np.ones((1, 2)), Unseen(np.array([1.0]), np.array([1.0])))
    assert lost.tolist() == [1.0]  # one of four clips breaks at once


def test_a_group_without_a_clip_counts_nothing() -> None:
    counts = tally(np.array([2.0]), np.array([True]), np.array([2]), 4)
    assert counts.at_risk.sum(axis=1).tolist() == [0, 0, 2, 0]
    assert steps(counts, np.array([[1.0, 1, 0, 1]])).after.tolist() == [[1, 1]]


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


@pytest.mark.parametrize("horizon", [1, 3, 7, 99])
def test_what_causes_cost_and_what_was_held_add_up_to_the_horizon(horizon: float) -> None:
    held, broke = some_clips(6)
    names = np.random.default_rng(6).choice(["flow", "freeze", "static"], len(held))
    lost = frames_lost_by_cause(held, broke, [str(name) for name in names], horizon)
    assert sum(lost.values()) + restricted_mean(held, broke, horizon) == pytest.approx(horizon)


def test_what_causes_cost_by_hand() -> None:
    # Shares as above, each times the frames from its break to the horizon of 5: flow 1/6 x 4 + 1/6 x 3.
    causes = ["flow", "flow", "freeze", None, "freeze", None]
    assert frames_lost_by_cause(HELD, BROKE, causes, 5) == pytest.approx(
        {"flow": 4 / 6 + 3 / 6, "freeze": 3 / 6 + 1 / 4}
    )


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
