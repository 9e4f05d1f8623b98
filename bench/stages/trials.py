"""Trials of a study: one clip of unbroken footage, broken in known ways at known frames, and judged each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.backends.procedural import ProceduralBackend
from bench.failures import FAILURES, SEVERITIES, visibility
from bench.failures.adversaries import posing
from bench.failures.controls import CONTROLS
from bench.failures.place import Scene
from bench.holds import judge
from bench.records import ClipKey, ClipRequest, MissingClip, Moves, Picture, Prompt, RateClass, counted
from bench.signals.views import working_picture
from bench.stages.score import Scoring, one_thread
from bench.validation import OWN, Finding, Trial
from bench.video import Frame, frames_per_second, read_frames

RATE = 24.0  # frames a second of the study's clips, by leaving out frames of faster ones
SEEN_SECONDS = 0.5  # within which a failure is looked at to say how visible it is
SSIM_WINDOW = 7  # pixels
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # of SSIM

BASELINES = ("frame difference", "brightness difference", "VBench flickering", "neighbour SSIM", "Lai warping error")


@dataclass(frozen=True)
class Footage:
    """Where an unbroken clip comes from: a file, or a prompt drawn with a seed."""

    name: str
    source: str
    path: str | None = None
    prompt: Prompt | None = None
    seed: int = 0
    sha256: str | None = None


@dataclass(frozen=True)
class Break:
    """One failure to lay on a clip; the onset is a share of the clip's length."""

    failure: str
    severity: str
    share: float
    place: float
    seed: int


@dataclass(frozen=True)
class TrialJob:
    """All trials of one clip."""

    footage: Footage
    other: Footage
    frames: int
    profile: str
    classes: tuple[RateClass, ...]
    breaks: tuple[Break, ...]
    controls: tuple[str, ...]
    adversaries: tuple[str, ...]
    seed: int


class Told(NamedTuple):
    """A trial with framehold's own finding, and what the baselines measured of its frames (of controls, nothing)."""

    trial: Trial
    baselines: Mapping[str, list[float]]
    held_share: float
    """Frames held over frames, stillness counted against the clip."""
    cause: str | None = None
    """Of the break, where framehold told one."""
    peak: tuple[int, str] | None = None
    """The frame with the most evidence and its signal; studies of before did not keep it."""


class Steady(NamedTuple):
    """A clip of the study that is said to be unbroken, and what must move in it."""

    name: str
    kind: str
    pictures: Sequence[Picture]
    moves: Moves


def run_trials(job: TrialJob) -> list[Told]:
    """The clip unbroken, under its controls, as its adversaries, and broken in its ways. Raises MissingClip."""
    with one_thread():
        pictures, others, fps = _scenery(job)
        watch = _Watch(job, fps)
        told = [watch.judge(*steady) for steady in _steady(job, pictures, others)]
        return told + watch.broken(pictures, others)


def trial_pictures(job: TrialJob, number: int) -> tuple[list[Picture], list[Picture]]:
    """The untouched frames of a job's clip, and those of one of its trials, numbered as `run_trials` tells them.

    All are at the working size. Raises MissingClip.
    """
    with one_thread():
        pictures, others, _ = _scenery(job)
        if steady := next(islice(_steady(job, pictures, others), number, None), None):
            return pictures, list(steady.pictures)
        onset, plan = _plans(job, len(pictures))[number - 1 - len(job.controls) - len(job.adversaries)]
        return pictures, _laid(plan, onset, pictures, others)


def _scenery(job: TrialJob) -> tuple[list[Picture], list[Picture], float]:
    """The clip, the footage it is mixed with, at its size, and frames a second."""
    pictures, fps = footage_frames(job.footage, job.frames)
    return pictures, _as_large(footage_frames(job.other, job.frames)[0], pictures[0]), fps


def _steady(job: TrialJob, pictures: Sequence[Picture], others: Sequence[Picture]) -> Iterator[Steady]:
    """One after another: each draws from where the one before it left the generator."""
    yield Steady("", "clean", pictures, "none")
    rng = np.random.default_rng(job.seed)
    for name in job.controls:
        yield Steady(name, "control", CONTROLS[name](pictures, others, rng), "none")
    for name in job.adversaries:
        yield Steady(name, "adversary", posing(name, pictures, rng), "subject")


def _plans(job: TrialJob, frames: int) -> list[tuple[int, Break]]:
    """Each break with the frame of its onset, the earliest first."""
    return sorted(((max(1, round(one.place * (frames - 1))), one) for one in job.breaks), key=_onset)


def _laid(plan: Break, onset: int, pictures: Sequence[Picture], others: Sequence[Picture]) -> list[Picture]:
    scene = Scene(pictures, others, onset, plan.share)
    return FAILURES[plan.failure].apply(scene, SEVERITIES[plan.severity], np.random.default_rng(plan.seed))


@lru_cache(maxsize=4)
def footage_frames(footage: Footage, most: int) -> tuple[list[Picture], float]:
    """The opening frames of footage at the working size and about 24 a second, and their rate. Raises MissingClip."""
    if footage.prompt:
        key = ClipKey("procedural/steady", footage.prompt.id, footage.seed)
        request = ClipRequest(key, footage.prompt, most, RATE, 256, 256)
        return [working_picture(picture) for picture in ProceduralBackend().fetch(request).frames or ()], RATE
    pictures: list[Picture] = []
    times: list[float] = []
    for frame in read_frames(Path(footage.path or "")):
        pictures.append(working_picture(frame.picture))
        times.append(frame.time_seconds)
        if len(times) > 1 and len(times) > most * max(1, round(frames_per_second(times) / RATE)):
            break
    if len(times) < 2:
        raise MissingClip(f"{footage.path}: {counted(len(times), 'frame')}: too few for a study")
    fps = frames_per_second(times)
    step = max(1, round(fps / RATE))
    return pictures[::step][:most], fps / step


