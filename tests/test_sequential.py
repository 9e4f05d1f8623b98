"""Many versions of one model: exact p values, an alarm that comes when it should and hardly ever else."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bench.sequential import bet, mixture, sequential_test


def test_the_first_version_says_nothing() -> None:
    found = sequential_test(np.array([[5.0, 6.0], [5.0, 6.0]]), np.random.default_rng(0))
    assert found.p_values.tolist() == [1, 1]
    assert found.alarm is None


def test_p_is_that_of_every_way_to_draw_the_newest() -> None:
    values = np.array([[9.0, 7, 5], [8, 8, 4], [6, 7, 4]])
    sums = [sum(drawn) for drawn in product(*values.T)]
    exact = np.mean(np.array(sums) <= 6 + 7 + 4)
    found = sequential_test(values, np.random.default_rng(0), draws=60_000)
    assert found.p_values[-1] == pytest.approx(exact, abs=0.005)


def test_a_version_without_a_prompt_s_clips_is_judged_by_the_others() -> None:
    values = np.array([[9.0, 7, 5], [9, 7, np.nan], [2, np.nan, 5]])
    found = sequential_test(values, np.random.default_rng(0))
    # Of prompt 0 two values of three are larger, of prompt 2 all are equal: 1/3 of the draws hold no longer.
    assert found.p_values[-1] == pytest.approx(1 / 3, abs=0.02)
    with pytest.raises(ValueError, match="versions by prompts"):
        sequential_test(np.full((2, 2), np.nan), np.random.default_rng(0))


def test_the_stake_expects_to_keep_its_worth() -> None:
    # Its integral from 0 to p is (p - 1) / ln p, which is 1 at 1; from .01 up: 1 - .99 / ln 100.
    p = 0.01 + 0.99 * (np.arange(10_000) + 0.5) / 10_000
    assert bet(p).mean() * 0.99 == pytest.approx(1 - 0.99 / np.log(100), abs=1e-5)
    assert bet(np.array([1.0]))[0] == pytest.approx(0.5, abs=1e-3)
    assert (np.diff(bet(np.linspace(0.001, 0.999, 500))) < 0).all()
    # The mean of e p^(e - 1) over e, by a sum.
    e = (np.arange(100_000) + 0.5) / 100_000
    for stake in (0.001, 0.05, 0.7):
        assert bet(np.array([stake]))[0] == pytest.approx((e * stake ** (e - 1)).mean(), rel=1e-4)


def test_the_mixture_by_hand() -> None:
    gains = bet(np.array([1.0, 0.01, 0.01]))
    first = 1 / 2 * gains[0] + 1 / 2
    second = 1 / 2 * gains[0] * gains[1] + 1 / 6 * gains[1] + 1 / 3
    third = (1 / 2 * gains[0] * gains[1] + 1 / 6 * gains[1]) * gains[2] + 1 / 12 * gains[2] + 1 / 4
    assert mixture(np.array([1.0, 0.01, 0.01])) == pytest.approx([first, second, third])


def test_a_drop_is_found_and_an_improvement_is_none() -> None:
    rng = np.random.default_rng(1)
    prompts = rng.normal(20, 6, 30)
    before = prompts + rng.normal(0, 3, (10, 30))
    worse, better = (prompts + change + rng.normal(0, 3, (5, 30)) for change in (-4, 4))
    alarm = sequential_test(np.vstack([before, worse]), rng).alarm
    assert alarm is not None
    assert 10 <= alarm <= 12
    assert sequential_test(np.vstack([before, better]), rng).alarm is None


def test_the_same_bytes_every_night_never_alarm() -> None:
    values = np.tile(np.random.default_rng(0).uniform(1, 48, 20), (60, 1))
    found = sequential_test(values, np.random.default_rng(0), draws=200)
    assert found.alarm is None
    assert found.evidence[-1] < 1


@pytest.mark.slow
def test_two_hundred_versions_without_a_change_seldom_alarm() -> None:
    """40 series of 200 versions: at most 5% may alarm at all; a test of 5% at every version alarms in all of them."""
    rng, series, alarms, nightly = np.random.default_rng(3), 40, 0, 0
    for _ in range(series):
        prompts = rng.gamma(2, 8, 12)
        values = np.minimum(np.floor(prompts * rng.gamma(4, 0.25, (200, 12))), 48)
        found = sequential_test(values, rng, draws=99)
        alarms += found.alarm is not None
        nightly += bool((found.p_values < 0.05).any())
    assert alarms <= 0.1 * series
    assert nightly == series
