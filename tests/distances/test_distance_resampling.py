"""Draws of clips: sizes, groups that stay together, and labels that are exchanged as the design of the sets allows."""

from __future__ import annotations

import numpy as np
import pytest

from bench.distances.resampling import bootstrap, half_size, halves, numbered, relabelled, subsets

RNG = np.random.default_rng
GROUPS = numbered(["a", "a", "a", "b", "b", "c", "d", "e", "e", "f"])


def test_a_bootstrap_draws_groups_as_wholes_and_as_many_as_there_are() -> None:
    drawn = bootstrap(GROUPS, 500, RNG(0))
    assert all(len(set(row[group == GROUPS])) == 1 for row in drawn[:20] for group in range(6))
    firsts = [int(np.flatnonzero(group == GROUPS)[0]) for group in range(6)]
    assert set(drawn[:, firsts].sum(axis=1)) == {6.0}
    assert drawn.mean(axis=0) == pytest.approx(np.ones(10), abs=0.15)


def test_halves_have_the_size_and_share_no_group() -> None:
    size = half_size(GROUPS)
    assert size == 4  # 10 clips less the 2 that a group of 3, cut, can lose
    left, right = halves(GROUPS, size, 200, RNG(0))
    for one, other in zip(left, right, strict=True):
        assert one.sum() == other.sum() == size
        assert not set(GROUPS[one > 0]) & set(GROUPS[other > 0])


def test_clips_that_stand_alone_are_split_in_the_middle() -> None:
    assert half_size(np.arange(9)) == 4
    assert half_size(np.zeros(9, int)) == 0
    left, right = halves(np.arange(9), 4, 300, RNG(0))
    assert ((left + right).max(), (left + right).sum(axis=1).max()) == (1, 8)
    assert left.mean(axis=0) == pytest.approx(np.full(9, 4 / 9), abs=0.12)


def test_subsets_cut_no_group_but_the_last() -> None:
    for row in subsets(GROUPS, 6, 100, RNG(0)):
        shares = [row[group == GROUPS].mean() for group in range(6)]
        assert row.sum() == 6
        assert sum(0 < share < 1 for share in shares) <= 1


def test_labels_of_clips_that_stand_alone_are_permuted() -> None:
    drawn = relabelled(np.arange(10), 4, 400, RNG(0))
    assert set(drawn.sum(axis=1)) == {4.0}
    assert drawn.mean(axis=0) == pytest.approx(np.full(10, 0.4), abs=0.1)


def test_groups_of_one_set_are_exchanged_as_wholes() -> None:
    groups = numbered(["a", "a", "b", "b", "c", "c"])
    drawn = relabelled(groups, 4, 100, RNG(0))
    assert all(len(set(row[groups == group])) == 1 for row in drawn for group in range(3))
    assert set(drawn.sum(axis=1)) == {4.0}


def test_a_group_in_both_sets_exchanges_labels_within_itself() -> None:
    groups = numbered(["walk", "dog", "boat", "walk", "dog", "boat"])
    drawn = relabelled(groups, 3, 100, RNG(0))
    assert all(row[groups == group].sum() == 1 for row in drawn for group in range(3))
    assert len({tuple(row) for row in drawn}) == 8
