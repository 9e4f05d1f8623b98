"""Known failures -> how well each measure finds them: detection, onset, delay, order, with intervals.

A measure is framehold's own rule or a baseline. What it says of a clip is a score (more is more broken) and, where it
raises an alarm, the frame of the alarm and the frame at which it says the failure began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.records import Interval
from bench.survival import share_interval

Floats = NDArray[np.float64]

OWN = "framehold"
ALWAYS_HALF, NEVER = "always half", "never"
VISIBLE = 10.0  # grey levels that a 16 x 16 block must differ from the untouched clip: less is no failure to anybody
NEAR, NEARBY = 2, 5  # frames
REPLICATES = 400
LEVEL = 0.95  # of unbroken clips that stay under a baseline's threshold


class Finding(NamedTuple):
    """What a measure says of a clip."""

    score: float
    alarm: int | None = None
    onset: int | None = None


@dataclass(frozen=True)
class Trial:
    """One clip of the study and what each measure says of it. Unbroken ones have no failure and onset = frames."""

    source: str
    frames: int
    findings: Mapping[str, Finding]
    name: str = ""
    """Of the failure, of the control or of the adversary."""
    kind: str = "clean"
    severity: str = ""
    share: float = 0.0
    onset: int = 0
    visibility: float = 0.0
    """Largest difference of a block from the untouched clip within half a second of the onset, grey levels."""
    static: bool = False


@dataclass(frozen=True)
class Found:
    """How well a measure finds one group of failures. None where there is nothing to tell from."""

    measure: str
    group: str
    trials: int
    unseen: int
    """Of the trials left out: nobody could have seen the failure."""
    auc: Interval
    caught: Interval
    """Share with an alarm at or after the onset and none before."""
    within_2: Interval
    within_5: Interval
    """Share whose onset was named to within so many frames, misses counted as misses."""
    premature: float
    """Share with an alarm before the onset."""
    error_median: float | None
    error_mean_absolute: float | None
    """Of the onset where there was an alarm, frames; later is positive."""
    delay_median: float | None
    """Frames from onset to alarm, misses censored; None when more than half are missed."""
    concordance: Interval
    """Of named with true onsets (C-index, Harrell 1982); a clip without alarm is named unbroken to its end."""
    severity_tau: float | None
    """Kendall's tau-b between severity and score."""


def baseline_findings(curves: Mapping[str, Sequence[tuple[str, Floats]]]) -> dict[str, list[Finding]]:
    """For each baseline, findings from its curves of all unbroken and broken clips, given as (clip, value a frame).

    The alarm is the first frame above what 95% of the unbroken clips (those named "") never reach.
    """
    found = {}
    for name, clips in curves.items():
        unbroken = [float(values.max(initial=0.0)) for clip, values in clips if not clip]
        limit = float(np.quantile(unbroken, LEVEL))
        found[name] = [_first_over(values, limit) for _, values in clips]
    return found


def _first_over(values: Floats, limit: float) -> Finding:
    over = np.flatnonzero(values > limit)
    alarm = int(over[0]) if over.size else None
    return Finding(float(values.max(initial=0.0)), alarm, alarm)


def false_alarms(trials: Iterable[Trial], measure: str = OWN) -> Interval:
    """Share of trials with an alarm, exact interval. Static clips are no alarm: they are said to stand still."""
    told = [trial.findings[measure].alarm is not None for trial in trials]
    return share_interval(sum(told), len(told))


