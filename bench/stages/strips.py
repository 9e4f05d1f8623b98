"""Filmstrips: the few frames of each clip that show its break, or that it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.executors import open_executor
from bench.holds import Judgement
from bench.records import ClipRow, ScoredRow, fingerprint
from bench.run_folder import RunFolder, replace, replace_rows
from bench.stages import Crew
from bench.video import encode_jpeg, read_pictures

FRAMES = 7
PIXELS = 24_000  # of one frame in a strip


@dataclass(frozen=True)
class Job:
    """One strip to make."""

    root: str
    file: str
    frames: tuple[int, ...]
    strip: str


def strip_frames(frames: int, onset: int | None) -> tuple[int, ...]:
    """Which frames a strip shows: the first, the last and those about the onset, or an even spread.

    >>> strip_frames(48, 20)
    (0, 18, 19, 20, 21, 22, 47)
    >>> strip_frames(13, None)
    (0, 2, 4, 6, 8, 10, 12)
    """
    if frames <= FRAMES:
        return tuple(range(frames))
    if onset is None:
        return tuple(int(frame) for frame in np.linspace(0, frames - 1, FRAMES).round())
    first = min(max(onset - 2, 1), frames - 6)
    return (0, *range(first, first + FRAMES - 2), frames - 1)


def write_strips(
    run: RunFolder,
    clips: Sequence[ClipRow],
    scored: Mapping[str, ScoredRow],
    judged: Mapping[str, Judgement],
    crew: Crew,
) -> None:
    """Make the strip of every judged clip that has none for these frames; strips.jsonl says which frames it holds."""
    rows, jobs = [], []
    run.strips_folder.mkdir(exist_ok=True)
    for clip in clips:
        shown = strip_frames(scored[clip.clip_id].frames, judged[clip.clip_id].hold.onset_frame)
        strip = f"strips/{clip.clip_id}.{fingerprint([clip.sha256, shown])[:8]}.jpg"
        rows.append({"clip_id": clip.clip_id, "file": strip, "frames": shown})
        if clip.file and not (run.root / strip).exists():
            jobs.append(Job(str(run.root), clip.file, shown, strip))
    for done, (index, outcome) in enumerate(open_executor(crew.executor)(make_strip, jobs, crew.workers), start=1):
        if outcome.missing:
            rows = [row for row in rows if row["file"] != jobs[index].strip]
        crew.progress("filmstrips", done, len(jobs))
    kept = {str(row["file"]) for row in rows}
    for path in run.strips_folder.iterdir():
        if f"strips/{path.name}" not in kept:
            path.unlink()
    replace_rows(run.strips_path, rows)


def make_strip(job: Job) -> None:
    """Write one strip: its frames side by side, as JPEG."""
    run = RunFolder(job.root)
    pictures = read_pictures(run.root / job.file, job.frames, max_pixels=PIXELS)
    content = encode_jpeg(np.hstack([pictures[frame] for frame in job.frames]))
    replace(run.root / job.strip, partial(_write, content=content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
