"""Teach the continuation network, part one: footage -> features of cells, broken at known frames and unbroken.

python -m tools.continuation_data REFERENCE OUT [PART PARTS]

REFERENCE is a folder of real clips with a manifest.csv (file, source_id). For each take of each clip, and for each of
some clips drawn by the procedural backend, one file of examples is written to OUT; files that are there are kept, so it
can be stopped, run again, and run as several parts side by side.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.failures.controls import CONTROLS, faded
from bench.records import Picture
from bench.signals.views import working_picture
from bench.stages.calibrate import FASTER, RATES
from bench.stages.survey import clips_of
from bench.video import content_hash, frames_per_second, read_frames
from tools.continuation_drawn import DRAWN, FIRST_SEED, DrawnClip, drawn_clip
from tools.continuation_examples import Examples, Plan, plans_for, unbroken
from tools.continuation_visits import visited
from tools.continuation_whips import whipped

LONGEST = 64  # frames of a take
SHORTEST = 10
TAKES, WHOLE_TAKES = 6, 2  # of each clip; the first show the whole picture from its first frame on, others a part
FASTEST_EVERY = 3  # takes: one at the fastest rate of the clip, so that all rates are taught about alike
VISITED_TAKES, WHIPPED_TAKES = 4, 3  # that things come into, and under a restless camera
STAGED_LONGEST, STAGED_DRAWS = 48, 5  # of these
SMALLEST_PART = 0.5  # of the width and of the height
DRAWS = 14  # failures laid on a take
DRAWN_DRAWS = 6
CONTROLS_A_TAKE, CONTROL_EVERY, BACKWARD_EVERY = 2, 2, 3
DRAWN_FADED = 40  # drawn clips that also fade
# Of random numbers, beside the numbers of takes.
SEEDS = {"fades": 12, "visited": 100, "whipped": 200, "controlled": 300}
FADES, FADED = "fades", (0.1, 0.6)  # light that comes and goes, the hardest control: share of the take that it lasts


class Footage(NamedTuple):
    """A clip at its own size."""

    pictures: list[Picture]
    fps: float


def rates_of(footage: Footage) -> dict[float, int]:
    """Rates that a clip can stand for, the fastest first, and its frames from one to the next; none if too short."""
    steps = {rate: max(1, round(footage.fps / rate)) for rate in RATES if rate <= footage.fps * FASTER}
    return {rate: step for rate, step in steps.items() if len(footage.pictures[::step]) >= SHORTEST}


def take(footage: Footage, number: int, rng: np.random.Generator) -> tuple[float, list[Picture]] | None:
    """(rate, frames at the working size) of one take; None where the clip is too short for any rate.

    Every third take is at the fastest rate that the clip can stand for, the others at one of the others.
    """
    rates = list(rates_of(footage))
    if not rates:
        return None
    fastest = number % FASTEST_EVERY == 0
    rate = rates[0] if fastest else rates[int(rng.integers(min(1, len(rates) - 1), len(rates)))]
    whole = number < WHOLE_TAKES
    return rate, _cut(footage, rate, LONGEST, rng, from_start=whole, whole=whole)


def _cut(
    footage: Footage, rate: float, longest: int, rng: np.random.Generator, *, from_start: bool, whole: bool
) -> list[Picture]:
    """Frames of the whole picture or of a part of it, at the working size."""
    chosen = _frames(footage, rate, longest, rng, from_start=from_start)
    rows, columns = (slice(0, side) if whole else _part(side, rng) for side in chosen[0].shape[:2])
    return [working_picture(np.ascontiguousarray(picture[rows, columns])) for picture in chosen]


def _frames(
    footage: Footage, rate: float, longest: int, rng: np.random.Generator, *, from_start: bool
) -> list[Picture]:
    """At most so many frames at that rate, from any one on or from the first."""
    step = rates_of(footage)[rate]
    longest = min(longest, len(footage.pictures) // step)
    start = 0 if from_start else int(rng.integers(len(footage.pictures) - (longest - 1) * step))
    return footage.pictures[start::step][:longest]


def _part(side: int, rng: np.random.Generator) -> slice:
    length = round(side * float(rng.uniform(SMALLEST_PART, 1)))
    begin = int(rng.integers(side - length + 1))
    return slice(begin, begin + length)


def examples(footage: Footage, other: Footage, number: int, rng: np.random.Generator) -> list[Examples]:
    """All examples made from one take of a real clip."""
    taken = take(footage, number, rng)
    if taken is None:
        return []
    rate, pictures = taken
    strange = _fitted(other, pictures[0])
    found = unbroken(f"real {rate:g}", pictures, plans=plans_for(pictures, strange, rng, DRAWS))
    if int(rng.integers(BACKWARD_EVERY)) == 0:
        found += unbroken(f"backward {rate:g}", pictures[::-1], CONTROL_EVERY)
    for name in rng.choice(list(CONTROLS), CONTROLS_A_TAKE if number < WHOLE_TAKES else 1, replace=False):
        found += unbroken(str(name), CONTROLS[str(name)](pictures, strange, rng), CONTROL_EVERY)
    return [sequence for sequence in found if len(sequence.steps)]


def examples_staged(
    kind: str, footage: Footage, other: Footage, guest: Footage, number: int, rng: np.random.Generator
) -> list[Examples]:
    """All examples made from one take that things of the guest come into (`visited`), or under a restless camera
    (`whipped`); one at each rate in turn.
    """
    rates = list(rates_of(footage))
    if not rates:
        return []
    rate = rates[number % len(rates)]
    if kind == "visited":
        pictures = _cut(footage, rate, STAGED_LONGEST, rng, from_start=False, whole=number % 2 == 0)
        staged = visited(pictures, _fitted(guest, pictures[0]), rng)
    else:
        staged = whipped(_frames(footage, rate, STAGED_LONGEST, rng, from_start=False), rng)
    plans = plans_for(staged, _fitted(other, staged[0]), rng, STAGED_DRAWS)
    return [sequence for sequence in unbroken(f"{kind} {rate:g}", staged, plans=plans) if len(sequence.steps)]


def examples_controlled(footage: Footage, other: Footage, rng: np.random.Generator) -> list[Examples]:
    """Every control on a take of its own, each second one at the fastest rate; which, chance decides."""
    rates, found = list(rates_of(footage)), list[Examples]()
    for number, name in enumerate(rng.permutation(list(CONTROLS)) if rates else ()):
        rate = rates[0 if number % 2 else int(rng.integers(len(rates)))]
        pictures = _cut(footage, rate, STAGED_LONGEST, rng, from_start=False, whole=True)
        hard = CONTROLS[str(name)](pictures, _fitted(other, pictures[0]), rng)
        found += unbroken(f"{name} {rate:g}", hard, CONTROL_EVERY)
    return [sequence for sequence in found if len(sequence.steps)]


def _fitted(other: Footage, picture: Picture) -> list[Picture]:
    height, width = picture.shape[:2]
    return [np.asarray(cv2.resize(each, (width, height)), np.uint8) for each in other.pictures[:LONGEST]]


def fades(footage: Footage, rng: np.random.Generator) -> list[Examples]:
    """The first two takes of a clip, each coming up from black and going to black, fast or slowly."""
    takes = [taken for number in range(WHOLE_TAKES) if (taken := take(footage, number, rng))]
    return [one for rate, pictures in takes for one in _fades(pictures, f"{rate:g}", rng)]


def _fades(pictures: Sequence[Picture], rate: str, rng: np.random.Generator) -> list[Examples]:
    found = []
    for name, turned in (("fade_in", 1), ("fade_out", -1)):
        light = np.arange(len(pictures)) / (len(pictures) * float(rng.uniform(*FADED)))
        found += unbroken(f"{name} {rate}", faded(pictures, light[::turned]), CONTROL_EVERY)
    return [sequence for sequence in found if len(sequence.steps)]


def examples_drawn(clip: DrawnClip) -> list[Examples]:
    """All examples made from one drawn clip: known failures laid on it, and the renderer's own."""
    rng = np.random.default_rng(clip.seed)
    own = [Plan(f"drawn-{one.name}", "", 0.0, one.onset, one.gradual, one.frames) for one in clip.broken]
    plans = plans_for(clip.pictures, clip.other, rng, DRAWN_DRAWS) + own
    return [sequence for sequence in unbroken("real drawn", clip.pictures, plans=plans) if len(sequence.steps)]


