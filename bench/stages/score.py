"""score: clips -> curves and published metrics. Each clip is decoded once; every signal shares those frames."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.embedded import embedded_sha256
from bench.executors import Beside, open_executor
from bench.networks import ClipEmbedder, Weights, WeightsAbsent, find_clip, load_clip
from bench.records import ClipRow, Curve, FrameholdError, MissingClip, Picture, ScoredRow, Spec, fingerprint
from bench.run_folder import RunFolder, replace_rows, replace_table
from bench.schemas import CURVES, METRICS
from bench.signals import Measuring, open_profile
from bench.signals.alignment import SOON_SECONDS, alignment_curves
from bench.signals.motion import standstill
from bench.signals.published import clip_score, clip_temporal_consistency, flickering_step, temporal_flickering
from bench.signals.views import working_picture
from bench.stages import Crew
from bench.stages.align import can_read, never_taught, why_no_default
from bench.stages.equip import find_networks, open_networks
from bench.stages.tables import curves_table, join_tables, metrics_table, read_part, write_part
from bench.video import DEFAULT_FPS, Frame, frames_per_second, is_held, read_frames

ONE_FRAME = "one frame: a picture, with nothing after it to hold"  # no data: neither held nor broken
DECISIVE = ("av", "numpy", "opencv-python")
DECISIVE_WITH_CLIP = ("open_clip_torch", "torch", "torchvision")


@dataclass(frozen=True)
class Scored:
    """All that is measured of one clip."""

    curves: tuple[Curve, ...]
    metrics: dict[str, float]
    row: ScoredRow


@dataclass(frozen=True)
class Job:
    """One clip to score, in any process: plain data only."""

    root: str
    clip: ClipRow
    profile: str
    weights: Weights | None
    fingerprint: str


def score(run: RunFolder, crew: Crew, offline: bool = False) -> list[ScoredRow]:
    """Score every clip that is not scored yet; write the tables of all, in the order of clips.jsonl."""
    spec, clips = run.spec(), run.clips()
    if not clips:
        raise FrameholdError(f"{run.root} has no clips yet: run `framehold generate {run.root}` first")
    weights, unscored = _clip_weights(spec, offline)
    networks = find_networks(spec.profile, offline)
    jobs = [_job(run, spec, clip, weights, networks) for clip in clips if clip.file]
    run.cache_folder.mkdir(exist_ok=True)
    todo = [job for job in jobs if not run.part_path(job.clip.clip_id, job.fingerprint).exists()]
    failed: dict[str, ScoredRow] = {}
    done = len(jobs) - len(todo)
    crew.progress("score", done, len(jobs))
    for index, outcome in open_executor(crew.executor)(score_clip, todo, crew.workers):
        if outcome.missing:
            job = todo[index]
            reason = run.without_place(outcome.missing)
            failed[job.clip.clip_id] = ScoredRow(job.clip.clip_id, job.fingerprint, missing=reason)
        done += 1
        crew.progress("score", done, len(jobs))
    return _write_tables(run, jobs, failed, unscored)


@contextmanager
def scoring_ahead(run: RunFolder, offline: bool = False) -> Iterator[Callable[[ClipRow], None]]:
    """Score each clip that is told, in a process beside whoever makes the next; `score` finds done what was done."""
    spec = run.spec()
    weights, _ = _clip_weights(spec, offline)
    networks = find_networks(spec.profile, offline)
    run.cache_folder.mkdir(exist_ok=True)
    with closing(Beside()) as beside:

        def ahead(clip: ClipRow) -> None:
            if clip.file:
                beside.add(score_clip, _job(run, spec, clip, weights, networks))

        yield ahead


def _job(run: RunFolder, spec: Spec, clip: ClipRow, weights: Weights | None, networks: Mapping[str, str]) -> Job:
    """A clip is seen by the CLIP that can read its prompt, whatever the other prompts are."""
    seen_by = weights if weights and can_read(weights.name, clip.prompt) else None
    return Job(str(run.root), clip, spec.profile, seen_by, _fingerprint(clip, spec.profile, seen_by, networks))


def _write_tables(
    run: RunFolder, jobs: list[Job], failed: dict[str, ScoredRow], unscored: str | None
) -> list[ScoredRow]:
    """The tables of all clips. What no CLIP saw has one reason, that a reader need not read once a prompt."""
    unscored = unscored or never_taught(job.clip.prompt for job in jobs if not job.weights)
    rows, curves, metrics = [], [], []
    for job in jobs:
        clip_id = job.clip.clip_id
        if clip_id in failed:
            rows.append(failed[clip_id])
            continue
        table, values, row = read_part(run.part_path(clip_id, job.fingerprint))
        if row.frames < 2:
            rows.append(ScoredRow(clip_id, job.fingerprint, missing=ONE_FRAME))
            continue
        rows.append(row if job.weights else replace(row, unscored={"alignment": unscored}))
        curves.append(table)
        metrics.append(metrics_table(clip_id, values))
    replace_table(run.curves_path, join_tables(curves, CURVES))
    replace_table(run.metrics_path, join_tables(metrics, METRICS))
    replace_rows(run.scored_path, map(asdict, rows))
    return rows


def _clip_weights(spec: Spec, offline: bool) -> tuple[Weights | None, str | None]:
    """The CLIP of the spec, or why alignment is not scored."""
    if spec.clip_model is None:
        return None, why_no_default(spec.suite, spec.sources) or "no CLIP was wanted (--clip none)"
    try:
        return find_clip(spec.clip_model, offline), None
    except WeightsAbsent as error:
        return None, str(error)


def _fingerprint(clip: ClipRow, profile_name: str, weights: Weights | None, networks: Mapping[str, str]) -> str:
    """What decides a clip's numbers: its bytes, the profile, the networks, and the libraries that do the arithmetic."""
    profile = open_profile(profile_name)
    names = DECISIVE + (DECISIVE_WITH_CLIP if weights else ())
    return fingerprint(
        [
            [clip.sha256, clip.fps, clip.prompt],
            [profile.name, profile.version, profile.signals, embedded_sha256()],
            [weights.sha256, SOON_SECONDS] if weights else None,
            {name: version(name) for name in names},
            *([networks] if networks else ()),
        ]
    )


