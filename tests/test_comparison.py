"""Comparisons: by hand, exact in their symmetries, and with verdicts that are wrong as seldom as they promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from bench.comparison import (
    Horizons,
    Sides,
    common_horizons,
    compare_categories,
    compare_causes,
    compare_means,
    compare_prompts,
    compare_values,
    stand_in,
)
from bench.records import Hold, RateClass
from bench.summary import Draws, Judged, draw_thresholds
from bench.survival import restricted_mean
from bench.verdict import Difference, Verdict, read_margin, sentence_of, verdict_of

FRAMES = 12


def clip(prompt: str, broke_at: int | None, **fields: object) -> Judged:
    """A clip of 12 frames at 24 a second."""
    hold = Hold(FRAMES, False) if broke_at is None else Hold(broke_at, True, cause="flow")
    plain = Judged(f"{prompt}-clip", "model", prompt, "any", FRAMES, 24.0, hold)
    return replace(plain, **fields)  # type: ignore[arg-type]


def side(breaks: Sequence[int | None], seeds: int = 1) -> list[Judged]:
    """A clip for each break, the first `seeds` of them of prompt p00, and so on."""
    return [clip(f"p{number // seeds:02}", broke_at) for number, broke_at in enumerate(breaks)]


def sides(baseline: Sequence[int | None], candidate: Sequence[int | None], seeds: int = 1) -> Sides:
    return Sides(side(baseline, seeds), side(candidate, seeds))


# ---- the difference ----------------------------------------------------------------------------------------------


def test_the_difference_is_of_the_means_by_hand() -> None:
    found = compare_means(sides([None, 6, 3, None], [6, 6, 1, None]), FRAMES)
    assert (found.baseline, found.candidate) == ((12 + 6 + 3 + 12) / 4, (6 + 6 + 1 + 12) / 4)
    assert found.value == pytest.approx(-2)
    assert (found.prompts, found.pairs) == (4, 4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < -2 < found.high


def test_in_seconds_a_frame_lasts_what_its_clip_says() -> None:
    slow = [replace(each, fps=12.0) for each in side([6, 6])]
    found = compare_means(Sides(side([6, 6]), slow), 1.0, "seconds")
    assert (found.baseline, found.candidate) == (0.25, 0.5)


def test_clips_that_ended_early_are_censored_and_not_broken() -> None:
    short = [replace(each, frames=8, hold=Hold(8, False)) for each in side([None, None])]
    found = compare_means(Sides(side([6, None, 9, 10]), [*short, *side([None] * 4)[2:]]), FRAMES)
    assert found.candidate == 12  # nothing broke: to treat the short clips as broken at 8 would make it 10
    assert found.baseline == restricted_mean([6, 12, 9, 10], [True, False, True, True], FRAMES)


def test_each_side_s_curve_is_its_own_kaplan_meier_curve() -> None:
    ended = replace(clip("p00", None), frames=5, hold=Hold(5, False))
    candidate = [ended, *side([9, 3, None, 6, 10])[1:]]
    found = compare_means(Sides(side([9, 3, None, 6, 10]), candidate), FRAMES)
    assert found.candidate == pytest.approx(
        restricted_mean([5, 3, 12, 6, 10], [False, True, False, True, True], FRAMES)
    )


def test_a_against_b_is_b_against_a_turned_round() -> None:
    one, other = side([None, 6, 3, 9, 2, 7, 8, None], 2), side([6, None, 1, None, 5, 5, 3, 3], 2)
    there, back = compare_means(Sides(one, other), FRAMES), compare_means(Sides(other, one), FRAMES)
    assert there.value == -back.value
    assert there.p == back.p
    # The unseen clips belong to the baseline and the candidate, so limits turn round up to the noise of drawing.
    assert there.low == pytest.approx(-back.high, abs=0.5)  # type: ignore[operator]
    assert there.high == pytest.approx(-back.low, abs=0.5)  # type: ignore[operator]


def test_pairs_that_vary_together_are_told_apart_sooner() -> None:
    breaks = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11] * 3
    paired = compare_means(sides(breaks, [frame - 1 for frame in breaks]), FRAMES)
    shuffled = compare_means(sides(breaks, [frame - 1 for frame in breaks[::-1]]), FRAMES)
    assert paired.value == pytest.approx(shuffled.value)
    assert width(paired) < 0.6 * width(shuffled)
    assert paired.p is not None
    assert shuffled.p is not None
    assert paired.p < 0.001
    assert shuffled.p > 0.2


def test_clips_of_one_prompt_count_as_one_prompt() -> None:
    """Ten seeds that all say the same are one thing said ten times."""
    once = compare_means(sides([6, 9, None, 3], [3, 9, None, 3]), FRAMES)
    often = [frame for frame in (6, 9, None, 3) for _ in range(10)]
    worse = [frame for frame in (3, 9, None, 3) for _ in range(10)]
    again = compare_means(sides(often, worse, seeds=10), FRAMES)
    assert again.value == pytest.approx(once.value)
    assert again.p == once.p
    assert width(again) == pytest.approx(width(once), rel=0.05)


def test_one_prompt_gives_a_difference_and_no_interval() -> None:
    found = compare_means(sides([6, 9], [3, 9], seeds=2), FRAMES)
    assert (found.value, found.low, found.high, found.p) == (-1.5, None, None, None)
    assert verdict_of(found, 100) == "inconclusive"


def test_equal_holds_of_few_prompts_prove_little_and_of_many_more() -> None:
    few, many = compare_means(sides([None] * 5, [None] * 5), FRAMES), compare_means(sides([6] * 80, [6] * 80), FRAMES)
    assert few.value == many.value == 0
    assert verdict_of(few, 0.05 * FRAMES) == "inconclusive"
    assert verdict_of(many, 0.05 * FRAMES) == "pass"
    assert few.p == many.p == 1


def width(difference: Difference) -> float:
    return difference.high - difference.low  # type: ignore[operator]


def test_p_is_exact_for_few_prompts() -> None:
    # All four prompts lose: of the 16 ways to change sides only none and all do as much.
    assert compare_means(sides([9, 9, 9, 9], [5, 6, 7, 8]), FRAMES).p == 2 / 16


def test_p_of_every_flip_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    one, other = (rng.integers(1, 12, 6) for _ in range(2))
    ends = rng.random((2, 6)) < 0.6
    left, right = ([clip(f"p{k}", int(h) if b else None) for k, (h, b) in enumerate(zip(held, broke, strict=True))]
                   for held, broke in zip((one, other), ends, strict=True))  # fmt: skip
    found = compare_means(Sides(left, right), FRAMES)
    differences = []
    for flips in product([False, True], repeat=6):
        pairs = [pair[::-1] if flip else pair for flip, pair in zip(flips, zip(left, right, strict=True), strict=True)]
        differences.append(mean([other for _, other in pairs]) - mean([each for each, _ in pairs]))
    assert found.p == np.mean(np.abs(differences) >= abs(found.value) - 1e-9)


def mean(clips: Sequence[Judged]) -> float:
    return restricted_mean([each.hold.held_frames for each in clips], [each.hold.broke for each in clips], FRAMES)


# ---- the calibration drawn again ---------------------------------------------------------------------------------


def doubtful_draws() -> Draws:
    scores = (1.0,) * 35 + (2.0, 2.0, 2.0, 4.0)
    return draw_thresholds([RateClass(24.0, 48, (), scores, 2.0, 0.0, 0.0)], 0.05)


def seen_or_not(prompt: str, broke_at: int, draws: Draws) -> Judged:
    """A break that a threshold of 4 does not see."""
    redrawn = tuple((broke_at, True) if threshold < 3 else (FRAMES, False) for threshold in draws.thresholds[0])
    return replace(clip(prompt, broke_at), redrawn=redrawn)


def test_a_threshold_that_could_have_been_another_widens_the_interval() -> None:
    draws = doubtful_draws()
    baseline = [seen_or_not(f"p{number}", 9, draws) for number in range(20)]
    candidate = [seen_or_not(f"p{number}", 4, draws) for number in range(20)]
    known = compare_means(Sides(baseline, candidate), FRAMES)
    drawn = compare_means(Sides(baseline, candidate, (draws, draws)), FRAMES)
    assert known.value == drawn.value == -5
    assert known.high < -2  # type: ignore[operator]
    assert drawn.high > -1  # type: ignore[operator]  # in some draws nothing broke, and nothing differs


def test_one_rule_for_both_cancels_where_both_lose_by_it() -> None:
    draws = doubtful_draws()
    baseline = [seen_or_not(f"p{number}", 6, draws) for number in range(20)]
    together = compare_means(Sides(baseline, baseline, (draws, draws)), FRAMES)
    apart = replace(draws, chosen=np.roll(draws.chosen, 1, axis=1))
    separately = compare_means(Sides(baseline, baseline, (draws, apart)), FRAMES)
    assert width(together) < 3
    assert width(separately) > 10  # two calibrations of their own: one may see every break and the other none


# ---- parts -------------------------------------------------------------------------------------------------------


def test_categories_are_compared_apart_and_tested_together() -> None:
    baseline, candidate = side([9] * 12), side([3] * 6 + [9] * 6)
    category = ["people"] * 6 + ["water"] * 6
    named = [
        [replace(each, category=name) for each, name in zip(one, category, strict=True)]
        for one in (baseline, candidate)
    ]
    found = compare_categories(Sides(named[0], named[1]), FRAMES, "frames")
    assert list(found) == ["people", "water"]
    assert (found["people"].value, found["water"].value) == (-6, 0)
    assert found["people"].p == 2 / 64
    assert found["people"].p_holm == 4 / 64  # of two


def test_what_causes_cost_adds_up_to_the_difference() -> None:
    rng = np.random.default_rng(3)
    both = []
    for _ in range(2):
        clips = side([int(frame) for frame in rng.integers(1, 11, 24)], 2)
        causes = rng.choice(["flow", "freeze"], 24)
        both.append(
            [
                replace(each, hold=replace(each.hold, cause=str(cause)))
                for each, cause in zip(clips, causes, strict=True)
            ]
        )
    pairs = Sides(both[0], both[1])
    found = compare_causes(pairs, FRAMES, "frames")
    assert list(found) == ["flow", "freeze"]
    assert sum(each.value for each in found.values()) == pytest.approx(-compare_means(pairs, FRAMES).value)
    assert all(each.low <= each.value <= each.high for each in found.values())  # type: ignore[operator]
    assert all(each.p_holm >= each.p for each in found.values())  # type: ignore[operator]


def test_a_cause_that_only_the_candidate_has() -> None:
    found = compare_causes(sides([None] * 10, [4] * 10), FRAMES, "frames")
    assert (found["flow"].baseline, found["flow"].candidate) == (0, 8)
    assert found["flow"].p == 2 / 1024


def test_prompts_are_listed_worst_first() -> None:
    found = compare_prompts(sides([9, 9, 9, 9, None, None], [9, 3, 9, 8, None, 11], seeds=2), FRAMES, "frames")
    assert [(each.prompt_id, each.value) for each in found] == [("p00", -3), ("p01", -0.5), ("p02", -0.5)]
    assert {each.pairs for each in found} == {2}


def test_a_metric_is_compared_pair_by_pair() -> None:
    found = compare_values(["a", "a", "b", "c", "d"], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6.5])
    assert (found.baseline, found.candidate, found.value) == pytest.approx((3, 4.1, 1.1))
    assert found.p == 2 / 16
    assert found.low <= 1.1 <= found.high  # type: ignore[operator]


def test_a_metric_of_one_prompt_has_no_interval() -> None:
    found = compare_values(["a", "a"], [1, 2], [2, 4])
    assert (found.value, found.low, found.p) == (1.5, None, None)


# ---- lengths and missing clips -----------------------------------------------------------------------------------


def test_the_horizon_is_the_shorter_model_s_length() -> None:
    long = [replace(each, frames=48, fps=48.0) for each in side([None, None, None])]
    assert common_horizons(Sides(side([None] * 3), long)) == (12, 0.5)
    longer = [replace(each, frames=48, fps=24.0) for each in side([None, None, None])]
    assert common_horizons(Sides(side([None] * 3), longer), asked=40) == (12, 0.5)
    assert common_horizons(Sides(side([None] * 3), longer), asked=8) == (8, 8 * (1 / 24))


def test_a_stand_in_holds_to_the_horizon_or_breaks_at_once() -> None:
    there = clip("p00", 4)
    horizons = Horizons(FRAMES, FRAMES / 24)
    best, worst = stand_in(there, True, horizons), stand_in(there, False, horizons)
    assert (best.hold.held_frames, best.hold.broke) == (12, False)
    assert (worst.hold.held_frames, worst.hold.broke) == (0, True)
    assert best.prompt_id == worst.prompt_id == "p00"
    slow = replace(there, fps=48.0)  # a second of it is 48 frames, whatever its partner's horizon in frames
    assert stand_in(slow, True, Horizons(FRAMES, 1.0)).hold.held_frames == 48


def test_a_side_without_a_clip_sets_no_horizon() -> None:
    assert common_horizons(Sides(side([None] * 3), [])) == (12, 0.5)
    assert common_horizons(Sides([], side([None] * 3)), asked=5) == (5, 5 * (1 / 24))


def test_a_horizon_in_frames_cuts_the_seconds_to_what_it_lasts_for_either_model() -> None:
    """6 frames are 1/4 s at 24 a second and 1/8 s at 48: beyond 1/8 s the faster model would count past its 6th."""
    fast = [replace(each, frames=24, fps=48.0) for each in side([None, None, None])]
    assert common_horizons(Sides(side([None] * 3), fast), asked=6) == (6, 0.125)
    slow = [replace(each, fps=8.0) for each in side([None, None, None])]
    assert common_horizons(Sides(side([None] * 3), slow), asked=6) == (6, 0.25)


# ---- verdicts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-1.9, 3.0, "pass"),
        (1.0, 3.0, "pass"),
        (-1.9, -0.5, "pass"),  # worse, but not by the margin
        (-2.0, 3.0, "inconclusive"),
        (-5.0, -1.0, "inconclusive"),  # worse, by how much is not settled
        (-5.0, -2.0, "inconclusive"),
        (-5.0, -2.1, "regression"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(low: float, high: float, verdict: Verdict) -> None:
    found = Difference(10, 9, -1, low, high, 0.5, 20, 20)
    assert verdict_of(found, 2) == verdict
    assert sentence_of(verdict, found, 2, "frames").startswith(f"{verdict}: ")


@pytest.mark.parametrize(("text", "margin"), [("5%", 2.4), ("0%", 0), ("2.5", 2.5), (" 10 % ", 4.8)])
def test_a_margin_is_a_share_of_the_horizon_or_a_number(text: str, margin: float) -> None:
    assert read_margin(text, 48) == pytest.approx(margin)


@pytest.mark.parametrize("text", ["", "%", "-1", "five", "nan", "inf", "5%%"])
def test_anything_else_is_no_margin(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_margin(text, 48)


@pytest.mark.slow
def test_verdicts_are_wrong_as_seldom_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """30 prompts x 2 seeds, 60 times each: A against A, one that is worse by the margin exactly, and by far."""
    monkeypatch.setattr("bench.comparison.FLIPS", 50)  # p is not looked at
    rng, margin, repetitions = np.random.default_rng(4), 1.0, 60
    counts: dict[float, dict[Verdict, int]] = {0.0: {}, 1.0: {}, 4.0: {}}
    for loss, found in counts.items():
        for _ in range(repetitions):
            common = rng.normal(0, 1.5, (30, 1))
            held = [np.rint(7.0 + common + rng.normal(0, 1.0, (30, 2)) - drop).ravel() for drop in (0.0, loss)]
            one, other = ([int(np.clip(each, 1, 11)) for each in frames] for frames in held)
            told = verdict_of(compare_means(sides(one, other, seeds=2), FRAMES), margin)
            found[told] = found.get(told, 0) + 1
    assert counts[0.0].get("regression", 0) == 0
    assert counts[1.0].get("regression", 0) <= 0.1 * repetitions
    assert counts[1.0].get("pass", 0) <= 0.1 * repetitions
    assert counts[4.0].get("regression", 0) >= 0.95 * repetitions
