"""rescore: clips of a run -> their numbers once more, by the stage that made them, in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

from bench.records import ClipRow, Spec
from bench.run_folder import RunFolder, replace_rows
from bench.stages import Crew
from bench.stages.score import score
from bench.stages.tables import curves_by_clip


class Numbers(NamedTuple):
    """Of one clip: value by frame of each signal, and the published metrics."""

    curves: dict[str, dict[int, float]]
    metrics: dict[str, float]


def rescore(run: RunFolder, spec: Spec, clips: Sequence[ClipRow], crew: Crew, offline: bool) -> list[Numbers]:
    """Score those clips from their files, whatever the run's cache holds; empty numbers where a clip cannot be read."""
    with tempfile.TemporaryDirectory(prefix="framehold-") as folder:
        scratch = RunFolder(folder)
        scratch.begin(spec)
        scratch.clips_folder.mkdir()
        rows = [_copy(run, scratch, clip, number) for number, clip in enumerate(clips)]
        replace_rows(scratch.clips_path, map(asdict, rows))
        score(scratch, crew, offline)
        numbers = stored_numbers(scratch)
    return [numbers.get(clip.clip_id, Numbers({}, {})) for clip in clips]


def _copy(run: RunFolder, scratch: RunFolder, clip: ClipRow, number: int) -> ClipRow:
    source = run.root / str(clip.file)
    target = scratch.clips_folder / f"{number}{source.suffix if source.is_file() else ''}"
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return replace(clip, file=target.relative_to(scratch.root).as_posix())


def stored_numbers(run: RunFolder) -> dict[str, Numbers]:
    """Curves and metrics of every scored clip of a run."""
    numbers = {
        clip_id: Numbers(
            {name: dict(zip(curve.frames, curve.values, strict=True)) for name, curve in curves.items()}, {}
        )
        for clip_id, curves in curves_by_clip(run.table(run.curves_path))
    }
    table = run.table(run.metrics_path)
    for clip_id, metric, value in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        numbers.setdefault(clip_id, Numbers({}, {})).metrics[metric] = value
    return numbers
