"""The statistics of a study, by cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.validation import OWN, Finding, Trial, baseline_findings, false_alarms, find

RNG = np.random.default_rng


def clean(score: float, alarm: int | None = None, source: str = "a") -> Trial:
    return Trial(source, 48, {OWN: Finding(score, alarm, alarm)}, onset=48)


def broken(
    score: float,
    onset: int,
    alarm: int | None,
    named: int | None = None,
    *,
    severity: str = "strong",
    visibility: float = 40.0,
    source: str = "a",
) -> Trial:
    finding = Finding(score, alarm, alarm if named is None else named)
    return Trial(source, 48, {OWN: finding}, "cut", "abrupt", severity, 1.0, onset, visibility)


UNBROKEN = [clean(0.2, source="a"), clean(0.4, source="b"), clean(0.6, source="c"), clean(1.2, 30, source="d")]


def test_what_is_found_of_four_failures() -> None:
    trials = [
        broken(3.0, 10, 11, 10, source="a"),  # right on
        broken(2.0, 20, 26, 24, source="b"),  # four late
        broken(0.5, 30, None, source="c"),  # missed
        broken(1.5, 40, 5, source="d"),  # cried too early
    ]
    found = find("cut", trials, UNBROKEN, OWN, RNG(0))
    assert found is not None
    assert (found.trials, found.unseen) == (4, 0)
    assert found.auc.value == pytest.approx((4 + 4 + 2 + 4) / 16)
    assert found.auc.low <= found.auc.value <= found.auc.high
    assert found.caught.value == 0.5
    assert found.within_2.value == 0.25
    assert found.within_5.value == 0.5
    assert found.premature == 0.25
    assert found.error_median == 0.0  # of 0, 4 and -35
    assert found.error_mean_absolute == pytest.approx((0 + 4 + 35) / 3)
    # Named 10, 24, 48 (missed), 5 for onsets 10, 20, 30, 40: right are (10, 20), (10, 30), (20, 30).
    assert found.concordance.value == pytest.approx(3 / 6)


def test_the_median_delay_counts_misses_as_censored() -> None:
    trials = [broken(2.0, 10, 12), broken(2.0, 10, 14), broken(2.0, 20, 26), broken(0.1, 10, None)]
    found = find("cut", trials, UNBROKEN, OWN, RNG(0))
    assert found is not None
    assert found.delay_median == 4.0  # Kaplan-Meier: 3/4 after 2, 1/2 after 4
    missed = [broken(2.0, 10, 12), broken(0.1, 10, None), broken(0.1, 10, None)]
    found = find("cut", missed, UNBROKEN, OWN, RNG(0))
    assert found is not None
    assert found.delay_median is None


def test_a_failure_that_nobody_can_see_is_no_failure() -> None:
    hidden = broken(0.1, 10, None, visibility=2.0)
    assert find("cut", [hidden], UNBROKEN, OWN, RNG(0)) is None
    found = find("cut", [hidden, broken(3.0, 10, 10)], UNBROKEN, OWN, RNG(0))
    assert found is not None
    assert (found.trials, found.unseen, found.caught.value) == (1, 1, 1.0)


def test_graver_failures_should_score_higher() -> None:
    rising = [broken(1.0, 9, 9, severity="weak"), broken(2.0, 9, 9, severity="middle"), broken(3.0, 9, 9)]
    found = find("cut", rising, UNBROKEN, OWN, RNG(0))
    assert found is not None
    assert found.severity_tau == pytest.approx(1.0)
    one = find("cut", rising[:1], UNBROKEN, OWN, RNG(0))
    assert one is not None
    assert one.severity_tau is None


def test_false_alarms_have_an_exact_interval() -> None:
    share = false_alarms(UNBROKEN)
    assert share.value == 0.25
    assert share.low == pytest.approx(0.0063, abs=1e-4)
    assert share.high == pytest.approx(0.8059, abs=1e-4)


def test_a_baseline_alarms_above_what_nineteen_of_twenty_unbroken_clips_never_reach() -> None:
    curves = [("", np.array([0.0, float(k)])) for k in range(21)]
    found = baseline_findings({"difference": [*curves, ("x", np.array([0.0, 3.0, 19.5, 30.0]))]})["difference"]
    assert found[-1] == Finding(30.0, 2, 2)
    assert [one.alarm for one in found[:21]] == [None] * 20 + [1]
