"""generate: prompts -> clips."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from bench.backends import Backend, open_backend
from bench.executors import Outcome, open_executor
from bench.records import (
    Clip,
    ClipRequest,
    ClipRow,
    FrameholdError,
    MissingClip,
    Source,
    Spec,
    canonical_json,
    fingerprint,
)
from bench.run_folder import RunFolder, append_row, mend, replace_rows, replace_text
from bench.stages import Crew
from bench.video import content_hash, read_frames, write_lossless, write_preview

PLAYABLE = {".mp4", ".webm", ".gif", ".webp"}


@dataclass(frozen=True)
class Job:
    """One clip to make, in any process: plain data only."""

    root: str
    source: Source
    request: ClipRequest
    fingerprint: str


def generate(run: RunFolder, crew: Crew, max_cost_usd: float = 0.0) -> list[ClipRow]:
    """Make every clip of the spec that is not there yet; return all rows in the order of the request.

    Raises FrameholdError when two sources claim one clip, when the price is above what may be spent (then nothing was),
    or when the disk is full.
    """
    jobs = plan_jobs(run.root, run.spec(), max_cost_usd)
    mend(run.clips_path)
    kept = {row.clip_id: row for row in run.clips()}
    rows: dict[str, ClipRow] = {}
    for job in jobs:
        row = kept.get(job.request.key.clip_id)
        if row and row.fingerprint == job.fingerprint and row.file and (run.root / row.file).exists():
            rows[row.clip_id] = row
    todo = [job for job in jobs if job.request.key.clip_id not in rows]
    run.clips_folder.mkdir(exist_ok=True)
    crew.progress("generate", len(rows), len(jobs))
    for index, outcome in open_executor(crew.executor)(make_clip, todo, crew.workers):
        row = outcome.result or _missing_row(todo[index], outcome)
        append_row(run.clips_path, asdict(row))
        rows[row.clip_id] = row
        crew.progress("generate", len(rows), len(jobs))
    ordered = [rows[job.request.key.clip_id] for job in jobs]
    replace_rows(run.clips_path, map(asdict, ordered))
    return ordered


def plan_jobs(root: Path, spec: Spec, max_cost_usd: float) -> list[Job]:
    """Every clip the spec asks for, in the order of its sources. Raises FrameholdError as `generate` does."""
    jobs: dict[str, Job] = {}
    cost = 0.0
    for source in spec.sources:
        backend = _backend(canonical_json(asdict(source)))
        plan = backend.plan(spec.suite, source.models or backend.models())
        cost += plan.cost_usd
        for request in plan.requests:
            mark = fingerprint([source.backend, dict(source.options), asdict(request)])
            job = Job(str(root), source, request, mark)
            if jobs.setdefault(request.key.clip_id, job) is not job:
                key = request.key
                raise FrameholdError(
                    f"two sources claim model {key.model!r}, prompt {key.prompt_id!r}, seed {key.seed}: "
                    "give one another name with --model"
                )
    if cost > max_cost_usd:
        raise FrameholdError(
            f"this would cost {cost:.2f} USD and {max_cost_usd:.2f} may be spent: allow it with --max-cost"
        )
    if not jobs:
        raise FrameholdError("nothing to do: the suite and the backends give no clip")
    return list(jobs.values())


@lru_cache(maxsize=4)
def _backend(source: str) -> Backend:
    """One backend a process and source, so that a model is loaded once."""
    fields = json.loads(source)
    return open_backend(fields["backend"], fields["options"])


def make_clip(job: Job) -> ClipRow:
    """Make one clip and write it into the run folder. Raises MissingClip when it cannot be had."""
    run, request = RunFolder(job.root), job.request
    backend = _backend(canonical_json(asdict(job.source)))
    ticket_path = run.tickets_folder / f"{request.key.clip_id}.json"
    held = json.loads(ticket_path.read_text(encoding="utf-8")) if ticket_path.exists() else {}
    if held.get("fingerprint") == job.fingerprint:
        ticket = held["ticket"]
    else:  # there is none, or it is for what was asked before
        ticket = backend.submit(request)
        if ticket:
            run.tickets_folder.mkdir(exist_ok=True)
            replace_text(ticket_path, canonical_json({"ticket": ticket, "fingerprint": job.fingerprint}))
    clip = backend.fetch(request, ticket)
    row = _store(run, _row(job), clip)
    ticket_path.unlink(missing_ok=True)
    return row


def _row(job: Job) -> ClipRow:
    request, prompt = job.request, job.request.prompt
    return ClipRow(
        clip_id=request.key.clip_id,
        model=request.key.model,
        prompt_id=request.key.prompt_id,
        seed=request.key.seed,
        prompt=prompt.text,
        category=prompt.category,
        moves=prompt.moves,
        backend=job.source.backend,
        fingerprint=job.fingerprint,
    )


def _missing_row(job: Job, outcome: Outcome[ClipRow]) -> ClipRow:
    return replace(_row(job), missing=outcome.missing)


def _store(run: RunFolder, row: ClipRow, clip: Clip) -> ClipRow:
    """Put a clip into clips/: drawn frames lossless, with a preview; bytes from elsewhere untouched."""
    shown: Path | None
    if clip.frames is not None:
        if clip.fps is None:
            raise ValueError("a clip of frames needs its frame rate")
        path = run.clips_folder / f"{row.clip_id}.avi"
        shown = run.clips_folder / f"{row.clip_id}.preview.mp4"
        write_lossless(path, clip.frames, clip.fps)
        write_preview(shown, (frame.picture for frame in read_frames(path)), clip.fps)
    elif clip.path is not None:
        path = run.clips_folder / f"{row.clip_id}{clip.path.suffix.lower() if clip.path.is_file() else ''}"
        _copy(clip.path, path)
        shown = path if path.suffix in PLAYABLE else None
    else:
        raise MissingClip("the backend returned neither frames nor a file")
    return replace(
        row,
        file=path.relative_to(run.root).as_posix(),
        preview=shown.relative_to(run.root).as_posix() if shown else None,
        sha256=content_hash(path),
        fps=clip.fps if path.is_dir() else None,
        facts=dict(clip.facts),
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder of pictures, so that it is there whole or not at all."""
    new = target.with_name(f".{target.name}.tmp")
    if source.is_dir():
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(source, new)
        shutil.rmtree(target, ignore_errors=True)
    else:
        shutil.copyfile(source, new)
    new.replace(target)
