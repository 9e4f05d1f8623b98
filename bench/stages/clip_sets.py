"""Sets of clips by what a user calls them: a folder of videos, a run, or one model in either; and their features."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from bench.backends.folder import FolderBackend
from bench.distances.estimate import Sample
from bench.distances.samples import Floats
from bench.extractors import Extractor
from bench.extractors.cache import ClipFeatures, Cutting
from bench.extractors.features import ClipSource, extract
from bench.records import FrameholdError, Suite, counted
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.survey import MANIFEST, clips_of

LEAST_CLIPS = 2
FAR = 1.3  # two sets whose usual frame rates differ by more than this ratio differ in that too
BATCH_ON_GPU = 8


@dataclass(frozen=True)
class ClipSet:
    """The clips of one side; those of one group (a source, a prompt) are not independent. `missing` says why."""

    name: str
    clips: tuple[ClipSource, ...]
    groups: tuple[str, ...]
    missing: Mapping[str, str]


def open_set(text: str) -> ClipSet:
    """The clips of a folder, of a run, or of one model in either. Raises FrameholdError naming the argument."""
    path, model = _place(text)
    if not any(path.iterdir()):
        raise FrameholdError(f"{text}: no clips here: the folder is empty")
    if (path / "spec.json").is_file():
        return _of_run(text, RunFolder(path), model)
    if (path / MANIFEST).is_file() and model is None:
        listed = clips_of(path)
        return ClipSet(text, tuple(ClipSource(file.name, file) for file, _ in listed), tuple(s for _, s in listed), {})
    return _of_folder(text, path, model)


def _place(text: str) -> tuple[Path, str | None]:
    if Path(text).is_dir():
        return Path(text), None
    for at in (at for at, letter in enumerate(text) if letter == ":" and at):
        if Path(text[:at]).is_dir() and text[at + 1 :]:
            return Path(text[:at]), text[at + 1 :]
    raise FrameholdError(f"{text}: no such folder: give a folder of videos, a run folder, or either with :MODEL")


def _of_run(text: str, run: RunFolder, model: str | None) -> ClipSet:
    rows = run.clips()
    rows = [row for row in rows if row.model == _one_model(text, [row.model for row in rows], model)]
    there = [row for row in rows if row.file]
    return ClipSet(
        text,
        tuple(ClipSource(row.clip_id, run.root / str(row.file), fps=row.fps) for row in there),
        tuple(row.prompt_id for row in there),
        {row.clip_id: row.missing or "there is no file" for row in rows if not row.file},
    )


def _of_folder(text: str, path: Path, model: str | None) -> ClipSet:
    try:
        backend = FolderBackend(str(path))
        models = backend.models()
    except FrameholdError:  # nothing in it says which model made its clips: here they need none
        backend = FolderBackend(str(path), path.name)
        models = backend.models()
    plan = backend.plan(Suite("", 1, ()), (_one_model(text, models, model),))
    clips = [(request, path / backend.submit(request)) for request in plan.requests]
    return ClipSet(
        text,
        tuple(ClipSource(file.relative_to(path).as_posix(), file, fps=request.fps) for request, file in clips),
        tuple(request.key.prompt_id for request, _ in clips),
        {},
    )


def _one_model(text: str, models: Sequence[str], wanted: str | None) -> str:
    known = list(dict.fromkeys(models))
    if not known:
        raise FrameholdError(f"{text}: no clips here")
    if wanted is None and len(known) > 1:
        raise FrameholdError(f"{text}: clips of {len(known)} models: choose one, as in {text}:{known[0]}")
    if wanted is not None and wanted not in known:
        raise FrameholdError(f"{text}: no clips of model {wanted!r}: it has {', '.join(known)}")
    return wanted or known[0]


# ---- their features ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A set as its features (windows, n, d) show it. `refused` names the clips left out, and why."""

    name: str
    windows: Floats
    groups: tuple[str, ...]
    refused: Mapping[str, str]
    fps: float | None
    shortest: tuple[str, int]
    """Name and frames read of the clip with the fewest windows."""

    def sample(self, cutting: Cutting, windows: int | None = None) -> Sample:
        """Whole clips (n, d): the mean of their (first) windows, of which those that overlap others are left out."""
        apart = self.windows[:windows][:: cutting.frames // cutting.step]
        return Sample(apart.mean(axis=0), self.groups, self.name)


def seen_sets(
    sets: tuple[ClipSet, ClipSet],
    extractor: Extractor,
    cutting: Cutting,
    crew: Crew,
    *,
    least: int = 1,
    batch: int | None = None,
    cache: Path | None,
) -> tuple[Seen, Seen]:
    """Features of both sets, over as many windows as every clip has that is kept; `least` is what each must have.

    A clip's length is read, not believed: windows end with the shortest clip that is kept.
    """
    batch = batch or (1 if extractor.about.device == "cpu" else BATCH_ON_GPU)
    total, done, found = sum(len(one.clips) for one in sets), 0, []
    for one in sets:
        progress = partial(_tell, crew, done, total)
        found.append(
            extract(
                one.clips,
                extractor,
                cutting,
                batch=batch,
                threads=crew.workers,
                cache=cache or default_cache(),
                progress=progress,
            )
        )
        done += len(one.clips)
    counts = [len(clip.windows) for clips in found for clip in clips if len(clip.windows) >= least]
    windows = min(counts, default=0)
    first, second = (_kept(one, clips, windows, least, cutting) for one, clips in zip(sets, found, strict=True))
    return first, second


def rates_differ(*sets: Seen) -> bool:
    """Do the usual frame rates of the sets, as far as they are known, lie too far from each other?"""
    rates = [each.fps for each in sets if each.fps]
    return bool(rates) and max(rates) > FAR * min(rates)


def _kept(one: ClipSet, found: Sequence[ClipFeatures], windows: int, least: int, cutting: Cutting) -> Seen:
    refused = dict(one.missing)
    kept, groups = [], []
    for clip, group in zip(found, one.groups, strict=True):
        if clip.missing:
            refused[clip.name] = clip.missing
        elif len(clip.windows) < least:
            refused[clip.name] = f"{counted(clip.frames, 'frame')}, fewer than the span of {cutting.span}"
        else:
            kept.append(clip)
            groups.append(group)
    if len(kept) < LEAST_CLIPS:
        reason = next(iter(refused.values()), "there are no more")
        usable = counted(len(kept), "clip")
        raise FrameholdError(f"{one.name}: {usable} can be used, a distance needs {LEAST_CLIPS}: {reason}")
    features = np.stack([clip.windows[:windows].astype(np.float64) for clip in kept], axis=1)
    rates = [clip.fps for clip in kept if clip.fps]
    shortest = min(kept, key=lambda clip: len(clip.windows))
    fps = median(rates) if rates else None
    return Seen(one.name, features, tuple(groups), refused, fps, (shortest.name, shortest.frames))


def _tell(crew: Crew, before: int, total: int, done: int, _: int) -> None:
    crew.progress("features", before + done, total)


def default_cache() -> Path:
    """Where features are kept between runs: $FRAMEHOLD_CACHE, or the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("FRAMEHOLD_CACHE") or Path(home) / "framehold") / "features"
