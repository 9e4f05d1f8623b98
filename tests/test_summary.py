"""The block of a model: its intervals are over prompts, and hold what a few prompts cannot rule out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bench.records import Hold, RateClass
from bench.summary import Judged, draw_thresholds, held_to_end, over_prompts, summarize_clips, summarize_frozen
from bench.survival import share_interval

FRAMES = 12


def clips(breaks: Sequence[int | None], seeds: int = 1, model: str = "model") -> list[Judged]:
    """A clip for each break, the first `seeds` of them of the first prompt, and so on."""
    holds = [Hold(FRAMES, False) if frame is None else Hold(frame, True, cause="flow") for frame in breaks]
    return [
        Judged(str(number), model, f"p{number // seeds}", "any", FRAMES, 24.0, hold)
        for number, hold in enumerate(holds)
    ]


def held(breaks: Sequence[int | None], seeds: int = 1) -> dict[str, Any]:
    block: dict[str, Any] = summarize_clips(clips(breaks, seeds), FRAMES, 0.5)["frames_held"]
    return block


def test_a_suite_in_which_nothing_broke_does_not_promise_that_nothing_will() -> None:
    few, many = held([None] * 8), held([None] * 200)
    assert few["value"] == few["high"] == many["value"] == 12
    assert few["low"] < 10.5
    assert 11.7 < many["low"] < 12


def test_seeds_that_say_the_same_are_no_more_prompts() -> None:
    breaks: list[int | None] = [3, None, 8, 5, None, 10]
    once, often = held(breaks), held([frame for frame in breaks for _ in range(5)], seeds=5)
    assert often["value"] == pytest.approx(once["value"])
    assert often["high"] - often["low"] == pytest.approx(once["high"] - once["low"], rel=0.02)


def test_one_prompt_has_no_interval() -> None:
    assert (held([3, 5], seeds=2)["low"], held([3, 5], seeds=2)["high"]) == (None, None)


def test_the_same_clips_give_the_same_interval_in_any_order() -> None:
    breaks: list[int | None] = [3, None, 8, 5, None, 10]
    one, other = summarize_clips(clips(breaks), 12, 0.5), summarize_clips(clips(breaks)[::-1], 12, 0.5)
    assert one["frames_held"] == pytest.approx(other["frames_held"])


def test_models_of_the_same_prompts_are_weighed_alike() -> None:
    one, other = over_prompts(clips([3] * 6), 50), over_prompts(clips([9] * 8, model="other"), 50)
    assert (one[0] == other[0][:, :6]).all()
    assert (one[1].hold != other[1].hold).any()


def test_the_calibration_is_drawn_again_inside() -> None:
    scores = (1.0,) * 35 + (2.0, 2.0, 2.0, 4.0)
    draws = draw_thresholds([RateClass(24.0, 48, (), scores, 2.0, 0.0, 0.0)], 0.05)
    redrawn = tuple((6, True) if threshold < 3 else (FRAMES, False) for threshold in draws.thresholds[0])
    seen = [
        Judged(str(number), "m", f"p{number}", "any", FRAMES, 24.0, Hold(6, True, cause="flow"), 0, redrawn)
        for number in range(30)
    ]
    known, drawn = (summarize_clips(seen, FRAMES, 0.5, each)["frames_held"] for each in (None, draws))
    assert known["value"] == drawn["value"] == 6
    assert known["high"] < 7
    assert drawn["high"] > 11


def test_held_to_the_end_is_exact_where_prompts_have_a_clip_each() -> None:
    block = held_to_end(clips([None, None, 4, None, 7]), FRAMES)
    exact = share_interval(3, 5)
    assert (block["value"], block["low"], block["high"], block["clips"]) == (*exact, 5)


def test_held_to_the_end_is_over_prompts_where_they_have_several() -> None:
    """Four prompts whose five clips all do the same are no twenty clips."""
    block = held_to_end(clips([frame for frame in (None, None, 4, None) for _ in range(5)], seeds=5), FRAMES)
    naive = share_interval(15, 20)
    assert block["value"] == 0.75
    assert block["low"] < naive.low - 0.1
    assert held_to_end(clips([None, 4], seeds=2), FRAMES) == {"value": 0.5, "low": None, "high": None, "clips": 2}


def test_a_frozen_frame_holds_where_nothing_need_move() -> None:
    rate = RateClass(24.0, 48, (), (1.0,), 1.0, still_subject=0.1, still_picture=0.1)
    block = summarize_frozen({"a": "subject", "b": "camera", "c": "none"}, rate, 24.0, FRAMES, 0.5)
    assert block["static"] == 2
    assert block["frames_held"]["value"] == pytest.approx(np.mean([1, 1, 12]))
