"""The ledger of a run: every step of every paid job, forced to disk before the next one is taken.

A line an event, only ever appended. `intent` comes before a submit and sets its price aside; `job` holds the id that
finds the job again; an intent with no `job` or `no-job` after it is a submit whose answer was lost. What is set aside
counts as spent until the provider says what it charged.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.backends.hosted.jobs import Order, State
from bench.backends.hosted.keys import one_line
from bench.records import FrameholdError, canonical_json

FILE_NAME = "ledger.jsonl"

Event = Literal["intent", "no-job", "lost", "job", "ended", "gone", "again"]
Standing = Literal["open", "asked", "running", "ended"]


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. `usd` is set aside by an intent or job, charged when a job ended (None: not said)."""

    event: Event
    clip_id: str
    fingerprint: str
    model: str
    time: str = ""
    job: str | None = None
    state: State | None = None
    code: str = ""
    usd: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Account:
    """Where one clip stands. `asked` means that a submit went out and what became of it is not known."""

    clip_id: str
    fingerprint: str
    model: str
    standing: Standing = "open"
    job: str | None = None
    state: State | None = None
    code: str = ""
    detail: str = ""
    aside_usd: float | None = None
    """Of the present job: its price, or what was charged once that is known."""
    former_usd: float = 0.0
    """Of jobs that --resubmit left behind."""
    charged: bool = False
    """Whether the provider said what it charged."""
    gone: bool = False
    """The provider does not know the job any more, or has no file of it that is whole."""
    submits: int = 0
    asked_at: str = ""
    ended_at: str = ""

    @property
    def usd(self) -> float:
        """What this clip has cost, or may have."""
        return self.former_usd + (self.aside_usd or 0.0)

    @property
    def may_be_repeated(self) -> bool:
        """Whether --resubmit applies: the clip cannot come of the present job, or nobody knows of one."""
        failed = self.standing == "ended" and self.state in {"failed", "cancelled"}
        return failed or self.standing == "asked" or self.gone


class Ledger:
    """The file and what it adds up to; safe for threads, for one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._is_whole = path, threading.Lock(), False
        self._accounts: dict[str, Account] = {}
        for entry in _read(path):
            self._fold(entry)

    def account(self, clip_id: str) -> Account | None:
        """Where that clip stands; None when it was never asked for."""
        with self._lock:
            return self._accounts.get(clip_id)

    def accounts(self) -> list[Account]:
        """Every clip that was ever asked for."""
        with self._lock:
            return list(self._accounts.values())

    def committed_usd(self) -> float:
        """What was charged, and what is set aside for jobs whose charge is not known."""
        with self._lock:
            return sum(account.usd for account in self._accounts.values())

    def dearest_usd(self, model: str) -> float:
        """The most that one job of that model was charged or set aside for so far."""
        with self._lock:
            return max((a.aside_usd or 0.0 for a in self._accounts.values() if a.model == model), default=0.0)

    def write(self, event: Event, order: Order, **fields: object) -> None:
        """Append a line about that order and force it to disk. Raises FrameholdError when the disk does not take it."""
        self.append(Entry(event, order.clip_id, order.fingerprint, order.request.key.model, **fields))  # type: ignore[arg-type]

    def append(self, entry: Entry) -> None:
        """As `write`. The line is on disk when this returns."""
        entry = replace(
            entry,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            detail=one_line(entry.detail),
            code=one_line(entry.code),
        )
        with self._lock:
            try:
                if not self._is_whole:
                    _cut_torn_line(self._path)
                    self._is_whole = True
                _append(self._path, canonical_json(asdict(entry)))
            except OSError as error:
                job = f"; note it down: job {entry.job} of clip {entry.clip_id} is paid for" if entry.job else ""
                raise FrameholdError(f"{self._path}: cannot be written ({error.strerror}){job}") from error
            self._fold(entry)

    def allow_again(self, clip_ids: Iterable[str]) -> list[str]:
        """Let those clips be submitted once more where the last job came to nothing; return which they are."""
        allowed = [account for clip_id in clip_ids if (account := self.account(clip_id)) and account.may_be_repeated]
        for account in allowed:
            self.append(Entry("again", account.clip_id, account.fingerprint, account.model, job=account.job))
        return [account.clip_id for account in allowed]

    def _fold(self, entry: Entry) -> None:
        account = self._accounts.get(entry.clip_id) or Account(entry.clip_id, entry.fingerprint, entry.model)
        self._accounts[entry.clip_id] = _after(account, entry)


def _after(account: Account, entry: Entry) -> Account:
    """The account once that has happened."""
    usd = entry.usd if entry.usd is not None else account.aside_usd
    bare = Account(account.clip_id, entry.fingerprint, entry.model, submits=account.submits)
    match entry.event:
        case "intent":
            submits, former = account.submits + 1, account.former_usd
            after = replace(bare, standing="asked", aside_usd=entry.usd, submits=submits, former_usd=former)
            after = replace(after, asked_at=entry.time)
        case "no-job":
            after = replace(account, standing="open", aside_usd=None)
        case "lost":
            after = replace(account, detail=entry.detail)
        case "job":
            after = replace(account, standing="running", job=entry.job, aside_usd=usd, detail="")
        case "ended":
            after = replace(account, standing="ended", state=entry.state, code=entry.code, detail=entry.detail)
            after = replace(after, aside_usd=usd, charged=entry.usd is not None, gone=False, ended_at=entry.time)
        case "gone":
            after = replace(account, gone=True, detail=entry.detail)
        case "again":
            after = replace(bare, former_usd=account.usd)
    return after


def _read(path: Path) -> list[Entry]:
    """The entries, without the torn last line that a killed process may have left."""
    if not path.exists():
        return []
    entries = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise FrameholdError(
                f"{path}, line {number} is damaged: it may name a paid job; mend the line by hand before going on"
            ) from error
    return entries


def _append(path: Path, line: str) -> None:
    is_new = not path.exists()
    with path.open("ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new and os.name == "posix":  # or the file's name could be lost where its bytes are not
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _cut_torn_line(path: Path) -> None:
    """Or the next line would be written onto its end."""
    if path.exists():
        with path.open("rb+") as file:
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
                os.fsync(file.fileno())
