"""How many prompts and seeds: variances by hand, and chances that simulated comparisons bear out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bench.comparison import Sides, compare_means
from bench.power import (
    Spread,
    chances,
    pooled,
    prompts_needed,
    spread_of_differences,
    spread_of_one_model,
)
from bench.records import Hold
from bench.summary import Judged

WIDE = Spread(between=0.04, within=0.08, held=0.5)


def test_variances_by_hand() -> None:
    # Differences .1 .3 | .5 .7 | .3 .5 of three prompts: means .2 .6 .4, within (.01 + .01) x 3 / 3 = .02,
    # between 2 x (.04 + .04 + 0) / 2 = .08, so (.08 - .02) / 2 = .03.
    spread = spread_of_differences([0.0] * 6, [0.1, 0.3, 0.5, 0.7, 0.3, 0.5], list("aabbcc"))
    assert spread == pytest.approx((0.03, 0.02, 0.2))


def test_without_a_second_seed_more_seeds_promise_nothing() -> None:
    spread = spread_of_differences([0.0, 0.0, 0.0], [0.1, 0.3, 0.5], list("abc"))
    assert spread == pytest.approx((0.04, 0.0, 0.15))
    assert spread.of_mean(10, 5) == spread.of_mean(10, 1) == pytest.approx(0.004)


def test_prompts_that_differ_less_than_their_seeds_have_no_spread_of_their_own() -> None:
    assert spread_of_differences([0.0] * 4, [0.0, 1.0, 0.0, 1.0], list("aabb")).between == 0


def test_one_model_stands_for_two_versions_of_itself() -> None:
    alone = spread_of_one_model([0.1, 0.3, 0.5, 0.7, 0.3, 0.5], list("aabbcc"), alike=0.5)
    assert alone == pytest.approx((0.03, 0.04, 0.4))
    assert spread_of_one_model([0.1, 0.3, 0.5, 0.7], list("aabb"), alike=1.0).between == 0


def test_pilots_are_pooled() -> None:
    assert pooled([Spread(0.02, 0.04, 0.4), Spread(0.04, 0.0, 0.6)]) == pytest.approx((0.03, 0.02, 0.5))


def test_one_prompt_is_no_pilot() -> None:
    with pytest.raises(ValueError, match="2 prompts or more, got 1"):
        spread_of_differences([0.1, 0.2], [0.1, 0.3], ["a", "a"])


def test_chances_grow_with_prompts_and_seeds_and_fall_with_a_smaller_drop() -> None:
    by_prompts = [chances(WIDE, prompts, 2, 0.15, 0.05) for prompts in (2, 10, 50, 200, 1000)]
    assert all(one.passes < more.passes and one.found < more.found for one, more in pairwise(by_prompts))
    assert chances(WIDE, 50, 5, 0.15, 0.05).found > chances(WIDE, 50, 1, 0.15, 0.05).found
    assert chances(WIDE, 50, 2, 0.1, 0.05).found < chances(WIDE, 50, 2, 0.2, 0.05).found
    assert chances(WIDE, 1, 5, 0.5, 0.05) == (0, 0)


def test_enough_prompts_are_enough_and_one_fewer_is_not() -> None:
    passes, found = prompts_needed(WIDE, 2, 0.15, 0.05)
    assert passes is not None
    assert found is not None
    assert chances(WIDE, passes, 2, 0.15, 0.05).passes >= 0.8 > chances(WIDE, passes - 1, 2, 0.15, 0.05).passes
    assert chances(WIDE, found, 2, 0.15, 0.05).found >= 0.8 > chances(WIDE, found - 1, 2, 0.15, 0.05).found
    assert prompts_needed(WIDE, 2, 0.0501, 0.05)[1] is None


def test_models_that_never_differ_still_need_prompts() -> None:
    same = Spread(0.0, 0.0, 1.0)
    assert chances(same, 10, 1, 0.1, 0.05) == (0, 0)
    assert chances(same, 100, 1, 0.1, 0.05) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "prompts"), [(0.0, 60), (0.15, 40)])
def test_chances_are_those_of_simulated_comparisons(loss: float, prompts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.comparison.FLIPS", 50)  # p is not looked at
    rng, horizon, repetitions, hits, pilot = np.random.default_rng(5), 48, 60, 0, []
    for _ in range(repetitions):
        common = rng.normal(24, 6, (prompts, 1))
        held = [np.rint(common + rng.normal(0, 4, (prompts, 1)) + rng.normal(0, 5, (prompts, 2)) - drop)
                for drop in (0.0, loss * horizon)]  # fmt: skip
        sides = [[judged(f"p{number // 2}", int(np.clip(each, 1, 47))) for number, each in enumerate(one.ravel())]
                 for one in held]  # fmt: skip
        found = compare_means(Sides(sides[0], sides[1]), horizon)
        hits += found.low > -0.05 * horizon if loss == 0 else found.high < -0.05 * horizon  # type: ignore[operator]
        shares = [np.clip(one, 1, 47).ravel() / horizon for one in held]
        pilot.append(spread_of_differences(shares[0].tolist(), shares[1].tolist(), [c.prompt_id for c in sides[0]]))
    expected = chances(pooled(pilot), prompts, 2, loss, 0.05)
    assert hits / repetitions == pytest.approx(expected.passes if loss == 0 else expected.found, abs=0.18)
    assert 0.2 < hits / repetitions < 0.98


def judged(prompt: str, held: int) -> Judged:
    return Judged("clip", "model", prompt, "any", 48, 24.0, Hold(held, True, cause="flow"))
