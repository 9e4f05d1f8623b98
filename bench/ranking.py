"""Many models over the same prompts -> ranks with intervals, and groups that cannot be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from bench.records import Json
from bench.resampling import holm
from bench.survival import Floats

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Place:
    """Where a model stands. All intervals of all ranks hold together with the level of the tests."""

    rank: int
    low: int
    high: int
    groups: str
    """Letters: two models that share one cannot be told apart."""


@dataclass(frozen=True)
class Entry:
    """A row of the leaderboard. `numbers` is a block as in summary.json: frames held, by cause, by category, counts."""

    label: str
    model: str
    run: str
    place: Place
    numbers: Json
    metrics: Mapping[str, float]
    clips: int
    missing: int
    frames_held_if_missing_broke: float
    cost_usd: float | None


@dataclass(frozen=True)
class Rejected:
    """A model that is not in the table, and the rules that it broke."""

    label: str
    run: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Leaderboard:
    """Models over one suite, best first, with the ceiling and the floor."""

    suite: str
    suite_sha256: str
    profile: str
    calibration: str
    horizon: int
    horizon_seconds: float
    prompts: int
    entries: tuple[Entry, ...]
    references: Mapping[str, Json]
    rejected: tuple[Rejected, ...]
    pairs: tuple[PairTest, ...]
    rules: tuple[str, ...]
    """What every model in the table was checked for."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PairTest:
    """Two models, the better first: their difference and its p, taken together with all other pairs (Holm)."""

    better: str
    worse: str
    difference: float
    p_holm: float


def rank_models(
    values: Mapping[str, float], replicates: Mapping[str, Floats], prompts: int, alpha: float = 0.05
) -> tuple[dict[str, Place], list[PairTest]]:
    """Places by value, highest first, and the tests of all pairs.

    `replicates` are of the same draws of prompts for all models, so that differences are paired. A model's rank lies
    between one more than the models found better and the number of those not found worse (Mogstad et al. 2024).
    """
    names = sorted(values, key=lambda name: (-values[name], name))
    tests = _test_pairs(names, values, replicates, prompts)
    apart = {(test.better, test.worse) for test in tests if test.p_holm <= alpha}
    places = {}
    letters = letters_of(names, apart)
    for position, name in enumerate(names):
        better, worse = (sum(pair[side] == name for pair in apart) for side in (1, 0))
        tied = sum(values[other] > values[name] for other in names)
        places[name] = Place(min(position, tied) + 1, better + 1, len(names) - worse, letters[name])
    return places, tests


def _test_pairs(
    names: Sequence[str], values: Mapping[str, float], replicates: Mapping[str, Floats], prompts: int
) -> list[PairTest]:
    """t tests with the replicates' standard error; one prompt tells nothing apart."""
    pairs = list(combinations(names, 2))
    p_values = []
    for better, worse in pairs:
        spread = float(np.std(replicates[better] - replicates[worse], ddof=1))
        difference = values[better] - values[worse]
        if prompts < 2 or difference == 0 or spread == 0:
            p_values.append(1.0 if prompts < 2 or difference == 0 else 0.0)
        else:
            p_values.append(float(2 * stats.t.sf(difference / spread, prompts - 1)))
    adjusted = holm(p_values)
    return [PairTest(*pair, values[pair[0]] - values[pair[1]], p) for pair, p in zip(pairs, adjusted, strict=True)]


def letters_of(names: Sequence[str], apart: set[tuple[str, str]]) -> dict[str, str]:
    """Letters such that two models share one exactly if they are not apart (insert and absorb, Piepho 2004).

    >>> letters_of(["x", "y", "z"], {("x", "z")})
    {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    columns = [frozenset(names)]
    for one, other in sorted(apart):
        split: list[frozenset[str]] = []
        for column in columns:
            split += [column - {one}, column - {other}] if {one, other} <= column else [column]
        unique = set(split)
        columns = [column for column in unique if not any(column < larger for larger in unique)]
    order = {name: position for position, name in enumerate(names)}
    columns.sort(key=lambda column: sorted(order[name] for name in column))
    return {name: "".join(_letter(number) for number, column in enumerate(columns) if name in column) for name in names}


def _letter(number: int) -> str:
    return LETTERS[number] if number < len(LETTERS) else f"({number + 1})"
