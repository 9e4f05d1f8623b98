"""Ranks and groups: by hand, and as seldom wrong as they promise."""

from __future__ import annotations

import numpy as np
import pytest

from bench.ranking import letters_of, rank_models
from bench.survival import Floats


def drawn(rng: np.random.Generator, **values: float) -> dict[str, Floats]:
    """Replicates about the values, each model's own noise of one frame."""
    return {name: value + rng.normal(0, 1, 2000) for name, value in values.items()}


def test_far_apart_is_a_rank_each() -> None:
    values = {"low": 1.0, "high": 40.0, "middle": 20.0}
    places, tests = rank_models(values, drawn(np.random.default_rng(0), **values), 50)
    assert {name: (place.rank, place.low, place.high, place.groups) for name, place in places.items()} == {
        "high": (1, 1, 1, "a"),
        "middle": (2, 2, 2, "b"),
        "low": (3, 3, 3, "c"),
    }
    assert [(test.better, test.worse) for test in tests] == [("high", "middle"), ("high", "low"), ("middle", "low")]


def test_what_cannot_be_told_apart_shares_a_letter_and_ranks() -> None:
    values = {"a": 30.0, "b": 28.5, "c": 10.0}
    places, _ = rank_models(values, drawn(np.random.default_rng(0), **values), 50)
    assert (places["a"].low, places["a"].high, places["b"].low, places["b"].high) == (1, 2, 1, 2)
    assert (places["c"].low, places["c"].high) == (3, 3)
    assert places["a"].groups == places["b"].groups != places["c"].groups


def test_paired_noise_tells_apart_what_single_noise_cannot() -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(0, 5, 2000)
    values = {"a": 30.0, "b": 28.0}
    paired = {name: value + common + rng.normal(0, 0.3, 2000) for name, value in values.items()}
    assert rank_models(values, paired, 50)[0]["b"].low == 2
    single = {name: value + rng.normal(0, 5, 2000) for name, value in values.items()}
    assert rank_models(values, single, 50)[0]["b"].low == 1


def test_equal_values_share_the_rank() -> None:
    values = {"a": 5.0, "b": 5.0, "c": 1.0}
    places, _ = rank_models(values, drawn(np.random.default_rng(0), **values), 50)
    assert [places[name].rank for name in "abc"] == [1, 1, 3]


def test_one_prompt_tells_nothing_apart() -> None:
    values = {"a": 40.0, "b": 1.0}
    places, tests = rank_models(values, drawn(np.random.default_rng(0), **values), 1)
    assert tests[0].p_holm == 1
    assert places["b"].low == 1


def test_one_model_is_first() -> None:
    places, tests = rank_models({"a": 3.0}, {"a": np.ones(10)}, 9)
    assert (places["a"].rank, places["a"].low, places["a"].high, tests) == (1, 1, 1, [])


@pytest.mark.parametrize(
    ("apart", "letters"),
    [
        (set(), {"w": "a", "x": "a", "y": "a", "z": "a"}),
        ({("w", "z")}, {"w": "a", "x": "ab", "y": "ab", "z": "b"}),
        ({("w", "y"), ("w", "z"), ("x", "z")}, {"w": "a", "x": "ab", "y": "bc", "z": "c"}),
        ({("w", "x"), ("w", "y"), ("w", "z")}, {"w": "a", "x": "b", "y": "b", "z": "b"}),
    ],
)
def test_letters_are_shared_by_those_who_are_not_apart(apart: set[tuple[str, str]], letters: dict[str, str]) -> None:
    assert letters_of(["w", "x", "y", "z"], apart) == letters


@pytest.mark.parametrize("seed", range(10))
def test_letters_say_exactly_who_is_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"m{number}" for number in range(7)]
    apart = {(one, other) for i, one in enumerate(names) for other in names[i + 1 :] if rng.random() < 0.5}
    letters = letters_of(names, apart)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert bool(set(letters[one]) & set(letters[other])) == ((one, other) not in apart)


def test_equal_models_are_seldom_told_apart() -> None:
    """Six models that differ in nothing, 200 times: any pair told apart in at most 5% of them."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(200):
        noise = rng.normal(0, 1, 6)
        values = {f"m{number}": float(each) for number, each in enumerate(noise)}
        replicates = {name: value + rng.normal(0, 1, 300) for name, value in values.items()}
        wrong += any(place.low > 1 or place.high < 6 for place in rank_models(values, replicates, 60)[0].values())
    assert wrong <= 0.08 * 200
