"""Teach the continuation network, part one: real footage -> features of cells, broken at known frames and unbroken.

python tools/continuation_data.py REFERENCE OUT [PART PARTS]

REFERENCE is a folder of real clips with a manifest.csv (file, source_id). For each clip one file of examples is written
to OUT; files that are there are kept, so it can be stopped, run again, and run as several parts side by side.
"""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures import FAILURES, SEVERITIES, SHARES, Failure, block_difference
from bench.failures.controls import CONTROLS
from bench.failures.place import Scene
from bench.records import Picture
from bench.signals.cells import Cells
from bench.signals.views import Walk, working_picture
from bench.stages.calibrate import RATES, clips_of
from bench.video import content_hash, frames_per_second, is_held, read_frames

LONGEST = 80  # frames of a clip that are used
SHORTEST = 10
DRAWS = 14  # failures laid on a clip at each rate
SEEN = (3.0, 10.0)  # grey levels of a block: below nobody sees it, above everybody does
ABRUPT_STEPS, GRADUAL_STEPS = 3, 20  # after the onset; of gradual ones every second
LEFT_OUT = ("freeze",)  # repeated frames are no steps: standstill finds it
CONTROLS_A_RATE, CONTROL_EVERY = 4, 3


class Examples(NamedTuple):
    """Some steps of one clip. Labels: 1 broken, 0 not, -1 not told."""

    kind: str
    severity: str
    share: float
    onset: int
    frames: int
    steps: NDArray[np.int32]  # container frames
    features: NDArray[np.float16]  # (steps, rows, columns, features)
    broken: NDArray[np.int8]  # (steps,)
    cells: NDArray[np.int8]  # (steps, rows, columns)


class Teller:
    """Walks a clip and keeps the features of the steps it is asked to keep."""

    def __init__(self) -> None:
        self._walk, self._cells = Walk(), Cells()
        self._last: Picture | None = None

    def add(self, index: int, picture: Picture) -> NDArray[np.float16] | None:
        """Features of the step to this frame; None where there is no step."""
        if self._last is not None and is_held(self._last, picture):
            return None
        self._last = picture
        step = self._walk.step(index, picture)
        return None if step is None else self._cells.update(step).astype(np.float16)


def clean(kind: str, pictures: Sequence[Picture], every: int = 1) -> Examples:
    """An unbroken clip, every so many steps of it."""
    teller, steps, kept = Teller(), [], []
    for index, picture in enumerate(pictures):
        features = teller.add(index, picture)
        if features is not None and index % every == 0:
            steps.append(index)
            kept.append(features)
    return _sequence(kind, "", 0.0, len(pictures), len(pictures), steps, kept, None)


def _sequence(
    kind: str,
    severity: str,
    share: float,
    onset: int,
    frames: int,
    steps: list[int],
    kept: list[NDArray[np.float16]],
    differences: list[NDArray[np.float32]] | None,
) -> Examples:
    shape = kept[0].shape[:2] if kept else (0, 0)
    features = np.stack(kept) if kept else np.zeros((0, 0, 0, 0), np.float16)
    broken, cells = np.zeros(len(steps), np.int8), np.zeros((len(steps), *shape), np.int8)
    for k, blocks in enumerate(differences or []):
        difference = blocks[: shape[0], : shape[1]]
        cells[k] = np.where(difference > SEEN[1], 1, np.where(difference < SEEN[0], 0, -1))
        worst = float(difference.max())
        broken[k] = 1 if worst > SEEN[1] else -1
    return Examples(kind, severity, share, onset, frames, np.array(steps, np.int32), features, broken, cells)


