"""plan: what a request asks for, and what it costs, before anything is spent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from bench.backends import Backend, open_backend
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.backends.local.backend import LocalBackend
from bench.records import (
    FROZEN,
    REAL,
    ClipRequest,
    ClipRow,
    FrameholdError,
    Load,
    Plan,
    Quote,
    Source,
    Spec,
    canonical_json,
    fingerprint,
)
from bench.run_folder import RunFolder
from bench.stages.timing import measured

CENT_FRACTION = 1e-9  # sums of dollars are not exact
NOWHERE = Path("results/.not-there-yet")


@dataclass(frozen=True)
class Job:
    """One clip to make, in any process: plain data only."""

    root: str
    source: Source
    request: ClipRequest
    fingerprint: str


def plan_jobs(root: Path, spec: Spec, max_cost_usd: float) -> list[Job]:
    """Every clip the spec asks for, in the order of its sources. Raises FrameholdError as `generate` does.

    Also when a paid backend has no SDK or no key, or a local one no device or no weights: what cannot be had should be
    told before anything is written.
    """
    jobs, plans = list_jobs(root, spec)
    if taken := next((job.request.key.model for job in jobs if job.request.key.model in {REAL, FROZEN}), None):
        raise FrameholdError(
            f"{taken!r} is the name of a row that stands in every table: call the model something else"
        )
    if _made_ready(root, jobs):  # which commit it is was not known before
        jobs, plans = list_jobs(root, spec)
    bill = bill_for(root, jobs)
    for job in bill.jobs:  # before any sum is told: without a key none of it can be had
        hosted(job).check_ready(job.request.key.model)
    due_usd = bill.due_usd + sum(plan.cost_usd for plan in plans if not plan.quotes)
    if bill.unpriced and max_cost_usd < float("inf"):
        raise FrameholdError(
            f"{bill.unpriced[0]}: nobody says what a clip costs, so no cap can be held: tell it with --price USD a clip"
        )
    if due_usd and bill.committed_usd + due_usd > max_cost_usd + CENT_FRACTION:
        before = f" after {bill.committed_usd:.2f} USD already charged or set aside" if bill.committed_usd else ""
        raise FrameholdError(
            f"this would cost {due_usd:.2f} USD{before} and {max_cost_usd:.2f} may be spent in all: "
            "allow it with --max-cost"
        )
    return jobs


def list_jobs(root: Path, spec: Spec) -> tuple[list[Job], list[Plan]]:
    """Every clip the spec asks for, whatever it costs, and the plan of each source.

    Raises FrameholdError when two sources claim one clip.
    """
    jobs: dict[str, Job] = {}
    plans = []
    for source in spec.sources:
        backend = backend_of(source)
        paid = isinstance(backend, HostedBackend)
        plan = backend.plan(spec.suite, models_of(source))
        plans.append(plan)
        for request in plan.requests:
            # What is paid for goes by what was sent, so that no change here makes anybody buy a clip again.
            content = [source.backend, dict(source.options), asdict(request)]
            mark = request.identity if paid else fingerprint(content)
            job = Job(str(root), source, request, mark)
            if jobs.setdefault(request.key.clip_id, job) is not job:
                key = request.key
                raise FrameholdError(
                    f"two sources claim model {key.model!r}, prompt {key.prompt_id!r}, seed {key.seed}: "
                    "give one another name with --model"
                )
    if not jobs:
        raise FrameholdError("nothing to do: the suite and the backends give no clip")
    return list(jobs.values()), plans


def models_of(source: Source) -> tuple[str, ...]:
    """The models asked of a source: those named, else all there are, or of a dear backend its default one."""
    backend = backend_of(source)
    if source.models:
        return source.models
    return backend.default_models() if isinstance(backend, HostedBackend | LocalBackend) else backend.models()


def is_local(job: Job) -> bool:
    """Whether the clip comes from an open model on this machine."""
    return isinstance(backend_of(job.source), LocalBackend)


def _made_ready(root: Path, jobs: Iterable[Job]) -> bool:
    """Bring here what the local models of clips still to be made need. Raises FrameholdError where it cannot be had."""
    local = [job for job in jobs if is_local(job)]
    settled = settled_rows(RunFolder(root), local) if local else {}
    due = [job for job in local if job.request.key.clip_id not in settled]
    clips = Counter(job.request.key.model for job in due)
    for model, job in {job.request.key.model: job for job in due}.items():
        backend = backend_of(job.source)
        if isinstance(backend, LocalBackend):
            backend.check_ready(model, clips[model])
    return bool(due)


@dataclass(frozen=True)
class Bill:
    """What is still to be bought, and what the ledger says of what was bought before."""

    jobs: tuple[Job, ...] = ()
    due_usd: float = 0.0
    committed_usd: float = 0.0
    unpriced: tuple[str, ...] = ()
    """Models whose price nobody knows."""
    repeatable: tuple[str, ...] = ()
    """Clips whose last job came to nothing, which --resubmit would ask for again."""


def bill_for(root: Path, jobs: Iterable[Job], resubmit: bool = False) -> Bill:
    """What those jobs still cost. Raises FrameholdError when the ledger holds a paid job for something else."""
    paid = [job for job in jobs if isinstance(backend_of(job.source), HostedBackend)]
    if not paid:
        return Bill()
    ledger, settled = Ledger(root / FILE_NAME), settled_rows(RunFolder(root), paid)
    due, repeatable = [], []
    for job in paid:
        account = ledger.account(job.request.key.clip_id)
        if account and account.standing != "open" and account.fingerprint != job.fingerprint:
            raise FrameholdError(
                f"{root / FILE_NAME} holds a paid job for {account.clip_id}, asked for with other arguments: "
                "choose another folder with --out, or ask for the same again"
            )
        if account and account.may_be_repeated and account.clip_id not in settled:
            repeatable.append(account.clip_id)
        is_open = account is None or account.standing == "open" or (resubmit and account.may_be_repeated)
        if is_open and job.request.key.clip_id not in settled:
            due.append(job)
    orders = [hosted(job).order(job.request) for job in due]
    due = [job for job, order in zip(due, orders, strict=True) if not order.unsendable]
    prices = {order.clip_id: order.price_usd for order in orders if not order.unsendable}
    unpriced = {job.request.key.model: None for job in due if prices[job.request.key.clip_id] is None}
    total = sum(price for price in prices.values() if price is not None)
    return Bill(tuple(due), total, ledger.committed_usd(), tuple(unpriced), tuple(repeatable))


def hosted(job: Job) -> HostedBackend:
    """The paid backend of that job."""
    backend = backend_of(job.source)
    if not isinstance(backend, HostedBackend):
        raise TypeError(f"expected a paid backend, got {job.source.backend}")
    return backend


def settled_rows(run: RunFolder, jobs: Iterable[Job]) -> dict[str, ClipRow]:
    """The rows that stand, by clip: the clip is there, or was refused for good, for what is asked for now."""
    kept = {row.clip_id: row for row in run.clips()}
    rows = {}
    for job in jobs:
        row = kept.get(job.request.key.clip_id)
        if (
            row
            and row.fingerprint == job.fingerprint
            and (row.refused or (row.file and (run.root / row.file).exists()))
        ):
            rows[row.clip_id] = row
    return rows


def backend_of(source: Source) -> Backend:
    """One backend a process and source, so that a model is loaded once and a provider has one client."""
    return _opened(canonical_json(asdict(source)))


@lru_cache(maxsize=4)
def _opened(source: str) -> Backend:
    fields = json.loads(source)
    return open_backend(fields["backend"], fields["options"])


# ---- what whoever pays is told -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What is still to be made of one model. `usd` is the most it can cost, None where nobody knows."""

    model: str
    clips: int
    seconds: float | None
    usd_a_clip: float | None
    usd: float | None
    price: str