def _read(path: Path) -> Footage:
    frames = list(read_frames(path))
    return Footage([frame.picture for frame in frames], frames_per_second([frame.time_seconds for frame in frames]))


def _todo(reference: Path, folder: Path, part: int, parts: int) -> Iterator[tuple[Path, str, str, list[Examples]]]:
    """(file to write, source, sha256, examples) of everything of this part that is not there yet."""
    clips = clips_of(reference)
    for path, source in clips[part::parts]:
        targets = {(kind, number): folder / f"{path.stem}-{name}.npz" for kind, number, name in _parts()}
        missing = [key for key, target in targets.items() if not target.exists()]
        if not missing:
            continue
        footage, sha256 = _read(path), content_hash(path)
        others = [other for other, its in clips if its != source]
        for kind, number in missing:
            yield targets[kind, number], source, sha256, _made(kind, number, footage, others, path.name)
    for number in range(DRAWN)[part::parts]:
        name = f"drawn-{number}"
        if not (target := folder / f"{name}.npz").exists():
            yield target, name, name, examples_drawn(drawn_clip(number))
        if number < DRAWN_FADED and not (target := folder / f"{name}-{FADES}.npz").exists():
            pictures, rng = drawn_clip(number).pictures, np.random.default_rng([FIRST_SEED, number, 1])
            yield target, name, name, _fades(pictures, "drawn", rng)


