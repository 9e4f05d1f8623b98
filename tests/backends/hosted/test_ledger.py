"""The ledger: what it adds up to, and that it is whole after any end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench.backends.hosted.jobs import Order
from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.records import ClipKey, ClipRequest, FrameholdError, Prompt


def order(prompt: str = "p") -> Order:
    request = ClipRequest(ClipKey("runway/gen4.5", prompt, 0), Prompt(prompt, "A dog"))
    return Order(request, "mark", "gen4.5", {}, 5.0, "no", 2.0)


def after(folder: Path, *events: tuple[str, dict[str, Any]]) -> Ledger:
    ledger = Ledger(folder / FILE_NAME)
    for event, fields in events:
        ledger.write(event, order(), **fields)  # type: ignore[arg-type]
    return Ledger(folder / FILE_NAME)  # as another process finds it


INTENT, JOB = ("intent", {"usd": 2.0}), ("job", {"job": "j1"})
LOST = ("lost", {"detail": "silence"})
NO_JOB: tuple[str, dict[str, Any]] = ("no-job", {})


@pytest.mark.parametrize(
    ("events", "standing", "usd", "repeatable"),
    [
        ([INTENT], "asked", 2.0, True),
        ([INTENT, LOST], "asked", 2.0, True),
        ([INTENT, NO_JOB], "open", 0.0, False),
        ([INTENT, NO_JOB, INTENT, JOB], "running", 2.0, False),
        ([INTENT, ("job", {"job": "j1", "usd": 1.25})], "running", 1.25, False),
        ([INTENT, JOB, ("gone", {})], "running", 2.0, True),
        ([INTENT, JOB, ("ended", {"state": "done", "usd": 1.5})], "ended", 1.5, False),
        ([INTENT, JOB, ("ended", {"state": "done"})], "ended", 2.0, False),
        ([INTENT, JOB, ("ended", {"state": "failed", "usd": 0.0})], "ended", 0.0, True),
        ([INTENT, JOB, ("ended", {"state": "refused", "usd": 0.0})], "ended", 0.0, False),
    ],
)
def test_where_a_clip_stands(tmp_path: Path, events: list[Any], standing: str, usd: float, repeatable: bool) -> None:
    ledger = after(tmp_path, *events)
    account = ledger.account(order().clip_id)
    assert account is not None
    assert (account.standing, account.usd, account.may_be_repeated) == (standing, usd, repeatable)
    assert ledger.committed_usd() == usd


def test_what_was_left_behind_goes_on_counting(tmp_path: Path) -> None:
    ledger = after(tmp_path, INTENT, LOST)
    assert ledger.allow_again([order().clip_id, "another"]) == [order().clip_id]
    ledger.write("intent", order(), usd=2.0)
    ledger.write("job", order(), job="j2", usd=1.0)
    again = Ledger(tmp_path / FILE_NAME)
    account = again.account(order().clip_id)
    assert account is not None
    assert (account.job, account.submits, account.usd) == ("j2", 2, 3.0)
    assert again.allow_again([order().clip_id]) == []


@pytest.mark.parametrize("keep", range(1, 40, 7))
def test_a_torn_last_line_is_as_if_it_had_not_been(tmp_path: Path, keep: int) -> None:
    after(tmp_path, INTENT, JOB)
    path = tmp_path / FILE_NAME
    first, second = path.read_bytes().split(b"\n")[:2]
    path.write_bytes(first + b"\n" + second[:keep])
    torn = path.read_bytes()
    ledger = Ledger(path)
    account = ledger.account(order().clip_id)
    assert account is not None
    assert account.standing == "asked"
    assert path.read_bytes() == torn  # reading changes nothing: another process may be writing
    ledger.write("lost", order())
    assert path.read_bytes().startswith(first + b"\n{")
    assert len(path.read_bytes().splitlines()) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    after(tmp_path, INTENT, JOB)
    path = tmp_path / FILE_NAME
    path.write_bytes(b"{nonsense\n" + path.read_bytes())
    with pytest.raises(FrameholdError, match=r"line 1 is damaged.*paid job"):
        Ledger(path)


def test_every_line_is_forced_to_disk_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    ledger = Ledger(tmp_path / FILE_NAME)
    ledger.write("intent", order(), usd=2.0)
    size = (tmp_path / FILE_NAME).stat().st_size
    assert size in synced
    assert len(synced) == 2  # the file, and the folder that names it
    ledger.write("job", order(), job="j1")
    assert synced[-1] == (tmp_path / FILE_NAME).stat().st_size > size


def test_a_full_disk_names_the_paid_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = after(tmp_path, INTENT)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FrameholdError, match=r"No space left on device\); note it down: job j1 of clip"):
        ledger.write("job", order(), job="j1")
