"""pair: the clips of two models, by prompt and seed. The triple model, prompt, seed is the only join key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.comparison import MISSING, Horizons, Sides, stand_in
from bench.records import ClipRow, FrameholdError, MissingRule, Suite
from bench.run_folder import RunFolder
from bench.stages.asked import row_faults
from bench.stages.redraw import HeldRun, redraw
from bench.stages.seal import changed_files
from bench.summary import Draws, Judged
from bench.verdict import ClipPair, Side

Key = tuple[str, int]  # prompt and seed


@dataclass(frozen=True)
class Contender:
    """One model of a summarized run."""

    run: HeldRun
    model: str

    @cached_property
    def rows(self) -> dict[Key, ClipRow]:
        """Its clips, the missing ones included."""
        return self.run.of(self.model)

    def side(self) -> Side:
        """What a comparison tells of it."""
        spec, rows = self.run.spec, self.rows.values()
        return Side(
            run=str(self.run.folder.root),
            model=self.model,
            suite=f"{spec.suite.name}-v{spec.suite.version}",
            suite_sha256=spec.suite.sha256,
            profile=f"{self.run.calibration.profile}-{self.run.calibration.profile_version}",
            calibration=self.run.calibration_mark,
            clips=len(rows),
            missing=sum(row.clip_id in self.run.missing for row in rows),
            missing_rule=spec.missing,
        )


def open_contender(place: str | Path) -> Contender:
    """RUN, or RUN:MODEL where the run has several models. Raises FrameholdError naming what there is to choose from."""
    if not str(place).strip():
        raise FrameholdError("an empty name where a run was expected: give RUN, or RUN:MODEL")
    root, model = _split(str(place))
    run = open_held(RunFolder(root))
    if not model:
        if len(run.models) > 1:
            choices = ", ".join(f"{root}:{name}" for name in run.models)
            raise FrameholdError(f"{root} has {len(run.models)} models: choose one as {choices}")
        return Contender(run, run.models[0])
    if model not in run.models:
        raise FrameholdError(f"{root} has no model {model!r}: it has {', '.join(run.models)}")
    return Contender(run, model)


def open_held(folder: RunFolder) -> HeldRun:
    """A summarized run that is as it was made. Raises FrameholdError naming the first file that was changed since."""
    found = list(alterations(folder, folder.spec().suite, folder.clips()))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise FrameholdError(
            f"{folder.root}: {found[0]}{more}: run `framehold verify {folder.root}` to see what was changed"
        )
    return redraw(folder)


def alterations(folder: RunFolder, suite: Suite, clips: Sequence[ClipRow]) -> Iterator[str]:
    """What in a run does not fit its seal, where it has one, or its suite. A table left behind is no change."""
    yield from changed_files(folder, gone=False) or ()
    yield from row_faults(suite, clips)


def _split(place: str) -> tuple[str, str]:
    """A folder and a model. A colon in the folder's own name is no separator."""
    for position in [len(place), *(at for at, letter in enumerate(place) if letter == ":")]:
        if (Path(place[:position]) / "spec.json").is_file():
            return place[:position], place[position + 1 :]
    return place, ""


def differences(one: HeldRun, other: HeldRun) -> list[str]:
    """In what two runs differ although only runs that agree in it can be compared."""
    if one.folder.root == other.folder.root:
        return []
    found = {
        "suite": one.spec.suite.sha256 != other.spec.suite.sha256,
        "prompts": _texts(one) != _texts(other) and not one.spec.suite.prompts,
        "profile": (one.calibration.profile, one.calibration.profile_version)
        != (other.calibration.profile, other.calibration.profile_version),
        "calibration": one.calibration_mark != other.calibration_mark,
        "CLIP": one.spec.clip_model != other.spec.clip_model,
    }
    return [name for name, differing in found.items() if differing]


def _texts(run: HeldRun) -> dict[str, tuple[str, str]]:
    """The prompts that a run without a suite was made from: text, and what must move."""
    return {clip.prompt_id: (clip.prompt, clip.moves) for clip in run.clips.values()}