def find(
    group: str, trials: Sequence[Trial], clean: Sequence[Trial], measure: str, rng: np.random.Generator
) -> Found | None:
    """How well a measure finds these failures, against unbroken clips; None where nobody can see any of them."""
    seen = [trial for trial in trials if trial.visibility >= VISIBLE]
    if not seen or not clean:
        return None
    findings = [trial.findings[measure] for trial in seen]
    onsets = np.array([trial.onset for trial in seen])
    premature = np.array([_is_early(one, trial) for one, trial in zip(findings, seen, strict=True)])
    caught = np.array([one.alarm is not None for one in findings]) & ~premature
    errors = np.array(
        [np.nan if one.onset is None else one.onset - trial.onset for one, trial in _pairs(findings, seen)]
    )
    named = np.array([trial.frames if one.onset is None else one.onset for one, trial in _pairs(findings, seen)])
    told = errors[np.isfinite(errors)]
    return Found(
        measure=measure,
        group=group,
        trials=len(seen),
        unseen=len(trials) - len(seen),
        auc=_auc(seen, clean, measure, rng),
        caught=share_interval(int(caught.sum()), len(seen)),
        within_2=share_interval(int((np.abs(errors) <= NEAR).sum()), len(seen)),
        within_5=share_interval(int((np.abs(errors) <= NEARBY).sum()), len(seen)),
        premature=float(premature.mean()),
        error_median=float(np.median(told)) if told.size else None,
        error_mean_absolute=float(np.abs(told).mean()) if told.size else None,
        delay_median=_median_delay(findings, seen),
        concordance=_concordance(onsets, named, [trial.source for trial in seen], rng),
        severity_tau=_tau(seen, measure),
    )


def _pairs(findings: Sequence[Finding], trials: Sequence[Trial]) -> zip[tuple[Finding, Trial]]:
    return zip(findings, trials, strict=True)


def _is_early(finding: Finding, trial: Trial) -> bool:
    return finding.alarm is not None and finding.alarm < trial.onset


def _auc(broken: Sequence[Trial], clean: Sequence[Trial], measure: str, rng: np.random.Generator) -> Interval:
    """Chance that a broken clip scores above an unbroken one (Hanley & McNeil 1982); sources are drawn with it."""
    high = np.array([trial.findings[measure].score for trial in broken])
    low = np.array([trial.findings[measure].score for trial in clean])
    wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    replicates = []
    broken_weights = _source_weights([trial.source for trial in broken], rng)
    clean_weights = _source_weights([trial.source for trial in clean], rng)
    for across, down in zip(broken_weights, clean_weights, strict=True):
        if across.sum() and down.sum():
            replicates.append(float(across @ wins @ down / across.sum() / down.sum()))
    return _interval(float(wins.mean()), replicates)


def _source_weights(sources: Sequence[str], rng: np.random.Generator) -> Floats:
    """How often each trial is drawn when sources are drawn with replacement (replicates, trials)."""
    _, member = np.unique(np.asarray(sources), return_inverse=True)
    count = int(member.max()) + 1
    return np.asarray(rng.multinomial(count, np.full(count, 1 / count), size=REPLICATES)[:, member], float)


def _interval(value: float, replicates: Sequence[float]) -> Interval:
    if not replicates:
        return Interval(value, value, value)
    low, high = np.quantile(replicates, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _concordance(
    onsets: NDArray[np.int_], named: NDArray[np.int_], sources: list[str], rng: np.random.Generator
) -> Interval:
    later = onsets[:, None] < onsets
    right = (named[:, None] < named) + 0.5 * (named[:, None] == named)
    if not later.any():
        return Interval(0.5, 0.0, 1.0)
    replicates = []
    for weights in _source_weights(sources, rng):
        pairs = (weights[:, None] * weights) * later
        if total := pairs.sum():
            replicates.append(float((pairs * right).sum() / total))
    return _interval(float(right[later].mean()), replicates)


def _median_delay(findings: Sequence[Finding], trials: Sequence[Trial]) -> float | None:
    """Kaplan-Meier median of frames from onset to alarm; premature alarms are left out, misses end with the clip."""
    events, censored = [], []
    for finding, trial in _pairs(findings, trials):
        if finding.alarm is None:
            censored.append(trial.frames - trial.onset)
        elif finding.alarm >= trial.onset:
            events.append(finding.alarm - trial.onset)
    if not events:
        return None
    median = stats.ecdf(stats.CensoredData(uncensored=events, right=censored)).sf
    below = median.quantiles[median.probabilities <= 0.5]
    return float(below[0]) if below.size else None


def _tau(trials: Sequence[Trial], measure: str) -> float | None:
    order = {name: rank for rank, name in enumerate(("weak", "middle", "strong"))}
    severities = [order[trial.severity] for trial in trials]
    scores = [trial.findings[measure].score for trial in trials]
    if len(set(severities)) < 2 or len(set(scores)) < 2:
        return None
    return float(stats.kendalltau(severities, scores).statistic)
