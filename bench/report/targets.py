"""A study against what it is to show, and against the baselines measured beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.failures import FAILURES, SHARES
from bench.failures.adversaries import MOVING
from bench.records import Interval
from bench.validation import OWN, Found

FALSE_ALARMS, CONTROL_ALARMS = 0.05, 0.10  # at most, of unbroken clips and of each control
ABRUPT_AUC, ABRUPT_ONSET = 0.95, 0.90  # at least, of the whole picture and of all but the smallest share of it
SMALLEST_AUC = 0.90  # at least, of the smallest share
CAUGHT = {"freeze": 0.95}
GRADUAL = (
    "noise", "blur", "exposure", "colour", "elastic_morph", "local_melt", "local_freeze", "ghosting", "hue_drift",
)  # fmt: skip
GRADUAL_AUC, CONCORDANCE, DELAY = 0.85, 0.80, 8  # at least, at least, at most frames at middle severity

AUC, ONSET, CAUGHT_SHARE, C_INDEX, MEDIAN_DELAY = "AUC", "onset within 2", "caught", "C-index", "delay"
ALARMS, HELD_TO_END = "alarms", "held to the end"
AT_MOST = (MEDIAN_DELAY, ALARMS, HELD_TO_END)
COLUMNS = (AUC, ONSET, CAUGHT_SHARE, C_INDEX, MEDIAN_DELAY, ALARMS, HELD_TO_END)


class Below(NamedTuple):
    """A target that was not reached: of what, in which measure, what was wanted, and what was reached."""

    group: str
    measure: str
    wanted: float
    value: float | None
    """None for a delay that has no median, as most failures were missed."""
    undecided: bool
    """Does the 95% interval hold what was wanted?"""


def below_targets(study: Mapping[str, Any], found: Sequence[Found]) -> list[Below]:
    """Every target that this study did not reach, in order of its tables."""
    return [*_alarms(study), *(below for one in found if one.measure == OWN for below in _below(one))]


def _alarms(study: Mapping[str, Any]) -> Iterator[Below]:
    share = study["false_alarms"]["share"]
    if share["low"] > FALSE_ALARMS:
        yield Below("unbroken clips", ALARMS, FALSE_ALARMS, share["value"], False)
    for name, its in study["controls"].items():
        if its["alarms"]["value"] > CONTROL_ALARMS:
            low = its["alarms"]["low"]
            yield Below(name, ALARMS, CONTROL_ALARMS, its["alarms"]["value"], low <= CONTROL_ALARMS)
    for name, its in study["adversaries"].items():
        if name != MOVING and its["held_to_end"] > 0:
            yield Below(name, HELD_TO_END, 0.0, its["held_to_end"], False)


def _below(one: Found) -> Iterator[Below]:
    name, _, part = one.group.partition(" | ")
    failure = FAILURES.get(name)
    if failure is None:
        return
    if failure.kind == "gradual":
        if name in GRADUAL and not part:
            yield from _least(one.group, (AUC, one.auc, GRADUAL_AUC), (C_INDEX, one.concordance, CONCORDANCE))
        if name in GRADUAL and part == "middle" and (one.delay_median is None or one.delay_median > DELAY):
            yield Below(name, MEDIAN_DELAY, DELAY, one.delay_median, False)
    elif failure.local and part == f"{SHARES[0]:.0%}":
        yield from _least(one.group, (AUC, one.auc, SMALLEST_AUC))
    elif (failure.local and part.endswith("%")) or not (failure.local or part):
        yield from _least(one.group, (AUC, one.auc, ABRUPT_AUC), (ONSET, one.within_2, ABRUPT_ONSET))
        if name in CAUGHT:
            yield from _least(one.group, (CAUGHT_SHARE, one.caught, CAUGHT[name]))


def _least(group: str, *wanted: tuple[str, Interval, float]) -> Iterator[Below]:
    for measure, reached, least in wanted:
        if reached.value < least:
            yield Below(group, measure, least, reached.value, reached.high >= least)


def target_rows(below: Sequence[Below]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table: a row a group, a column for every measure in which some group is below."""
    columns = [name for name in COLUMNS if any(one.measure == name for one in below)]
    rows: dict[str, dict[str, str]] = {}
    for one in below:
        reached = "-" if one.value is None else f"{one.value:g}" if one.measure == MEDIAN_DELAY else f"{one.value:.2f}"
        rows.setdefault(one.group, {})[one.measure] = f"{reached}{'*' if one.undecided else ''} / {one.wanted:g}"
    head = ("group", *(f"{name}, {'at most' if name in AT_MOST else 'at least'}" for name in columns))
    return head, [(group, *(its.get(name, "") for name in columns)) for group, its in rows.items()]


def family_rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    """Family, AUC of framehold, the best of the other measures and its name, and whether framehold is above it."""
    rows: list[tuple[str, ...]] = []
    for own in _families(found, OWN):
        rivals = [one for one in found if one.group == own.group and one.measure != OWN]
        if best := max(rivals, key=lambda one: one.auc.value, default=None):
            above = "yes" if own.auc.value > best.auc.value else "no"
            rows.append((own.group, f"{own.auc.value:.3f}", f"{best.auc.value:.3f} {best.measure}", above))
    return rows


def measure_rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    """Each measure with its means over families: AUC, caught, onset within 2 frames, C-index; the best AUC first."""
    rows = []
    for measure in dict.fromkeys(one.measure for one in found):
        its = _families(found, measure)
        means = [
            float(np.mean([getattr(one, name).value for one in its]))
            for name in ("auc", "caught", "within_2", "concordance")
        ]
        rows.append((measure, means))
    rows.sort(key=lambda row: -row[1][0])
    return [(measure, *(f"{mean:.2f}" for mean in means)) for measure, means in rows]


def _families(found: Sequence[Found], measure: str) -> list[Found]:
    return [one for one in found if one.measure == measure and "|" not in one.group]
