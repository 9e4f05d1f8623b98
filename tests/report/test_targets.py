"""What a study is below, and the baselines beside it, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.records import Interval
from bench.report.targets import below_targets, family_rows, measure_rows, target_rows
from bench.validation import OWN, Found

GOOD = Interval(0.99, 0.97, 1.0)
RIVAL = "frame difference"


def found(group: str, measure: str = OWN, auc: float = 0.99, high: float = 1.0, **fields: Any) -> Found:
    made = Found(measure, group, 9, 0, Interval(auc, 0.0, high), GOOD, GOOD, GOOD, 0.0, 0.0, 0.0, 1.0, GOOD, 0.5)
    return replace(made, **fields)


def study(alarms: float = 0.0, low: float = 0.0, control: float = 0.0, held: float = 0.0) -> dict[str, Any]:
    return {
        "false_alarms": {"share": {"value": alarms, "low": low, "high": 1.0}},
        "controls": {"pan": {"alarms": {"value": control, "low": 0.02, "high": 0.4}}},
        "adversaries": {"two_frames": {"held_to_end": held}, "moving footage": {"held_to_end": 1.0}},
    }


def below(*its: Found) -> list[tuple[object, ...]]:
    return [tuple(one) for one in below_targets(study(), its)]


def test_alarms_and_beliefs() -> None:
    assert below_targets(study(alarms=0.09, low=0.05, control=0.1), []) == []  # the interval contains 5%
    told = below_targets(study(alarms=0.09, low=0.06, control=0.2, held=0.05), [])
    assert [tuple(one) for one in told] == [
        ("unbroken clips", "alarms", 0.05, 0.09, False),
        ("pan", "alarms", 0.10, 0.2, True),
        ("two_frames", "held to the end", 0.0, 0.05, False),
    ]


def test_sudden_failures_have_a_limit_for_each_share() -> None:
    half = Interval(0.5, 0.3, 0.92)
    assert below(found("cut", auc=0.94, high=0.97), found("cut | weak", auc=0.1)) == [("cut", "AUC", 0.95, 0.94, True)]
    assert below(found("cut", within_2=half)) == [("cut", "onset within 2", 0.90, 0.5, True)]
    assert below(found("freeze", caught=half)) == [("freeze", "caught", 0.95, 0.5, False)]
    assert (
        below(found("vanish", auc=0.1), found("vanish | 5%", auc=0.91, within_2=half)) == []
    )  # each share has its own
    assert below(found("vanish | 5%", auc=0.89, high=0.89)) == [("vanish | 5%", "AUC", 0.90, 0.89, False)]
    assert below(found("vanish | 10%", auc=0.91, within_2=half)) == [
        ("vanish | 10%", "AUC", 0.95, 0.91, True),
        ("vanish | 10%", "onset within 2", 0.90, 0.5, True),
    ]


def test_slow_failures_have_an_order_and_a_delay() -> None:
    slow = found("blur", auc=0.84, high=0.84, concordance=Interval(0.7, 0.6, 0.9), within_2=Interval(0.0, 0.0, 0.1))
    assert below(slow) == [("blur", "AUC", 0.85, 0.84, False), ("blur", "C-index", 0.80, 0.7, True)]
    assert below(found("blur | middle", delay_median=8.0), found("blur | weak", delay_median=40.0)) == []
    assert below(found("blur | middle", delay_median=9.0)) == [("blur", "delay", 8, 9.0, False)]
    assert below(found("blur | middle", delay_median=None)) == [("blur", "delay", 8, None, False)]
    assert below(found("recompression", auc=0.1), found("plug-in", auc=0.1), found("blur", RIVAL, auc=0.1)) == []


def test_the_table_has_a_row_a_group_and_only_columns_in_use() -> None:
    its = [found("blur", auc=0.8, high=0.9), found("blur | middle", delay_median=None), found("cut", auc=0.9, high=0.9)]
    head, rows = target_rows(below_targets(study(), its))
    assert head == ("group", "AUC, at least", "delay, at most")
    assert rows == [("blur", "0.80* / 0.85", "- / 8"), ("cut", "0.90 / 0.95", "")]


def test_each_family_beside_its_best_baseline() -> None:
    its = [
        found("cut", auc=0.9), found("cut", RIVAL, auc=0.9), found("cut", "never", auc=0.5),
        found("cut | weak", auc=0.2),
        found("blur", auc=0.8), found("blur", RIVAL, auc=0.4), found("blur", "never", auc=0.5),
    ]  # fmt: skip
    assert family_rows(its) == [
        ("cut", "0.900", f"0.900 {RIVAL}", "no"),  # no better than it
        ("blur", "0.800", "0.500 never", "yes"),
    ]
    assert measure_rows(its) == [
        (OWN, "0.85", "0.99", "0.99", "0.99"),
        (RIVAL, "0.65", "0.99", "0.99", "0.99"),
        ("never", "0.50", "0.99", "0.99", "0.99"),
    ]