def _as_large(pictures: Sequence[Picture], like: Picture) -> list[Picture]:
    size = like.shape[1], like.shape[0]
    return [np.asarray(cv2.resize(picture, size), np.uint8) for picture in pictures]


class _Watch:
    """Judges clips by one rule."""

    def __init__(self, job: TrialJob, fps: float) -> None:
        self.job, self.fps = job, fps
        self._untouched: dict[str, list[float]] = {}

    def start(self) -> Scoring:
        return Scoring(self.job.profile, unseen=self.job.footage.sha256)

    def judge(self, name: str, kind: str, pictures: Sequence[Picture], moves: Moves) -> Told:
        """A whole clip that is said to be unbroken."""
        scoring = self.start()
        for index, picture in enumerate(pictures):
            scoring.add(Frame(index, index / self.fps, picture))
        trial = Trial(self.job.footage.source, len(pictures), {}, name, kind, onset=len(pictures))
        baselines = _baselines(pictures) if kind == "clean" else {}
        if kind == "clean":
            self._untouched = baselines
        return self._told(scoring, trial, baselines, moves)

    def broken(self, pictures: list[Picture], others: list[Picture]) -> list[Told]:
        """Each failure laid on the clip, going on from what was measured before its onset."""
        scoring, at, told = self.start(), 0, []
        for onset, plan in _plans(self.job, len(pictures)):
            while at < onset:
                scoring.add(Frame(at, at / self.fps, pictures[at]))
                at += 1
            frames = _laid(plan, onset, pictures, others)
            forked = scoring.fork()
            for index in range(onset, len(frames)):
                forked.add(Frame(index, index / self.fps, frames[index]))
            seen = visibility(pictures, frames, onset, max(1, round(SEEN_SECONDS * self.fps)))
            trial = Trial(
                self.job.footage.source,
                len(frames),
                {},
                plan.failure,
                FAILURES[plan.failure].kind,
                plan.severity,
                plan.share,
                onset,
                seen,
            )
            before = {name: values[:onset] for name, values in self._untouched.items()}
            after = _baselines(frames[onset - 1 :])
            baselines = {name: values + after[name][1:] for name, values in before.items()}
            told.append(self._told(forked, trial, baselines, "none"))
        return told

    def _told(self, scoring: Scoring, trial: Trial, baselines: Mapping[str, list[float]], moves: Moves) -> Told:
        scored = scoring.finish()
        curves = {curve.signal: curve for curve in scored.curves}
        judged = judge(curves, trial.frames, scored.row.fps, moves, self.job.classes)
        hold = judged.hold
        finding = Finding(hold.evidence, hold.alarm_frame, hold.onset_frame if hold.alarm_frame is not None else None)
        findings = {OWN: finding}
        static = hold.broke and hold.alarm_frame is None
        told = Trial(**{**vars(trial), "findings": findings, "static": static})
        warping = np.zeros(trial.frames)
        warping[list(curves["warping_error"].frames)] = curves["warping_error"].values
        all_baselines = {**baselines, "Lai warping error": warping.tolist()} if baselines else {}
        return Told(told, all_baselines, hold.held_frames / trial.frames, hold.cause, judged.peak)


def _onset(plan: tuple[int, Break]) -> tuple[int, int]:
    return plan[0], plan[1].seed


def _baselines(pictures: Sequence[Picture]) -> dict[str, list[float]]:
    """Curves of the baselines that look at neighbouring frames; the first frame has 0."""
    grays = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) for picture in pictures]
    curves: dict[str, list[float]] = {name: [0.0] for name in BASELINES if name != "Lai warping error"}
    for k in range(1, len(pictures)):
        curves["frame difference"].append(float(cv2.absdiff(grays[k - 1], grays[k]).mean()))
        curves["brightness difference"].append(abs(float(grays[k].mean()) - float(grays[k - 1].mean())))
        curves["VBench flickering"].append(cv2.norm(pictures[k - 1], pictures[k], cv2.NORM_L1) / pictures[k].size / 255)
        curves["neighbour SSIM"].append(1.0 - ssim(grays[k - 1], grays[k]))
    return curves


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity (Wang et al. 2004, eq. 13), mean over 7 x 7 windows of two grey pictures.

    >>> ssim(np.eye(9, dtype=np.uint8), np.eye(9, dtype=np.uint8))
    1.0
    """
    one, two = first.astype(np.float32), second.astype(np.float32)
    size = (SSIM_WINDOW, SSIM_WINDOW)
    mean_one, mean_two = cv2.blur(one, size), cv2.blur(two, size)
    variance_one = cv2.blur(one * one, size) - mean_one**2
    variance_two = cv2.blur(two * two, size) - mean_two**2
    covariance = cv2.blur(one * two, size) - mean_one * mean_two
    similar = (2 * mean_one * mean_two + C1) * (2 * covariance + C2)
    similar = similar / ((mean_one**2 + mean_two**2 + C1) * (variance_one + variance_two + C2))
    return float(similar.mean())
