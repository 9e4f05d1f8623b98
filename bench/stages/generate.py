"""generate: prompts -> clips. Drawn ones go to all workers, models to a worker a GPU; paid ones stay in here."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.engine import Engine, Work
from bench.backends.hosted.jobs import Interrupted, Served
from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.backends.local.backend import LocalBackend, drop_held
from bench.backends.local.placing import gpu_count
from bench.executors import Outcome, attempt, open_executor
from bench.records import Clip, ClipRow, FrameholdError, MissingClip, Picture, canonical_json, counted
from bench.run_folder import RunFolder, append_row, mend, replace_rows, replace_text
from bench.stages import Crew
from bench.stages.plan import Job, backend_of, hosted, is_local, plan_jobs, settled_rows
from bench.video import content_hash, picture_files, read_frames, write_lossless, write_preview

__all__ = ["generate", "make_clip", "plan_jobs"]

WAITED_FOR = (HostedBackend, LocalBackend)  # while one of their clips is made, cores are free
PLAYABLE = {".mp4", ".webm", ".gif", ".webp"}


def generate(
    run: RunFolder, crew: Crew, max_cost_usd: float = 0.0, ahead: Callable[[ClipRow], None] | None = None
) -> list[ClipRow]:
    """Make every clip of the spec that is not there yet; return all rows in the order of the request.

    `ahead` is told of each clip while others are still made, where that leaves cores free: on a GPU, at a service.

    Raises FrameholdError when two sources claim one clip, when the price is above what may be spent (then nothing was),
    or when the disk is full.
    """
    jobs = plan_jobs(run.root, run.spec(), max_cost_usd)
    mend(run.clips_path)
    rows = settled_rows(run, jobs)
    todo = [job for job in jobs if job.request.key.clip_id not in rows]
    waited_for = {job.request.key.clip_id for job in todo if isinstance(backend_of(job.source), WAITED_FOR)}
    run.clips_folder.mkdir(exist_ok=True)
    crew.progress("generate", len(rows), len(jobs))
    try:
        with closing(_made(run, todo, crew, max_cost_usd)) as made:
            for row in made:
                append_row(run.clips_path, asdict(row))
                rows[row.clip_id] = row
                if ahead and row.clip_id in waited_for:
                    ahead(row)
                crew.progress("generate", len(rows), len(jobs))
    except KeyboardInterrupt:
        raise Interrupted(_what_runs(run, todo)) from None
    ordered = [rows[job.request.key.clip_id] for job in jobs]
    replace_rows(run.clips_path, map(asdict, ordered))
    return ordered


# ---- making ------------------------------------------------------------------------------------------------------


def _made(run: RunFolder, jobs: list[Job], crew: Crew, max_cost_usd: float) -> Generator[ClipRow]:
    """A row for every job, as they end."""
    paid = [job for job in jobs if isinstance(backend_of(job.source), HostedBackend)]
    local = [job for job in jobs if is_local(job)]
    drawn = [job for job in jobs if job not in paid and job not in local]
    for index, outcome in open_executor(crew.executor)(make_clip, drawn, crew.workers):
        yield outcome.result or _missing_row(run, drawn[index], outcome)
    if local:
        yield from _generated(run, local, crew)
    if paid:
        yield from _bought(run, paid, max_cost_usd)


@dataclass(frozen=True)
class Painted:
    """A clip of a local model, still in memory."""

    frames: tuple[Picture, ...]
    clip: Clip
    """Without its frames."""


def _generated(run: RunFolder, jobs: list[Job], crew: Crew) -> Generator[ClipRow]:
    """As `_made`, for models on this machine: a worker a GPU, and a clip is encoded while the next one is generated."""
    if crew.executor != "local":
        raise FrameholdError(f"open models run on this machine alone: leave out --executor {crew.executor}")
    workers = min(crew.workers, max(gpu_count(str(job.source.options.get("device", "auto"))) for job in jobs))
    ended: deque[Future[ClipRow]] = deque()
    try:
        with ThreadPoolExecutor(1, "encode") as encoder:
            for index, outcome in open_executor(crew.executor)(paint_clip, jobs, workers):
                ended.append(encoder.submit(_keep, run, jobs[index], outcome))
                while ended and (len(ended) > 1 or ended[0].done()):  # at most two clips wait in memory
                    yield ended.popleft().result()
            while ended:
                yield ended.popleft().result()
    finally:
        drop_held()  # of this process, when it was the worker


def paint_clip(job: Job) -> Painted:
    """Generate one clip. Raises MissingClip when it cannot be had."""
    backend = backend_of(job.source)
    clip = backend.fetch(job.request, backend.submit(job.request))
    return Painted(tuple(clip.frames or ()), replace(clip, frames=None))


def _keep(run: RunFolder, job: Job, outcome: Outcome[Painted]) -> ClipRow:
    """The row of a generated clip, its frames stored; of one that failed, the reason."""
    painted = outcome.result
    if painted is None:
        return replace(_row(job), missing=run.without_place(str(outcome.missing)))
    clip = replace(painted.clip, frames=iter(painted.frames))
    kept = attempt(_stored, (run, _row(job), clip))
    return kept.result or _missing_row(run, job, kept)


def _stored(delivery: tuple[RunFolder, ClipRow, Clip]) -> ClipRow:
    return _store(*delivery)


def _bought(run: RunFolder, jobs: list[Job], max_cost_usd: float) -> Generator[ClipRow]:
    """As `_made`, for clips that are paid for."""
    run.clips_path.touch()  # with it the folder is known for the run that the ledger belongs to
    ledger, downloads = Ledger(run.root / FILE_NAME), run.root / "downloads"
    downloads.mkdir(exist_ok=True)
    by_clip = {job.request.key.clip_id: job for job in jobs}
    work = [Work(hosted(job), hosted(job).order(job.request)) for job in jobs]
    try:
        with closing(Engine(ledger, max_cost_usd, downloads).run(work)) as outcomes:
            for served in outcomes:
                if not served.unsent:
                    job = by_clip[served.order.clip_id]
                    outcome = attempt(_bring_in, (run, job, served))
                    yield outcome.result or _missing_row(run, job, outcome)
                    _discard(served.leftovers)
    finally:
        for backend in {item.backend for item in work}:
            backend.close()
    shutil.rmtree(downloads, ignore_errors=True)


def _what_runs(run: RunFolder, jobs: list[Job]) -> str:
    """What an interrupted run leaves behind at the providers, and what to do."""
    wanted = {job.request.key.clip_id for job in jobs}
    accounts = [account for account in Ledger(run.root / FILE_NAME).accounts() if account.clip_id in wanted]
    running = [f"{account.model} job {account.job}" for account in accounts if account.standing == "running"]
    lost = [account.clip_id for account in accounts if account.standing == "asked"]
    said = ["stopped; run the same command again to go on where it left off"]
    if running:
        verb = "runs" if len(running) == 1 else "run"
        said.append(
            f"{counted(len(running), 'paid job')} still {verb} and will be picked up then: {', '.join(running)}"
        )
    if lost:
        said.append(f"of {len(lost)} submits it is not known what became: {', '.join(lost)}")
    return "; ".join(said)


def _bring_in(delivery: tuple[RunFolder, Job, Served]) -> ClipRow:
    """The row of what became of a paid order, its clip stored."""
    run, job, served = delivery
    row = replace(
        _row(job),
        missing=served.missing,
        refused=served.refused,
        seeded=served.order.seeded,
        cost_usd=served.cost_usd,
        facts=dict(served.facts),
    )
    if served.clip is None:
        return row
    facts = {**served.facts, **served.clip.facts}
    return _store(run, row, replace(served.clip, facts=facts, seeded=row.seeded, cost_usd=row.cost_usd))


def _discard(path: Path | None) -> None:
    if path and path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    elif path:
        path.unlink(missing_ok=True)


def make_clip(job: Job) -> ClipRow:
    """Make one clip and write it into the run folder. Raises MissingClip when it cannot be had."""
    run, request = RunFolder(job.root), job.request
    backend = backend_of(job.source)
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


def _missing_row(run: RunFolder, job: Job, outcome: Outcome[ClipRow]) -> ClipRow:
    return replace(_row(job), missing=run.without_place(str(outcome.missing)))


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
        seeded=clip.seeded,
        cost_usd=clip.cost_usd,
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder of pictures, so that it is there whole or not at all."""
    new = target.with_name(f".{target.name}.tmp")
    if source.is_dir():
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for file in picture_files(source):  # the clip is its pictures; whatever lies beside them stays where it is
            shutil.copyfile(file, new / file.name)
        shutil.rmtree(target, ignore_errors=True)
    else:
        shutil.copyfile(source, new)
    new.replace(target)
