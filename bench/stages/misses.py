"""What a study got wrong: the misses of every family, false alarms, clips made to please that were believed.

Which of them are the worst is told from the figures alone; `bench.stages.miss_strips` draws their pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.failures import FAILURES
from bench.failures.adversaries import MOVING
from bench.records import Region
from bench.stages.trials import Told
from bench.validation import NEAR, NEARBY, OWN, VISIBLE, Finding

MOST = 40  # misses with pictures
MOST_OF_ONE = 4  # of one section
FAR = {"abrupt": NEAR, "gradual": NEARBY}  # frames beyond which an onset was named wrongly
MISSED, MISNAMED = "missed", "misnamed"
PREMATURE, FALSE_ALARMS, CONTROLS, BELIEVED = "premature alarms", "false alarms", "controls", "clips made to please"


@dataclass(frozen=True)
class MissPicture:
    """A picture of a strip: of the `untouched` clip or of the `laid` one, its place in it, and where it differs."""

    clip: str
    frame: int
    place: int
    region: Region | None = None


@dataclass(frozen=True)
class Miss:
    """One trial that went wrong: what was done, what framehold said, and its strip, a file of the study's folder."""

    how: str
    name: str
    kind: str
    severity: str
    share: float
    clip: str
    frames: int
    onset: int
    visibility: float
    held_frames: int
    evidence: float
    """In multiples of the threshold."""
    alarm: int | None
    named: int | None
    """The onset that framehold told."""
    cause: str | None
    peak: tuple[int, str] | None
    """The frame with the most evidence, and its signal."""
    strip: str
    pictures: tuple[MissPicture, ...]
    undrawn: str | None = None
    """Why it has no pictures."""


@dataclass(frozen=True)
class MissSection:
    """The misses of a family of failures, or of one kind of false belief; `shown` are the worst of them."""

    name: str
    trials: int
    misses: int
    shown: tuple[Miss, ...]


class Wrong(NamedTuple):
    """A trial that went wrong: its job, its number in that, what was told of it, and how it went wrong."""

    job: int
    number: int
    told: Told
    how: str

    @property
    def finding(self) -> Finding:
        """What framehold said."""
        return self.told.trial.findings[OWN]

    @property
    def late(self) -> int:
        """Frames by which the onset was named late, or early below 0; 0 where none was named."""
        return (self.finding.onset or self.told.trial.onset) - self.told.trial.onset


class Group(NamedTuple):
    """A section before its worst are chosen: how many trials, and those that went wrong, the worst first."""

    trials: int
    wrong: list[Wrong]


def went_wrong(told: Sequence[Sequence[Told]]) -> dict[str, Group]:
    """Everything that went wrong in a study, given as the trials of each of its jobs; sections in order of the page."""
    every = [Wrong(job, number, one, "") for job, its in enumerate(told) for number, one in enumerate(its)]
    broken = [each for each in every if each.told.trial.severity and each.told.trial.visibility >= VISIBLE]
    groups = {name: _family([each for each in broken if each.told.trial.name == name]) for name in FAILURES}
    groups[PREMATURE] = _alarms(broken, PREMATURE, lambda each: (each.finding.alarm or 0) < each.told.trial.onset)
    groups[FALSE_ALARMS] = _alarms([each for each in every if each.told.trial.kind == "clean"], FALSE_ALARMS)
    groups[CONTROLS] = _alarms([each for each in every if each.told.trial.kind == "control"], CONTROLS)
    groups[BELIEVED] = _believed([each for each in every if each.told.trial.kind == "adversary"])
    return {name: group for name, group in groups.items() if group.trials}


def _family(trials: Sequence[Wrong]) -> Group:
    """Without alarm, the plainest to see first; then the onset named too far from the true one, the farthest first."""
    missed = [each._replace(how=MISSED) for each in trials if each.finding.alarm is None]
    alarmed = [each._replace(how=MISNAMED) for each in trials if (each.finding.alarm or -1) >= each.told.trial.onset]
    named = [each for each in alarmed if abs(each.late) > FAR[each.told.trial.kind]]
    missed.sort(key=lambda each: (-each.told.trial.visibility, each.finding.score))
    named.sort(key=lambda each: -abs(each.late))
    return Group(len(trials), missed + named)


def _alarms(trials: Sequence[Wrong], how: str, wrong: Callable[[Wrong], bool] = lambda each: True) -> Group:
    alarmed = [each._replace(how=how) for each in trials if each.finding.alarm is not None and wrong(each)]
    return Group(len(trials), sorted(alarmed, key=lambda each: -each.finding.score))


def _believed(trials: Sequence[Wrong]) -> Group:
    posed = [each for each in trials if each.told.trial.name != MOVING]
    held = [each._replace(how=BELIEVED) for each in posed if each.told.held_share >= 1]
    return Group(len(posed), sorted(held, key=lambda each: each.finding.score))


def worst(groups: Mapping[str, Group]) -> dict[str, list[Wrong]]:
    """The misses to show, at most `MOST`: of every group the first, then of every group the second, and so on.

    Alarms and beliefs come first, then families by the share of their trials that went wrong. Within one group the
    clips differ while they can; an early alarm that the unbroken clip raises as well is shown as that one alone.
    """
    waiting = {name: _varied(name, group.wrong)[:MOST_OF_ONE] for name, group in groups.items()}
    if PREMATURE in waiting and FALSE_ALARMS in groups:
        alarmed = {each.job for each in groups[FALSE_ALARMS].wrong}
        early = [each for each in groups[PREMATURE].wrong if each.job not in alarmed]
        waiting[PREMATURE] = _varied(PREMATURE, early)[:MOST_OF_ONE]
    order = sorted(groups, key=lambda name: (name in FAILURES, -len(groups[name].wrong) / groups[name].trials))
    taken = [(name, turn) for turn in range(MOST_OF_ONE) for name in order if turn < len(waiting[name])][:MOST]
    return {name: [waiting[name][turn] for its, turn in taken if its == name] for name in groups}


def _varied(name: str, wrong: Sequence[Wrong]) -> list[Wrong]:
    """The same ones, those whose clip (of controls and posers, whose name) was seen before put behind the others."""
    seen: dict[Hashable, int] = {}
    rounds = []
    for each in wrong:
        kind = each.told.trial.name if name in {CONTROLS, BELIEVED} else each.told.trial.source
        seen[kind] = seen.get(kind, -1) + 1
        rounds.append(seen[kind])
    return [each for _, each in sorted(zip(rounds, wrong, strict=True), key=lambda pair: pair[0])]