def broken_ones(pictures: list[Picture], other: list[Picture], rng: np.random.Generator, draws: int) -> list[Examples]:
    """Failures laid on one clip, each going on from a copy of what was known before its onset."""
    names = [name for name in FAILURES if name not in LEFT_OUT]
    chosen = [FAILURES[str(name)] for name in rng.permutation(names)[:draws]]
    plans = sorted(((int(rng.integers(2, len(pictures) - 2)), failure) for failure in chosen), key=lambda plan: plan[0])
    teller, at, found = Teller(), 0, []
    for onset, failure in plans:
        while at < onset:
            teller.add(at, pictures[at])
            at += 1
        found.append(_broken(copy.deepcopy(teller), failure, pictures, other, onset, rng))
    return found


def _broken(
    teller: Teller,
    failure: Failure,
    pictures: list[Picture],
    other: list[Picture],
    onset: int,
    rng: np.random.Generator,
) -> Examples:
    severity = str(rng.choice(list(SEVERITIES)))
    share = float(rng.choice(SHARES)) if failure.local else 1.0
    last = min(len(pictures), onset + (ABRUPT_STEPS if failure.kind == "abrupt" else GRADUAL_STEPS))
    scene = Scene(pictures[:last] if failure.name not in ("frame_jump",) else pictures, other, onset, share)
    frames = failure.apply(scene, SEVERITIES[severity], rng)
    steps, kept, differences = [], [], []
    for index in range(onset, last):
        features = teller.add(index, frames[index])
        late = index - onset
        if features is None or (failure.kind == "gradual" and late > 2 and late % 2):
            continue
        steps.append(index)
        kept.append(features)
        differences.append(block_difference(pictures[index], frames[index]))
    return _sequence(failure.name, severity, share, onset, len(pictures), steps, kept, differences)


def examples(path: Path, others: Sequence[Path]) -> list[Examples]:
    """All examples made from one clip."""
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    pictures, fps = _read(path)
    other = _read(others[int(rng.integers(len(others)))])[0]
    height, width = pictures[0].shape[:2]
    other = [np.asarray(cv2.resize(picture, (width, height)), np.uint8) for picture in other]
    found = []
    for rate in RATES:
        step = max(1, round(fps / rate))
        kept = pictures[::step]
        if rate > fps * 1.3 or len(kept) < SHORTEST:
            continue
        found.append(clean(f"real {rate:g}", kept))
        found.append(clean(f"backward {rate:g}", kept[::-1], 2))
        names = [str(name) for name in rng.permutation(list(CONTROLS))[:CONTROLS_A_RATE]]
        found += [clean(name, CONTROLS[name](kept, other, rng), CONTROL_EVERY) for name in names]
        found += broken_ones(kept, other, rng, DRAWS)
    return [sequence for sequence in found if len(sequence.steps)]


def _read(path: Path) -> tuple[list[Picture], float]:
    pictures, times = [], []
    for frame in read_frames(path):
        pictures.append(working_picture(frame.picture))
        times.append(frame.time_seconds)
        if len(times) == LONGEST:
            break
    return pictures, frames_per_second(times)


def main(reference: str, out: str, part: str = "0", parts: str = "1") -> None:
    """Examples of every clip of this part."""
    cv2.setNumThreads(1)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    clips = clips_of(Path(reference))
    for path, source in clips[int(part) :: int(parts)]:
        target = folder / f"{path.stem}.npz"
        if target.exists():
            continue
        others = [other for other, its in clips if its != source]
        found = examples(path, others)
        content: dict[str, NDArray[np.generic]] = {
            "source": np.array(source),
            "sha256": np.array(content_hash(path)),
            "about": np.array([(s.kind, s.severity, str(s.share), str(s.onset), str(s.frames)) for s in found]),
            "lengths": np.array([len(s.steps) for s in found]),
            "steps": np.concatenate([s.steps for s in found]),
            "features": np.concatenate([s.features for s in found]),
            "broken": np.concatenate([s.broken for s in found]),
            "cells": np.concatenate([s.cells for s in found]),
        }
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **content)
        partial.rename(target)
        print(path.name, source, len(found), content["features"].shape, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