def _parts() -> Iterator[tuple[str, int, str]]:
    """(kind, number, end of the file's name) of all that is made of one clip."""
    yield from (("take", number, str(number)) for number in range(TAKES))
    yield "fades", 0, FADES
    yield "controlled", 0, "c0"
    yield from (("visited", number, f"v{number}") for number in range(VISITED_TAKES))
    yield from (("whipped", number, f"w{number}") for number in range(WHIPPED_TAKES))


def _made(kind: str, number: int, footage: Footage, others: Sequence[Path], file: str) -> list[Examples]:
    """Examples of a clip, which depend on what they are and on the name of its file."""
    rng = np.random.default_rng([int(hashlib.sha256(file.encode()).hexdigest()[:8], 16), SEEDS.get(kind, 0) + number])
    if kind == "fades":
        return fades(footage, rng)
    other = _read(others[int(rng.integers(len(others)))])
    if kind == "take":
        return examples(footage, other, number, rng)
    if kind == "controlled":
        return examples_controlled(footage, other, rng)
    guest = _read(others[int(rng.integers(len(others)))])
    return examples_staged(kind, footage, other, guest, number, rng)


def main(reference: str, out: str, part: str = "0", parts: str = "1") -> None:
    """Examples of every clip of this part."""
    cv2.setNumThreads(1)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for target, source, sha256, found in _todo(Path(reference), folder, int(part), int(parts)):
        if not found:
            continue
        content: dict[str, NDArray[np.generic]] = {
            "source": np.array(source),
            "sha256": np.array(sha256),
            "about": np.array([(s.kind, s.severity, str(s.share), str(s.onset), str(s.frames)) for s in found]),
            "lengths": np.array([len(s.steps) for s in found]),
            "steps": np.concatenate([s.steps for s in found]),
            "features": np.concatenate([s.features for s in found]),
            "spreads": np.concatenate([s.spreads for s in found]),
            "whole": np.concatenate([s.whole for s in found]),
            "broken": np.concatenate([s.broken for s in found]),
            "cells": np.concatenate([s.cells for s in found]),
        }
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **content)
        partial.rename(target)
        print(target.name, source, len(found), content["features"].shape, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