@dataclass(frozen=True)
class Pairing:
    """Every prompt and seed that both models were asked for."""

    baseline: Contender
    candidate: Contender

    @cached_property
    def asked(self) -> list[Key]:
        """Prompts and seeds that both were asked for, in the order of the baseline."""
        return [key for key in self.baseline.rows if key in self.candidate.rows]

    @property
    def unpaired(self) -> int:
        """Clips whose prompt and seed the other side was never asked for."""
        return len(self.baseline.rows) + len(self.candidate.rows) - 2 * len(self.asked)

    def judged(self) -> tuple[list[Judged | None], list[Judged | None]]:
        """The holds of both sides, pair by pair; None where the clip is missing."""
        ones, others = self.baseline.rows, self.candidate.rows
        return (
            [self.baseline.run.judged.get(ones[key].clip_id) for key in self.asked],
            [self.candidate.run.judged.get(others[key].clip_id) for key in self.asked],
        )

    def missing(self) -> tuple[int, int]:
        """(pairs of which one side is missing, of which both are)."""
        pairs = list(zip(*self.judged(), strict=True))
        neither = sum(one is None and other is None for one, other in pairs)
        return sum(one is None or other is None for one, other in pairs) - neither, neither

    def there(self) -> Sides:
        """The clips that are there of what both were asked for, whether or not the partner is: no pairs."""
        ones, others = self.judged()
        return Sides([one for one in ones if one], [other for other in others if other])

    def sides(self) -> Sides:
        """The pairs of which both clips are there. Raises FrameholdError when there is none."""
        pairs = [
            (one, other) for one, other in zip(*self.judged(), strict=True) if one is not None and other is not None
        ]
        if not pairs:
            raise FrameholdError(self._nothing_there())
        return Sides([one for one, _ in pairs], [other for _, other in pairs], self._draws())

    def filled(self, horizons: Horizons, baseline_holds: bool, candidate_holds: bool) -> Sides:
        """The pairs of which one clip at least is there, the other one as if it had held, or broken at once."""
        ones, others = [], []
        for one, other in zip(*self.judged(), strict=True):
            there = one or other
            if there is not None:
                ones.append(one or stand_in(there, baseline_holds, horizons))
                others.append(other or stand_in(there, candidate_holds, horizons))
        return Sides(ones, others, self._draws())

    def by_rule(self, rule: MissingRule, horizons: Horizons) -> Sides:
        """The pairs as missing clips enter: left out with their partner, or broken at once on whichever side."""
        if rule == "left-out":
            return self.sides()
        somewhere = next((clip for side in self.there()[:2] for clip in side), None)
        if somewhere is None:
            raise FrameholdError(self._nothing_there())
        ones, others = [], []
        for key, one, other in zip(self.asked, *self.judged(), strict=True):
            row = self.baseline.rows[key]
            like = one or other or replace(somewhere, prompt_id=row.prompt_id, category=row.category)
            ones.append(one or stand_in(like, False, horizons))
            others.append(other or stand_in(like, False, horizons))
        return Sides(ones, others, self._draws())

    def _nothing_there(self) -> str:
        for side in (self.baseline, self.candidate):
            if side.rows and not any(row.clip_id in side.run.judged for row in side.rows.values()):
                reason = next(iter(side.run.missing.values()))
                return (
                    f"{side.run.folder.root}: all {len(side.rows)} clips of {side.model} are missing ({reason}); "
                    "pass --missing broken to count them as broken at once"
                )
        return f"{self.baseline.model} and {self.candidate.model} have no prompt and seed of which both have a clip"

    def same_bytes(self) -> bool:
        """Is every clip of either the other's, byte for byte, and judged by the same rule? Both may be missing it."""
        if self.unpaired or differences(self.baseline.run, self.candidate.run):
            return False
        ones, others = self.baseline.rows, self.candidate.rows
        pairs = [(ones[key].sha256, others[key].sha256) for key in self.asked]
        return any(one for one, _ in pairs) and all(one == other for one, other in pairs)

    def clips_of(self, prompt_id: str) -> tuple[ClipPair, ...]:
        """Both clips of every pair of a prompt of which one is there."""
        found = []
        for key, one, other in zip(self.asked, *self.judged(), strict=True):
            if key[0] == prompt_id and (one or other):
                before, after = self.baseline.rows[key], self.candidate.rows[key]
                found.append(
                    ClipPair(
                        prompt_id,
                        key[1],
                        before.prompt,
                        one.hold.held_frames if one else None,
                        other.hold.held_frames if other else None,
                        one.hold.cause if one else MISSING,
                        other.hold.cause if other else MISSING,
                        _file(self.baseline.run, before),
                        _file(self.candidate.run, after),
                    )
                )
        return tuple(found)

    def _draws(self) -> tuple[Draws, Draws]:
        """Thresholds drawn together where one calibration judged both, and apart where two did."""
        one, other = self.baseline.run, self.candidate.run
        if one.calibration_mark == other.calibration_mark:
            return one.draws, other.draws
        return one.draws, replace(other.draws, chosen=np.roll(other.draws.chosen, 1, axis=1))


def _file(run: HeldRun, row: ClipRow) -> str | None:
    """Where a browser finds the clip; None where the run came without it, or its row leads out of the run."""
    root = run.folder.root
    for shown in (row.preview, row.file):
        if shown and (root / shown).resolve().is_relative_to(root.resolve()) and (root / shown).exists():
            return (root / shown).as_posix()
    return None
