"""Pictures of a study's worst misses, drawn again when all is judged: a job tells all that its trials are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from bench.executors import open_executor
from bench.failures import block_difference
from bench.records import Picture, Region, fingerprint
from bench.run_folder import replace as replace_file
from bench.signals.planes import BLOCK, STRIDE, region_of
from bench.stages import Crew
from bench.stages.misses import (
    BELIEVED,
    CONTROLS,
    FALSE_ALARMS,
    MISNAMED,
    PREMATURE,
    Miss,
    MissPicture,
    MissSection,
    Wrong,
    went_wrong,
    worst,
)
from bench.stages.trials import Told, TrialJob, trial_pictures
from bench.validation import VISIBLE
from bench.video import encode_jpeg

FOLDER = "misses"
PIXELS = 24_000  # of one picture of a strip
QUALITY = 80  # of its JPEG, of 100
AFTER = {"abrupt": (-1, 0, 4, 8), "gradual": (-1, 4, 8, 16), "control": (-1, 0, 4, 8)}  # frames from the onset
AROUND = (-8, -4, -2, -1, 0, 1, 4, 8)  # of a clip with nothing untouched to stand beside it
SPREAD = 8  # frames of a clip that was held to its end
UNTOUCHED, LAID = "untouched", "laid"
OURS = re.compile(r"[0-9a-f]{16}\.jpg")


@dataclass(frozen=True)
class DrawJob:
    """A strip to draw of one trial: frames of the untouched clip and of the laid one; `local` asks for regions."""

    trial: TrialJob
    number: int
    shown: tuple[tuple[str, int], ...]
    local: bool
    out: str
    file: str


def draw_misses(out: Path, jobs: Sequence[TrialJob], told: Sequence[Sequence[Told]], crew: Crew) -> list[MissSection]:
    """Choose the worst misses and write their strips into the folder `misses` of `out`; strips of before go."""
    groups = went_wrong(told)
    chosen = worst(groups)
    places = list(chain.from_iterable(chosen.values()))
    todo = [_draw_job(out, jobs[each.job], each, told[each.job][0].trial.frames) for each in places]
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    drawn: dict[tuple[int, int, str], Miss] = {}
    ended = open_executor(crew.executor)(draw_strip, todo, crew.workers)
    for done, (index, outcome) in enumerate(ended, start=1):
        miss = _miss(places[index], todo[index])
        drawn[_key(places[index])] = replace(miss, pictures=outcome.result or (), undrawn=outcome.missing)
        crew.progress("misses", done, len(todo))
    kept = {Path(job.file).name for job in todo}
    for path in (out / FOLDER).iterdir():
        if OURS.fullmatch(path.name) and path.name not in kept:
            path.unlink()
    return [
        MissSection(name, group.trials, len(group.wrong), tuple(drawn[_key(each)] for each in chosen[name]))
        for name, group in groups.items()
    ]


def _key(wrong: Wrong) -> tuple[int, int, str]:
    return wrong.job, wrong.number, wrong.how


def _draw_job(out: Path, job: TrialJob, wrong: Wrong, untouched: int) -> DrawJob:
    shown = tuple(shown_frames(wrong, untouched))
    name = fingerprint([asdict(job), wrong.number, shown, PIXELS, QUALITY])[:16]
    return DrawJob(job, wrong.number, shown, 0 < wrong.told.trial.share < 1, str(out), f"{FOLDER}/{name}.jpg")


def shown_frames(wrong: Wrong, untouched: int) -> Iterator[tuple[str, int]]:
    """Which frames a strip shows, as (clip, frame), in order of time; `untouched` is the length of that clip.

    About the onset each frame of the laid clip follows the untouched one. Where there is none to compare (a false
    alarm, another frame rate), the laid clip alone: about the onset that was told, or spread over all of it.
    """
    trial, named = wrong.told.trial, wrong.finding.onset
    last = trial.frames - 1
    if wrong.how == BELIEVED:
        frames = {round(float(frame)) for frame in np.linspace(0, last, SPREAD)}
    else:
        about = trial.onset if named is None or wrong.how not in {PREMATURE, FALSE_ALARMS, CONTROLS} else named
        alone = wrong.how in {PREMATURE, FALSE_ALARMS} or trial.frames != untouched
        frames = {min(max(about + step, 0), last) for step in (AROUND if alone else AFTER[trial.kind])}
        if wrong.how == MISNAMED and named is not None:
            frames = {*sorted(frames)[:-1], named}
        if not alone:
            yield from ((clip, frame) for frame in sorted(frames) for clip in (UNTOUCHED, LAID))
            return
    yield from ((LAID, frame) for frame in sorted(frames))


def _miss(wrong: Wrong, job: DrawJob) -> Miss:
    trial, told = wrong.told.trial, wrong.told
    return Miss(
        how=wrong.how,
        name=trial.name,
        kind=trial.kind,
        severity=trial.severity,
        share=trial.share,
        clip=job.trial.footage.name,
        frames=trial.frames,
        onset=trial.onset,
        visibility=trial.visibility,
        held_frames=round(told.held_share * trial.frames),
        evidence=wrong.finding.score,
        alarm=wrong.finding.alarm,
        named=wrong.finding.onset,
        cause=told.cause,
        peak=told.peak,
        strip=job.file,
        pictures=(),
    )


def draw_strip(job: DrawJob) -> tuple[MissPicture, ...]:
    """Write one strip, equal pictures once; what it shows, in the order asked for. Raises MissingClip."""
    untouched, laid = trial_pictures(job.trial, job.number)
    clips: Mapping[str, Sequence[Picture]] = {UNTOUCHED: untouched, LAID: laid}
    different: list[Picture] = []
    shown = []
    for clip, frame in job.shown:
        picture = clips[clip][frame]
        place = next((k for k, other in enumerate(different) if np.array_equal(other, picture)), len(different))
        if place == len(different):
            different.append(picture)
        region = _difference(untouched[frame], picture) if job.local and clip == LAID else None
        shown.append(MissPicture(clip, frame, place, region))
    content = encode_jpeg(np.hstack([_reduced(picture) for picture in different]), QUALITY)
    replace_file(Path(job.out) / job.file, partial(_write, content=content))
    return tuple(shown)


def _difference(untouched: Picture, laid: Picture) -> Region | None:
    """The box around what differs most; None where nobody would see a difference."""
    blocks = block_difference(untouched, laid)
    if float(blocks.max()) < VISIBLE:
        return None
    return region_of(blocks, BLOCK, STRIDE, (untouched.shape[0], untouched.shape[1]))


def _reduced(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    scale = min((PIXELS / (width * height)) ** 0.5, 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
