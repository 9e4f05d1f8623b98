"""framehold: how many consistent frames does a text-to-video model hold before it breaks? The public Python API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench.records import FrameholdError, Hold, MissingClip, MissingRule, Moves, Picture

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bench.verdict import Comparison
    from bench.video import Frame

__all__ = [
    "FrameholdError",
    "Hold",
    "MissingClip",
    "Run",
    "VideoScore",
    "calibrate",
    "compare",
    "frechet_distance",
    "kernel_distance",
    "open_run",
    "run",
    "score_video",
    "video_features",
]


@dataclass(frozen=True)
class VideoScore:
    """One scored video. `curves` has signal, frame and value; `evidence` has frame, evidence (1 alarms) and signal."""

    hold: Hold
    held_seconds: float
    frames: int
    distinct_frames: int
    fps: float
    motion: float
    """Of the subject, in picture sizes a second."""
    metrics: dict[str, float]
    curves: pd.DataFrame
    evidence: pd.DataFrame
    notes: tuple[str, ...]
    """What to know before trusting it, as in a run's summary: longer than what was calibrated, a prompt no CLIP saw."""


class Run:
    """A run folder, its tables as pandas tables. Each raises FrameholdError naming the stage that has not run yet."""

    def __init__(self, path: str | Path) -> None:
        from bench.run_folder import RunFolder

        self.folder = RunFolder(path)
        self.folder.spec()

    @cached_property
    def summary(self) -> dict[str, Any]:
        """summary.json: a block a model under `models`, real footage and a frozen frame under `reference`."""
        return self.folder.summary()

    @cached_property
    def clips(self) -> pd.DataFrame:
        """A row a clip: what was asked for, and its file or why it is missing."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.folder.clips()])

    @cached_property
    def holds(self) -> pd.DataFrame:
        """A row a clip: how long it held, what broke it, where."""
        return self.folder.table(self.folder.holds_path).to_pandas()

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row a clip, signal and frame."""
        return self.folder.table(self.folder.curves_path).to_pandas()

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """A row a clip and frame: the largest evidence against it, as a multiple of the threshold."""
        return self.folder.table(self.folder.evidence_path).to_pandas()

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row a clip and published metric."""
        return self.folder.table(self.folder.metrics_path).to_pandas()


def open_run(path: str | Path) -> Run:
    """An existing run folder. Raises FrameholdError when it is none."""
    return Run(path)


def run(
    suite: str | None = None,
    *,
    backends: Sequence[str] = (),
    clips: str | Path | None = None,
    model: str | None = None,
    out: str | Path | None = None,
    profile: str = "light",
    clip_model: str | None = None,
    calibration: str | Path | None = None,
    horizon: int | None = None,
    reference: str | Path | None = None,
    features: str = "embedded",
    missing: MissingRule = "left-out",
    max_cost_usd: float = 0.0,
    workers: int = 0,
    offline: bool = False,
    local: Mapping[str, Any] | None = None,
) -> Run:
    """Do what `framehold run` does: generate or import clips, score, summarize, write the page. Resumes what is there.

    `workers` 0 means one a core; the numbers do not depend on it. Paid backends spend no more than `max_cost_usd`.
    `local` are options of open models on this machine, as in {"device": "cpu", "steps": 20}.
    Raises FrameholdError naming the argument at fault.
    """
    from bench.backends.local.asking import with_local
    from bench.report import write_report
    from bench.run_folder import RunFolder
    from bench.stages import Crew
    from bench.stages.run import default_out, plan_run, run_all, workers_or_cores

    spec = plan_run(
        suite,
        backends,
        str(clips) if clips else None,
        model,
        profile=profile,
        clip_model=clip_model,
        calibration=str(calibration) if calibration else None,
        horizon=horizon,
        reference=str(reference) if reference else None,
        features=features,
        missing=missing,
    )
    spec = with_local(spec, local or {})
    folder = RunFolder(out or default_out(spec))
    run_all(folder, spec, Crew(workers=workers_or_cores(workers)), offline=offline, max_cost_usd=max_cost_usd)
    write_report(folder)
    return Run(folder.root)


def score_video(
    video: str | Path | Iterable[Picture],
    *,
    fps: float | None = None,
    prompt: str = "",
    moves: Moves = "subject",
    profile: str = "light",
    clip_model: str | None = None,
    calibration: str | Path | None = None,
) -> VideoScore:
    """Score one video: a file, a folder of pictures, or pictures (frames, height, width, 3; uint8 RGB) with `fps`.

    `moves` says what must move for the clip not to be static (subject, camera, scene, none). Raises MissingClip when
    the video cannot be read or has one frame, ValueError when `fps` is missing, or given with a file that has times,
    and when `moves` is none of these, FrameholdError where `clip_model` "embedded" was never taught a word of `prompt`.
    """
    import pandas as pd

    from bench.holds import judge
    from bench.networks import ClipEmbedder, find_clip, load_clip
    from bench.stages.align import SWITCHED_OFF, can_read, never_taught
    from bench.stages.calibrate import load_calibration
    from bench.stages.caution import cautions, not_aligned
    from bench.stages.equip import find_networks
    from bench.stages.score import ONE_FRAME, score_frames

    if moves not in get_args(Moves):
        raise ValueError(f"moves {moves!r}: expected one of {', '.join(get_args(Moves))}")
    clip_model = None if clip_model == SWITCHED_OFF else clip_model
    if clip_model and not can_read(clip_model, prompt):
        raise FrameholdError(f"prompt {prompt!r}: {never_taught([prompt])}")
    calibrated, _ = load_calibration(profile, str(calibration) if calibration else None, clip_model)
    find_networks(profile, offline=False)
    embedder = ClipEmbedder(load_clip(find_clip(clip_model))) if clip_model else None
    scored = score_frames(_frames(video, fps), profile, embedder, prompt)
    curves = {curve.signal: curve for curve in scored.curves}
    row = scored.row
    if row.frames < 2:
        raise MissingClip(ONE_FRAME)
    verdict = judge(curves, row.frames, row.fps, moves, calibrated.classes)
    unaligned = [not_aligned(1, 1, "no clip_model was given")] if prompt and not embedder else []
    points = [
        (curve.signal, *point) for curve in scored.curves for point in zip(curve.frames, curve.values, strict=True)
    ]
    return VideoScore(
        hold=verdict.hold,
        held_seconds=verdict.hold.held_frames / row.fps if row.fps else 0.0,
        frames=row.frames,
        distinct_frames=row.distinct_frames,
        fps=row.fps,
        motion=verdict.motion.subject,
        metrics=scored.metrics,
        curves=pd.DataFrame(points, columns=["signal", "frame", "value"]),
        evidence=pd.DataFrame(verdict.evidence, columns=["frame", "evidence", "signal"]),
        notes=(*cautions([(row, verdict)], calibrated), *unaligned),
    )


def _frames(video: str | Path | Iterable[Picture], fps: float | None) -> Iterable[Frame]:
    from bench.video import DEFAULT_FPS, Frame, read_frames

    if fps is not None and not (isinstance(fps, int | float) and 0 < fps < float("inf")):
        raise ValueError(f"fps: expected a number above 0, got {fps!r}")
    if isinstance(video, str | Path):
        if fps is not None and Path(video).is_file():
            raise ValueError(f"{video}: a file has times of its own: leave out fps, which is for pictures alone")
        return read_frames(Path(video), folder_fps=fps or DEFAULT_FPS)
    if isinstance(video, bytes) or not isinstance(video, Iterable):
        raise ValueError(f"expected a path or pictures (frames, height, width, 3), got {type(video).__name__}")
    if fps is None:
        raise ValueError("pictures come without times: expected fps, got None")
    return (Frame(index, index / fps, picture) for index, picture in enumerate(_checked(video)))


def _checked(video: Iterable[Picture]) -> Iterator[Picture]:
    """The pictures, each seen to be one: floats or another order of axes would be scored, and wrongly."""
    import numpy as np

    first: tuple[int, ...] = ()
    for index, given in enumerate(video):
        picture = np.asarray(given)
        first = first or picture.shape
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.shape != first:
            raise ValueError(
                f"expected uint8 pictures (height, width, 3) of one size, got {picture.dtype} {picture.shape} at frame "
                f"{index}" + (f" after {first}" if picture.shape != first else "")
            )
        yield picture


def calibrate(
    reference: str | Path | None,
    out: str | Path,
    *,
    profile: str = "light",
    alpha: float = 0.05,
    calibration: str | Path | None = None,
    workers: int = 0,
    offline: bool = False,
) -> dict[str, Any]:
    """Learn a profile's thresholds from a folder of real footage and write them to `out`, for `calibration=`.

    Without a folder, those of `calibration`, by default the shipped ones, at another level `alpha`. Returns what
    `framehold calibrate --json` prints: the footage of each rate class, and `left_out` by name.
    """
    from bench.stages import Crew
    from bench.stages.calibrate import about_learnt, write_calibration
    from bench.stages.relevel import calibrate_or_relevel
    from bench.stages.run import workers_or_cores

    crew = Crew(workers=workers_or_cores(workers))
    learnt = calibrate_or_relevel(reference, calibration, profile, alpha, crew, offline)
    write_calibration(Path(out), learnt.calibration)
    return about_learnt(learnt)


def video_features(
    clips: Any,
    extractor: str,
    weights: str | Path | None = None,
    mode: str | None = None,
    *,
    span: int | None = None,
    offline: bool = False,
    batch: int = 1,
    device: str = "auto",
) -> NDArray[np.float64]:
    """Features (n, d) of clips: uint8 RGB (n, frames, height, width, 3), or paths. All must have the same length.

    `weights` is a state dict saved by torch, safetensors, or the public TorchScript; `span` how many opening frames are
    looked at. Raises FrameholdError naming a clip that is too short or cannot be read.
    """
    from bench.extractors.video_features import video_features as extract

    return extract(clips, extractor, weights, mode, span=span, offline=offline, batch=batch, device=device)


def frechet_distance(x: Any, y: Any, *, ddof: int = 1) -> float:
    """Fréchet distance of features (n, d) and (m, d), in float64; `ddof` 0 divides covariances by n as some codes do.

    It grows as samples shrink: compare at equal n only.
    """
    from bench.distances.frechet import frechet_distance as distance

    return distance(x, y, ddof=ddof)


def kernel_distance(x: Any, y: Any) -> float:
    """Unbiased squared discrepancy of features (n, d) and (m, d) under the kernel (x.y / d + 1)^3 (KID's form, KVD)."""
    from bench.distances.kernel import kernel_distance as distance

    return distance(x, y)


def compare(baseline: str | Path, candidate: str | Path, **options: Any) -> Comparison:
    """Compare two runs, or two models of one as RUN:MODEL; see `bench.stages.compare.compare` for the options."""
    from bench.stages.compare import compare as stage

    return stage(baseline, candidate, **options)