def score_clip(job: Job) -> None:
    """Score one clip of a run and put the result into its cache. Raises MissingClip when it cannot be read."""
    run = RunFolder(job.root)
    if job.clip.file is None:
        raise MissingClip("there is no clip")
    if PurePosixPath(job.clip.file).is_absolute() or ".." in PurePosixPath(job.clip.file).parts:
        raise MissingClip(f"{job.clip.file}: not a file of this run folder")
    frames = read_frames(run.root / job.clip.file, folder_fps=job.clip.fps or DEFAULT_FPS)
    embedder = ClipEmbedder(load_clip(job.weights)) if job.weights else None
    scored = score_frames(frames, job.profile, embedder, job.clip.prompt, job.clip.sha256)
    row = replace(scored.row, clip_id=job.clip.clip_id, fingerprint=job.fingerprint)
    write_part(
        run.part_path(row.clip_id, job.fingerprint), curves_table(row.clip_id, scored.curves), scored.metrics, row
    )


def score_frames(
    frames: Iterable[Frame],
    profile: str = "light",
    embedder: ClipEmbedder | None = None,
    prompt: str = "",
    unseen: str | None = None,
) -> Scored:
    """Curves and metrics of one clip from its frames, in one pass. Raises MissingClip when there is no frame.

    `unseen` is the content hash of the clip: embedded networks that were trained on it take no part.
    """
    with one_thread():
        scoring = Scoring(profile, embedder, unseen)
        for frame in frames:
            scoring.add(frame)
        return scoring.finish(prompt)


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and BLAS on one thread: flow and sums depend on how they are split among threads."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        cv2.setNumThreads(threads)


class Scoring:
    """The scoring of one clip, told one frame at a time: signals, times, repeats, embeddings."""

    def __init__(self, profile: str, embedder: ClipEmbedder | None = None, unseen: str | None = None) -> None:
        self.embedder = embedder
        self.times: list[float] = []
        self.distinct: list[int] = []
        self.differences: list[float] = []
        self.size = (0, 0)
        self._measuring = Measuring(open_profile(profile).signals, open_networks(profile, unseen))
        self._before: Picture | None = None
        self._kept: Picture | None = None

    def add(self, frame: Frame) -> None:
        """The next frame of the container. One that repeats the distinct frame before it is no step."""
        if self._before is not None:
            self.differences.append(flickering_step(self._before, frame.picture))
        self._before = frame.picture
        self.times.append(frame.time_seconds)
        self.size = (frame.picture.shape[1], frame.picture.shape[0])
        small = working_picture(frame.picture)
        if self._kept is not None and is_held(self._kept, small):
            return
        self._kept = small
        self.distinct.append(frame.index)
        if self.embedder:
            self.embedder.add(frame.picture)
        self._measuring.add(frame.index, small)

    def fork(self) -> Scoring:
        """A scoring that goes on from where this one is. Not with an embedder, whose pictures are shared."""
        if self.embedder:
            raise ValueError("a scoring with an embedder cannot be forked")
        return copy.deepcopy(self)

    def finish(self, prompt: str = "") -> Scored:
        """Everything of the clip, once its last frame has passed. Raises MissingClip when there was none."""
        if not self.times:
            raise MissingClip("the clip has no frame")
        curves = self._measuring.curves()
        frames, single = len(self.times), len(self.times) == 1
        fps = 0.0 if single else frames_per_second(self.times)
        by_name = {curve.signal: curve for curve in curves}
        stood = standstill(frames, self.distinct, by_name["displacement"].values, by_name["novelty"].values)
        still = Curve("standstill", tuple(range(frames)), tuple(stood))
        metrics: dict[str, float] = {}
        if not single:
            metrics["temporal_flickering"] = temporal_flickering(np.asarray(self.differences))
            for name, signal in (("warping_error", "warping_error"), ("mean_flow_magnitude", "displacement")):
                metrics[name] = float(np.sum(by_name[signal].values)) / (frames - 1)  # a repeated frame adds 0
        aligned: tuple[Curve, ...] = ()
        if self.embedder:
            pictures = self.embedder.finish()
            text = self.embedder.network.embed_text(prompt) if prompt else None
            aligned = alignment_curves(self.distinct, pictures, text, fps)
            metrics |= _clip_metrics(self._by_container_frame(pictures), text)
        row = ScoredRow(
            clip_id="",
            fingerprint="",
            frames=frames,
            distinct_frames=len(self.distinct),
            fps=fps,
            width=self.size[0],
            height=self.size[1],
            unscored={"alignment": "the clip has no prompt"} if self.embedder and not prompt else {},
        )
        return Scored((*curves, still, *aligned), metrics, row)

    def _by_container_frame(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        held = np.searchsorted(self.distinct, np.arange(len(self.times)), side="right") - 1
        return np.asarray(pictures[held], np.float32)


def _clip_metrics(pictures: NDArray[np.float32], text: NDArray[np.float32] | None) -> dict[str, float]:
    metrics = {} if text is None else {"clip_score": clip_score(pictures, text)}
    if len(pictures) > 1:
        metrics["clip_temporal_consistency"] = clip_temporal_consistency(pictures)
    return metrics
