"""verify: a run -> what in it is not what it should be. Every check has a name, every fault says what and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from bench.records import ClipKey, ClipRow, FrameholdError
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.check import CHECKS, Checked, Faults, Status, open_checked, same
from bench.stages.rescore import Numbers, rescore, stored_numbers

SAMPLE = 5
TOLERANCE = 1e-3  # of a value's size: what another processor may make of the same clip
MOST_FAULTS = 20  # of one check that are listed
SOUND = {
    "suite": "the prompts are those of the suite's hash",
    "tables": "the bytes of every table are those that were sealed",
    "thresholds": "the thresholds are those of spec.json, of summary.json and of their own footage",
    "rows": "every clip's row is what its key and the suite say, and is scored",
    "complete": "every prompt and seed of every model has its clip, or the reason why not, and its hold",
    "clips": "the content of every clip is what was scored",
    "curves": "the curves are those that were scored",
    "holds": "holds and evidence are what the curves give under the thresholds",
    "summary": "the numbers of every model are what its holds give",
    "sample": "the clips that were scored again gave the same numbers",
}


@dataclass(frozen=True)
class Finding:
    """What a check found: of a fault, the file or clip it is in and what is wrong with it."""

    check: str
    status: Status
    detail: str = ""


def verify(
    run: RunFolder,
    crew: Crew,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    offline: bool = False,
) -> list[Finding]:
    """All findings, at least one a check. `sample` clips, chosen by `seed`, are scored again from their files.

    Raises FrameholdError when the run cannot even be read.
    """
    if not 0 <= tolerance < 1 or sample < 0:
        raise FrameholdError(
            f"--tolerance {tolerance:g}, --sample {sample}: expected a share of 1, and 0 clips or more"
        )
    checked = open_checked(run)
    checks = {name: check(checked) for name, check in CHECKS.items()}
    checks["sample"] = _check_sample(checked, crew, sample, seed, tolerance, offline)
    findings = []
    for name, faults in checks.items():
        found = [Finding(name, *fault) for fault in islice(faults, MOST_FAULTS)]
        findings += found or [Finding(name, "ok", SOUND[name])]
    return findings


def _check_sample(checked: Checked, crew: Crew, sample: int, seed: int, tolerance: float, offline: bool) -> Faults:
    clips = [clip for clip in checked.clips if _can_be_scored(checked, clip)]
    if not clips or not sample:
        yield "unchecked", "no clip was scored again"
        return
    chosen = sorted(np.random.default_rng(seed).choice(len(clips), min(sample, len(clips)), replace=False))
    picked = [clips[index] for index in chosen]
    stored = stored_numbers(checked.run)
    for clip, again in zip(picked, rescore(checked.run, checked.spec, picked, crew, offline), strict=True):
        yield from _compare(clip, stored.get(clip.clip_id, Numbers({}, {})), again, tolerance)


def _can_be_scored(checked: Checked, clip: ClipRow) -> bool:
    """Was it scored, and is its row one that can be trusted with a path?"""
    row, root = checked.scored.get(clip.clip_id), checked.run.root.resolve()
    if row is None or row.missing or not clip.file:
        return False
    path = (root / clip.file).resolve()
    own = clip.clip_id == ClipKey(clip.model, clip.prompt_id, clip.seed).clip_id
    return own and path.is_relative_to(root) and path.exists()


def _compare(clip: ClipRow, stored: Numbers, again: Numbers, tolerance: float) -> Iterator[tuple[Status, str]]:
    """The first value of each curve that differs, and every metric that does."""
    if stored.curves.keys() != again.curves.keys():
        yield "fault", f"curves.parquet: {clip.clip_id}: other curves than the clip gives"
    for signal in stored.curves.keys() & again.curves.keys():
        old, new = stored.curves[signal], again.curves[signal]
        frame = next(
            (at for at in sorted(old.keys() | new.keys()) if not same(old.get(at), new.get(at), tolerance)), None
        )
        if frame is not None:
            where = f"{signal} at frame {frame}"
            yield "fault", f"curves.parquet: {clip.clip_id}: {where}: {old.get(frame)}, the clip gives {new.get(frame)}"
    for metric in stored.metrics.keys() | again.metrics.keys():
        one, other = stored.metrics.get(metric), again.metrics.get(metric)
        if not same(one, other, tolerance):
            yield "fault", f"metrics.parquet: {clip.clip_id}: {metric} is {one}, the clip gives {other}"
