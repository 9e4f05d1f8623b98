"""Calibration: the rank, the detectors by hand, and real clips that alarm as often as was promised."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from bench.calibration import (
    INNER_FOLDS,
    OUTER_FOLDS,
    SMALLEST_SPREAD,
    STRANGE_TAIL,
    TAIL,
    Reads,
    Reference,
    at_level,
    conformal_rank,
    learn,
    least_sources,
    longest_length,
    own_level,
)
from bench.holds import evidence, find_hold, judge, motion, reading
from bench.records import Curve, Region
from tests.factory import curve

LEVEL, JUMP = Reads("flow", "level", 0.5), Reads("flow", "jump", 0.5)


def footage(source: str, rng: np.random.Generator, frames: int = 24) -> Reference:
    """A window whose residual wanders about a level of its own and grows with its motion, which has its own speed."""
    steps = frames - 1
    noise = rng.normal(0, 0.3, steps)
    wander = np.array([0.7 ** np.arange(step, -1, -1) @ noise[: step + 1] for step in range(steps)])
    speed = np.exp(rng.normal(0, 1))
    moved = speed * rng.gamma(9, 1 / 9, steps)
    values = np.exp(rng.normal(0, 0.3) + wander) * (0.5 + 0.2 * moved)
    curves = [curve("flow", values.tolist()), curve("displacement", moved.tolist())]
    curves.append(curve("subject_motion", (2 * moved).tolist()))
    return Reference(source, {each.signal: each for each in curves}, frames, 24.0)


def sources(count: int, seed: int, frames: int = 24) -> list[Reference]:
    rng = np.random.default_rng(seed)
    return [footage(f"source-{number}", rng, frames) for number in range(count)]


# ---- the rank ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "alpha", "rank"),
    [
        (19, 0.05, 19),  # ceil(20 x 0.95) = 19: the largest of 19
        (39, 0.05, 38),
        (40, 0.05, 39),  # ceil(41 x 0.95 = 38.95)
        (59, 0.05, 57),
        (99, 0.05, 95),
        (9, 0.1, 9),
        (3, 0.3, 3),  # ceil(4 x 0.7 = 2.8)
        (99, 0.01, 99),
        (48, 1 / 49, 48),  # 49 x 48/49, which floating point makes a little more than 48
        (1, 0.5, 1),
    ],
)
def test_the_threshold_has_rank_ceil_n_plus_1_times_1_minus_alpha(count: int, alpha: float, rank: int) -> None:
    assert conformal_rank(count, alpha) == rank
    # What that is for: of count + 1 scores in random order, the last is above the rank-th of the others this often.
    assert (count + 1 - rank) / (count + 1) <= alpha + 1e-9


@pytest.mark.parametrize(("count", "alpha", "need"), [(18, 0.05, 19), (8, 0.1, 9), (2, 0.3, 3), (0, 0.5, 1)])
def test_too_few_sources_have_no_threshold(count: int, alpha: float, need: int) -> None:
    with pytest.raises(ValueError, match=f"at least {need} sources for the threshold, got {count}"):
        conformal_rank(count, alpha)
    conformal_rank(need, alpha)


@pytest.mark.parametrize("alpha", [0.01, 1 / 49, 0.05, 0.1, 0.3, 0.5, 0.9])
def test_the_least_number_of_sources_suffices_and_one_less_does_not(alpha: float) -> None:
    least = least_sources(alpha)
    for count, enough in ((least, True), (least - 1, False)):
        biggest_fold = math.ceil(count / OUTER_FOLDS)  # is left out when the rule is checked on it
        needed = max(math.ceil(1 / alpha - 1e-9) - 1, 2)
        assert (count - biggest_fold >= needed) is enough


def test_learning_works_with_the_least_number_of_sources() -> None:
    rule = learn(sources(least_sources(0.3), 0), [LEVEL, JUMP], 24.0, 24, 0.3)
    assert (len(rule.scores), len(rule.reality)) == (4, 4)
    with pytest.raises(ValueError, match="needs at least"):
        learn(sources(least_sources(0.3) - 1, 0), [LEVEL], 24.0, 24, 0.3)


def test_the_longest_length_is_one_that_enough_sources_reach() -> None:
    assert longest_length([48, 12, 24, 96], 3) == 24
    assert longest_length([48, 12, 24, 96], 1) == 96
    assert longest_length([48], 1) == 48
    with pytest.raises(ValueError, match="at least 3 sources, got 2"):
        longest_length([9, 9], 3)


# ---- detectors by hand -------------------------------------------------------------------------------------------


def test_a_jump_detector_by_hand() -> None:
    """Every window the same: the rule is what all folds see."""
    logs = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1]
    values = [math.exp(log) - 0.5 for log in logs]
    windows = [
        Reference(name, {"flow": curve("flow", values), "displacement": curve("displacement", [1.0] * 11)}, 12, 24.0)
        for name in "abcdefgh"
    ]
    rule = learn(windows, [JUMP], 24.0, 12, 0.3)
    (jump,) = rule.detectors
    # Ten readings a window: eight 0, a 2 and a 1. Median 0; the 0.9-quantile lies at 0.9 x 79 = 71.1 of the 80 sorted:
    # 64 zeros, then 8 ones (64 to 71), then 8 twos (72 to 79): 1 + 0.1 x (2 - 1).
    assert jump.edges == ()
    assert jump.medians == (0.0,)
    assert jump.spreads == pytest.approx((1.1,))
    # The largest of each window is 2 / 1.1; so are nine tenths of them; that is the evidence 1.
    assert jump.tail == pytest.approx(2 / 1.1)
    assert rule.scores == pytest.approx([1.0] * 8)
    assert rule.threshold == pytest.approx(1.0)
    assert not any(real.broke for real in rule.reality)


def test_a_level_is_standardised_in_four_equally_filled_bins_of_motion() -> None:
    windows = sources(40, 3)
    (level,) = learn(windows, [LEVEL], 24.0, 24, 0.1).detectors
    moved = np.concatenate([window.curves["displacement"].values for window in windows])
    logs = np.concatenate([reading(window.curves["flow"], 24, "level", 0.5)[1:] for window in windows])
    assert level.edges == pytest.approx(np.quantile(moved, [0.25, 0.5, 0.75]))
    for number, (low, high) in enumerate(pairwise((0.0, *level.edges, math.inf))):
        inside = logs[(moved >= low) & (moved < high)]
        assert level.medians[number] == pytest.approx(np.quantile(inside, 0.5))
        assert level.spreads[number] == pytest.approx(np.quantile(inside, 0.9) - np.quantile(inside, 0.5))
    assert level.medians[3] > level.medians[0] + 0.3  # what moves more has more residual, and is not blamed for it
    largest = [evidence(window.curves, 24, [level]).largest for window in windows]
    assert np.quantile(largest, 0.9) == pytest.approx(1.0)  # a tenth of the clips go beyond the tail


@pytest.mark.parametrize("tail", [TAIL, STRANGE_TAIL])
def test_a_strange_reading_is_scaled_by_the_clips_that_are_strange(tail: float) -> None:
    windows = sources(40, 3)
    (level,) = learn(windows, [replace(LEVEL, tail=tail)], 24.0, 24, 0.1).detectors
    largest = [evidence(window.curves, 24, [level]).largest for window in windows]
    assert np.quantile(largest, tail) == pytest.approx(1.0)


def test_a_reading_that_hardly_varies_is_not_blown_up() -> None:
    windows = sources(12, 0)
    calm = [
        replace(window, curves={**window.curves, "flow": curve("flow", [1.0] * 22 + [1.001])}) for window in windows
    ]
    (level,) = learn(calm, [LEVEL], 24.0, 24, 0.3).detectors
    assert level.spreads == (SMALLEST_SPREAD,) * 4
    assert level.tail == 1.0


def test_footage_in_which_nothing_ever_changes_gives_no_rule() -> None:
    still = [Reference(name, {"flow": Curve("flow", (), ())}, 24, 24.0) for name in "abcdefgh"]
    with pytest.raises(ValueError, match="no clip gives a reading of flow"):
        learn(still, [LEVEL], 24.0, 24, 0.3)
    steady = [Reference(name, {"flow": curve("flow", [1.0] * 23)}, 24, 24.0) for name in "abcdefgh"]
    with pytest.raises(ValueError, match="does anything move"):
        learn(steady, [LEVEL], 24.0, 24, 0.3)


# ---- windows -----------------------------------------------------------------------------------------------------


def test_a_shorter_window_is_what_would_have_been_measured() -> None:
    regions = tuple(Region(0.1 * frame, 0, 0.1, 0.1) for frame in (2, 4, 6))
    window = Reference("a", {"flow": Curve("flow", (2, 4, 6), (1.0, 2.0, 3.0), regions)}, 8, 24.0)
    short = window.first(5)  # frames 0 to 4
    assert short.curves["flow"] == Curve("flow", (2, 4), (1.0, 2.0), regions[:2])
    assert short.frames == 5
    assert window.first(8) is window.first(9) is window


def test_its_own_motion_is_measured_like_that_of_a_clip() -> None:
    (window,) = sources(1, 0)
    rule = learn(sources(8, 1), [LEVEL], 24.0, 24, 0.3)
    assert window.motion == judge(window.curves, window.frames, window.fps, "none", [rule]).motion
    assert window.motion == motion(window.curves, 23 / 24)


def test_a_clip_stiller_than_all_but_alpha_of_real_footage_is_static() -> None:
    windows = sources(39, 5)
    rule = learn(windows, [LEVEL], 24.0, 24, 0.1)
    subjects = sorted(window.motion.subject for window in windows)
    # floor(40 x 0.1) = 4: a new real clip is stiller than the fourth of 39 in 4 of 40 cases
    assert rule.still_subject == subjects[3]
    assert rule.still_picture == sorted(window.motion.picture for window in windows)[3]


def test_stillness_is_ranked_rightly_where_floating_point_is_a_little_short() -> None:
    windows = sources(46, 5)
    assert 47 * (3 / 47) < 3
    rule = learn(windows, [LEVEL], 24.0, 24, 3 / 47)
    assert rule.still_subject == sorted(window.motion.subject for window in windows)[2]


# ---- what the order and the splitting may not do -----------------------------------------------------------------


def unlinked_by(window: Reference, share: float) -> Reference:
    added = {"unmatched": curve("unmatched", [share] * 23), "going_back": curve("going_back", [0.3] * 23)}
    return replace(window, curves={**window.curves, **added})


def test_frames_have_no_link_halfway_by_ratio_beyond_the_least_linked_real_clip() -> None:
    shares = np.linspace(0.01, 0.36, 12)
    windows = [unlinked_by(window, float(share)) for window, share in zip(sources(12, 0), shares, strict=True)]
    assert learn(windows, [LEVEL], 24.0, 24, 0.3).unlinked == pytest.approx(0.6)
    assert learn(sources(12, 0), [LEVEL], 24.0, 24, 0.3).unlinked == 1.0
    linked = [unlinked_by(window, 0.0) for window in windows]
    assert learn(linked, [LEVEL], 24.0, 24, 0.3).unlinked == pytest.approx(math.sqrt(0.02))
    apart = unlinked_by(windows[-1], 0.99)
    alarms = {real.source: real.broke for real in learn([*windows[:-1], apart], [LEVEL], 24.0, 24, 0.3).reality}
    assert alarms[apart.source]  # by the rule of the others


def test_scores_do_not_depend_on_the_order_of_the_sources() -> None:
    windows = sources(30, 7)
    shuffled = [windows[index] for index in np.random.default_rng(0).permutation(30)]
    assert learn(shuffled, [LEVEL, JUMP], 24.0, 24, 0.1) == learn(windows, [LEVEL, JUMP], 24.0, 24, 0.1)


def test_windows_of_one_source_count_once_and_are_never_split() -> None:
    """A source whose windows were on both sides would know itself: the copies would hide how strange it is."""
    windows = sources(30, 8)
    strange = replace(windows[3], curves={**windows[3].curves, "flow": curve("flow", [0.5] * 10 + [500.0] * 13)})
    windows[3] = strange
    again = [*windows, strange, strange]
    rule = learn(again, [LEVEL], 24.0, 24, 0.1)
    assert len(rule.scores) == len(rule.reality) == 30
    assert [real.source for real in rule.reality].count("source-3") == 1
    real = next(real for real in rule.reality if real.source == "source-3")
    assert real.broke
    # Its three windows reach the tail of detectors that have seen it; by the others it stands out more.
    assert rule.scores[-1] > evidence(strange.curves, 24, rule.detectors).largest > 1.0


def test_scores_and_checks_come_from_rules_that_have_not_seen_the_source() -> None:
    windows = sources(INNER_FOLDS * OUTER_FOLDS, 9)
    rule = learn(windows, [LEVEL], 24.0, 24, 0.1)
    in_sample = sorted(evidence(window.curves, 24, rule.detectors).largest for window in windows)
    assert rule.scores != tuple(in_sample)  # the others have another idea of what is usual
    assert list(rule.scores) == sorted(rule.scores)
    assert rule.threshold == rule.scores[conformal_rank(30, 0.1) - 1]


def test_windows_too_short_are_left_out_and_long_ones_cut() -> None:
    windows = [*sources(20, 4, frames=30), footage("short", np.random.default_rng(1), 20)]
    rule = learn(windows, [LEVEL], 24.0, 24, 0.3)
    assert rule == learn(sources(20, 4, frames=30), [LEVEL], 24.0, 24, 0.3)
    assert {real.frames for real in rule.reality} == {rule.frames} == {24}


# ---- another level ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 0.15, 0.3, 0.5])
def test_taken_to_another_level_a_rule_is_what_would_have_been_learnt_there(alpha: float) -> None:
    windows = sources(40, 5)
    strict, there = (learn(windows, [LEVEL, JUMP], 24.0, 24, level) for level in (0.1, alpha))
    moved = at_level(strict, alpha)
    assert (moved.threshold, moved.reality) == (there.threshold, there.reality)
    assert (
        replace(moved, threshold=strict.threshold, reality=strict.reality) == strict
    )  # detectors, scores, and what is still
    assert at_level(moved, 0.1) == strict
    assert 0 < sum(real.broke for real in moved.reality) <= 40 * alpha + 4


def test_what_was_not_kept_is_no_level() -> None:
    rule = learn(sources(30, 6), [LEVEL], 24.0, 24, 0.1)
    with pytest.raises(ValueError, match="needs at least 99 sources for the threshold, got 30"):
        at_level(rule, 0.01)
    lowest = max(real.at_levels[0][0] for real in rule.reality)
    with pytest.raises(ValueError, match=f"not kept \\(none below {lowest:.3g}\\)"):
        at_level(rule, lowest - 0.003)  # the rule has 30 sources, those who check it 25
    older = replace(rule, reality=tuple(replace(real, at_levels=()) for real in rule.reality))
    with pytest.raises(ValueError, match="not kept \\(none\\)"):
        at_level(older, 0.2)


# ---- the promise -------------------------------------------------------------------------------------------------


def test_new_real_sources_alarm_about_as_often_as_was_promised() -> None:
    """10 calibrations of 40 sources, each tried on 60 new ones: 10% of them, over all frames and both readings."""
    alpha, alarms, held_out, tried = 0.1, 0, 0, 0
    for repetition in range(10):
        rule = learn(sources(40, 100 + repetition), [LEVEL, Reads("displacement", "level", 0.1)], 24.0, 24, alpha)
        held_out += sum(real.broke for real in rule.reality)
        for window in sources(60, 1000 + repetition):
            table = evidence(window.curves, window.frames, rule.detectors)
            alarms += find_hold(window.curves, table, rule.threshold).broke
            tried += 1
    low, high = stats.binom.ppf([0.001, 0.999], tried, alpha) / tried
    slack = 0.03  # the thresholds themselves vary: sqrt(0.1 x 0.9 / 40 / 10) = 0.015
    assert low - slack <= alarms / tried <= high + slack
    assert 0.04 <= held_out / 400 <= 0.17


def test_every_prefix_keeps_the_promise() -> None:
    """A clip cut short alarms where the whole one did, or not at all: never more often."""
    rule = learn(sources(40, 2), [LEVEL, JUMP], 24.0, 24, 0.3)
    alarms = dict.fromkeys((6, 12, 18, 24), 0)
    for window in sources(60, 77):
        for length in alarms:
            cut = window.first(length)
            table = evidence(cut.curves, length, rule.detectors)
            alarms[length] += find_hold(cut.curves, table, rule.threshold).broke
    assert list(alarms.values()) == sorted(alarms.values())
    assert alarms[24] > alarms[6]


def test_a_break_far_beyond_real_footage_is_found_where_it_is() -> None:
    rule = learn(sources(40, 2), [LEVEL, JUMP], 24.0, 24, 0.1)
    found = 0
    for window in sources(20, 55):
        values = list(window.curves["flow"].values)
        values[14:] = [40.0 * value for value in values[14:]]  # frame 15 on
        curves = {**window.curves, "flow": curve("flow", values)}
        hold = find_hold(curves, evidence(curves, 24, rule.detectors), rule.threshold)
        found += hold.alarm_frame == 15 and hold.onset_frame in {13, 14, 15}
    assert found >= 17


def test_messages_say_how_much_is_missing() -> None:
    with pytest.raises(ValueError, match=re.escape("0.05 needs at least 19 sources for the threshold, got 12")):
        learn(sources(12, 0), [LEVEL], 24.0, 24, 0.05)


# ---- a threshold of its own --------------------------------------------------------------------------------------


def test_an_own_level_is_the_value_itself() -> None:
    own = own_level("alignment_loss", 0.05, 0.15)
    # log(0.15 + 0.05) above log(0.05): log 4
    assert own.threshold == pytest.approx(math.log(4))
    assert own.decides
    assert own.names
    for value, broke in ((-1.0, False), (0.1499, False), (0.1501, True), (0.9, True)):
        curves = {"alignment_loss": curve("alignment_loss", [0.0, value])}
        hold = find_hold(curves, evidence(curves, 3, [own]), math.inf)
        assert (hold.broke, hold.held_frames) == (broke, 2 if broke else 3)
    with pytest.raises(ValueError, match="above 0, got 0"):
        own_level("alignment_loss", 0.05, 0.0)
