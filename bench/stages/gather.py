"""gather: the unbroken clips that a study breaks, and those that cannot be used, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.executors import open_executor
from bench.records import MissingClip
from bench.stages import Crew
from bench.stages.survey import clips_of, named_reason
from bench.stages.trials import Footage, footage_frames
from bench.suite import load_suite
from bench.video import content_hash

WORLD_SUITE, WORLD_SEEDS = "quick", 5


@dataclass(frozen=True)
class Look:
    """Whether the opening frames of a clip can be had."""

    footage: Footage
    frames: int


def world_footage() -> list[Footage]:
    """Clips drawn by the procedural backend."""
    suite = load_suite(WORLD_SUITE)
    return [
        Footage(f"{prompt.id}-{seed}", f"{prompt.id}-{seed}", prompt=prompt, seed=1000 + seed)
        for prompt in suite.prompts
        for seed in range(WORLD_SEEDS)
    ]


def reference_footage(reference: Path) -> list[Footage]:
    """The videos of a folder; without a hash where one cannot be read, for `unusable` to say why."""
    return [Footage(path.name, source, path=str(path), sha256=_hash(path)) for path, source in clips_of(reference)]


def _hash(path: Path) -> str | None:
    try:
        return content_hash(path)
    except MissingClip:
        return None


def unusable(footage: Sequence[Footage], frames: int, crew: Crew) -> Mapping[str, str]:
    """Why clips of files cannot be used over so many frames, by name: trials of others are mixed with them, too."""
    looks = [Look(each, frames) for each in footage if each.path]
    if not looks:
        return {}
    reasons: dict[int, tuple[str, str]] = {}
    crew.progress("look", 0, len(looks))
    for done, (index, outcome) in enumerate(open_executor(crew.executor)(look, looks, crew.workers), start=1):
        if outcome.missing:
            reasons[index] = named_reason(looks[index].footage.path or "", outcome.missing)
        crew.progress("look", done, len(looks))
    return dict(reasons[index] for index in sorted(reasons))


def look(job: Look) -> int:
    """How many of the frames there are. Raises MissingClip where there are too few, or none can be had."""
    return len(footage_frames(job.footage, job.frames)[0])