@dataclass(frozen=True)
class Outlook:
    """What a run would make and spend, from where it stands now."""

    suite: str
    lines: tuple[Line, ...]
    clips_there: int
    committed_usd: float
    due_usd: float
    unpriced: tuple[str, ...]
    repeatable: tuple[str, ...]
    notes: tuple[str, ...]
    loads: tuple[Load, ...] = ()
    """What the clips of local models take of this machine, those that are there already included."""

    @property
    def is_paid(self) -> bool:
        """Whether anything of it costs money, or may."""
        return self.due_usd > 0 or bool(self.unpriced)


def look_ahead(root: Path | None, spec: Spec, resubmit: bool = False) -> Outlook:
    """What the spec would still make in that run folder (None: a new one), for how much. Needs neither key nor SDK."""
    root = root or NOWHERE
    jobs, plans = list_jobs(root, spec)
    bill = bill_for(root, jobs, resubmit)
    there = settled_rows(RunFolder(root), jobs)
    quotes = {quote.model: quote for plan in plans for quote in plan.quotes}
    due = Counter(job.request.key.model for job in bill.jobs)
    free = Counter(
        job.request.key.model
        for job in jobs
        if job.request.key.model not in quotes and job.request.key.clip_id not in there
    )
    lines = [_paid_line(quote, due[model]) for model, quote in quotes.items() if due[model]]
    lines += [Line(model, clips, None, 0.0, 0.0, "made on this machine") for model, clips in free.items()]
    notes = [note for plan in plans for note in plan.notes]
    if bill.repeatable and not resubmit:
        notes.append(f"{len(bill.repeatable)} paid jobs came to nothing or are not known of: --resubmit asks once more")
    return Outlook(
        f"{spec.suite.name} v{spec.suite.version}",
        tuple(lines),
        len(there),
        bill.committed_usd,
        bill.due_usd + sum(plan.cost_usd for plan in plans if not plan.quotes),
        bill.unpriced,
        bill.repeatable,
        tuple(notes),
        tuple(measured(load) for plan in plans for load in plan.loads),
    )


def _paid_line(quote: Quote, clips: int) -> Line:
    usd = None if quote.usd_a_clip is None else clips * quote.usd_a_clip
    return Line(quote.model, clips, clips * quote.seconds / quote.clips, quote.usd_a_clip, usd, quote.source)


def allow_again(root: Path, clip_ids: Iterable[str]) -> None:
    """Write into the run's ledger that those clips may be asked for once more."""
    Ledger(root / FILE_NAME).allow_again(clip_ids)
