"""Steps of clips, broken at known frames and unbroken: the features of their cells, and what is to be said of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.failures import FAILURES, SEVERITIES, SHARES, Failure, block_difference
from bench.failures.place import Scene
from bench.records import Picture
from bench.signals.cells import Cells
from bench.signals.continuation import extremes
from bench.signals.views import Walk
from bench.video import is_held

SEEN = (3.0, 10.0)  # grey levels of a block: below nobody sees it, above everybody does
ABRUPT_STEPS, GRADUAL_STEPS = 3, 18  # after the onset; of gradual ones every second
LEFT_OUT = ("freeze",)  # repeated frames are no steps: standstill finds it
HARD = ("shuffle", "reverse", "ghosting", "local_wobble", "local_melt", "local_freeze", "hue_drift", "elastic_morph")
"""Failures that are laid on twice as often as others."""


class Examples(NamedTuple):
    """Some steps of one clip. Labels: 1 broken, 0 not, -1 not told."""

    kind: str
    severity: str
    share: float
    onset: int
    frames: int
    steps: NDArray[np.int32]  # container frames
    features: NDArray[np.float16]  # (steps, rows, columns, features)
    spreads: NDArray[np.float32]  # (steps, 4 x features): their extremes over cells, which every network is told
    whole: NDArray[np.float32]  # (steps, features of the whole picture)
    broken: NDArray[np.int8]  # (steps,)
    cells: NDArray[np.int8]  # (steps, rows, columns)


Kept = list[tuple[int, NDArray[np.float16], NDArray[np.float32]]]


class Plan(NamedTuple):
    """Frames that go another way from the onset on; `gradual` ones are looked at for longer."""

    name: str
    severity: str
    share: float
    onset: int
    gradual: bool
    frames: Sequence[Picture]


class Teller:
    """Walks a clip and gives the features of each step."""

    def __init__(self) -> None:
        self._walk, self._cells = Walk(), Cells()
        self._last: Picture | None = None

    def add(self, index: int, picture: Picture) -> tuple[int, NDArray[np.float16], NDArray[np.float32]] | None:
        """(frame, features) of the step to this frame; None where there is no step."""
        if self._last is not None and is_held(self._last, picture):
            return None
        self._last = picture
        step = self._walk.step(index, picture)
        if step is None:
            return None
        features, whole = self._cells.update(step)
        return index, features.astype(np.float16), whole


def unbroken(kind: str, pictures: Sequence[Picture], every: int = 1, plans: Sequence[Plan] = ()) -> list[Examples]:
    """An unbroken clip, every so many steps of it, and what becomes of it by each plan, in order of their onsets."""
    teller, kept, found = Teller(), Kept(), list[Examples]()
    waiting = sorted(plans, key=lambda plan: plan.onset)
    for index, picture in enumerate(pictures):
        while waiting and waiting[0].onset == index:
            found.append(_broken(copy.deepcopy(teller), waiting.pop(0), pictures))
        told = teller.add(index, picture)
        if told and (index - 1) % every == 0:  # the first step too: there is nothing before it that it could go on from
            kept.append(told)
    return [_sequence(kind, "", 0.0, len(pictures), len(pictures), kept, []), *found]


def _broken(teller: Teller, plan: Plan, pictures: Sequence[Picture]) -> Examples:
    kept, differences = Kept(), []
    last = min(len(plan.frames), len(pictures), plan.onset + (GRADUAL_STEPS if plan.gradual else ABRUPT_STEPS))
    for index in range(plan.onset, last):
        told, late = teller.add(index, plan.frames[index]), index - plan.onset
        if told is None or (plan.gradual and late > 2 and late % 2):
            continue
        kept.append(told)
        differences.append(block_difference(pictures[index], plan.frames[index]))
    return _sequence(plan.name, plan.severity, plan.share, plan.onset, len(pictures), kept, differences)


def _sequence(
    kind: str,
    severity: str,
    share: float,
    onset: int,
    frames: int,
    kept: Kept,
    differences: list[NDArray[np.float32]],
) -> Examples:
    shape = kept[0][1].shape[:2] if kept else (0, 0)
    features = np.stack([each for _, each, _ in kept]) if kept else np.zeros((0, 0, 0, 0), np.float16)
    whole = np.stack([each for _, _, each in kept]) if kept else np.zeros((0, 0), np.float32)
    broken, cells = np.zeros(len(kept), np.int8), np.zeros((len(kept), *shape), np.int8)
    for k, blocks in enumerate(differences):
        difference = blocks[: shape[0], : shape[1]]
        cells[k] = np.where(difference > SEEN[1], 1, np.where(difference < SEEN[0], 0, -1))
        broken[k] = 1 if float(difference.max()) > SEEN[1] else -1
    steps = np.array([index for index, _, _ in kept], np.int32)
    spreads = np.array([extremes(each.astype(np.float32)) for each in features], np.float32)
    return Examples(kind, severity, share, onset, frames, steps, features, spreads, whole, broken, cells)


def plans_for(pictures: Sequence[Picture], other: list[Picture], rng: np.random.Generator, draws: int) -> list[Plan]:
    """Failures to lay on one clip, hard ones more often."""
    names = [name for name in FAILURES if name not in LEFT_OUT]
    chances = np.array([2.0 if name in HARD else 1.0 for name in names])
    chosen = rng.choice(names, draws, replace=False, p=chances / chances.sum())
    return [_plan(FAILURES[str(name)], pictures, other, rng) for name in chosen]


def _plan(failure: Failure, pictures: Sequence[Picture], other: list[Picture], rng: np.random.Generator) -> Plan:
    onset = int(rng.integers(2, len(pictures) - 2))
    severity = str(rng.choice(list(SEVERITIES)))
    share = float(rng.choice(SHARES)) if failure.local else 1.0
    gradual = failure.kind == "gradual"
    last = min(len(pictures), onset + (GRADUAL_STEPS if gradual else ABRUPT_STEPS))
    scene = Scene(pictures if failure.name == "frame_jump" else pictures[:last], other, onset, share)
    frames = failure.apply(scene, SEVERITIES[severity], rng)
    return Plan(failure.name, severity, share, onset, gradual, frames)
