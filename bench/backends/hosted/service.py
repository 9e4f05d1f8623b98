"""One paid clip from beginning to end, by whatever stands in the ledger: submit, wait, bring it home."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from bench.backends.hosted.download import Download, checked_clip
from bench.backends.hosted.jobs import (
    AnswerLost,
    Damaged,
    JobGone,
    Look,
    NoJob,
    NoService,
    Order,
    OutputExpired,
    Receipt,
    Rejected,
    Served,
    Stopped,
    TryAgainLater,
)
from bench.backends.hosted.keys import one_line, scrubbed
from bench.backends.hosted.waiting import Gate, patiently, pause
from bench.records import Clip, FrameholdError, MissingClip

if TYPE_CHECKING:
    from bench.backends.hosted.backend import HostedBackend
    from bench.backends.hosted.engine import Engine

Result = TypeVar("Result")


@dataclass(frozen=True)
class Service:
    """One order on its way. `gate` is the door of its provider, `engine` keeps ledger, cap and stop."""

    engine: Engine
    backend: HostedBackend
    order: Order
    gate: Gate

    def serve(self) -> Served:
        """Go on from where the ledger says this clip stands. Raises MissingClip, or FrameholdError to end the run."""
        if self.order.unsendable:
            return self._refused(self.order.unsendable, "the prompt was not sent: it is longer than the model takes")
        account = self.engine.ledger.account(self.order.clip_id)
        try:
            if account is None or account.standing == "open":
                job = self._submit()
            elif account.standing == "asked":
                raise MissingClip(self._unknown(account.detail or "the process ended before the answer came"))
            else:
                job = account.job or ""
                self.engine.adopt()
        except Rejected as error:
            if error.refused:
                return self._refused(error.code, str(error))
            raise MissingClip(f"rejected, nothing was made: {error}") from None
        except AnswerLost as error:
            raise MissingClip(self._unknown(str(error))) from None
        except Stopped:
            return Served(self.order, unsent=True)
        try:
            return self._bring_home(job)
        except Stopped:
            return Served(self.order, unsent=True)
        finally:
            self.engine.settle()

    # ---- submit

    def _submit(self) -> str:
        """The id of the new job, on disk. Raises Rejected, AnswerLost, Stopped, or FrameholdError to end the run."""
        self.backend.client(self.order.model)  # without SDK or key nothing is intended either
        key = uuid4().hex  # one for all tries: where the provider knows idempotency keys, it makes one job of them
        try:
            return patiently(lambda: self._submit_once(key), self.backend.limits, self.engine.stop)
        except NoJob as error:
            raise FrameholdError(
                f"{error}; so it was for {self.backend.limits.attempts} submits, and no more are sent: run again later"
            ) from None

    def _submit_once(self, key: str) -> str:
        """One submit, with its intent on disk before it and its job on disk right after it."""
        ledger, order, job = self.engine.ledger, self.order, ""
        with self.gate.submitting():
            self.engine.set_aside(order, lambda usd: ledger.write("intent", order, usd=usd))
            try:
                receipt = self._send(key)
                ledger.write("job", order, job=receipt.job, usd=receipt.most_usd)
                job = receipt.job
            except (NoJob, NoService) as error:
                ledger.write("no-job", order, detail=str(error))
                self.gate.close_for(getattr(error, "wait_seconds", None) or 0.0)
                raise
            except Rejected as error:
                if error.refused:
                    ledger.write("ended", order, state="refused", code=error.code, usd=0.0, detail=str(error))
                else:
                    ledger.write("no-job", order, code=error.code, detail=str(error))
                raise
            except AnswerLost as error:
                ledger.write("lost", order, detail=str(error))
                self.engine.count_lost(True, self.backend.name)
                self.gate.close_for(self.backend.limits.first_wait_seconds)
                raise
            finally:
                if not job:
                    self.engine.settle()
        self.engine.count_lost(False, self.backend.name)
        return job

    def _send(self, key: str) -> Receipt:
        """One submit; with an idempotency key the same submit again, for as long as its answer goes on being lost."""
        if not self.backend.idempotent:
            return self.backend.send(self.order, key)
        lost: list[str] = []

        def again() -> Receipt:
            try:
                return self.backend.send(self.order, key)
            except AnswerLost as error:
                lost.append(str(error))
                raise TryAgainLater(str(error)) from None

        try:
            return patiently(again, self.backend.limits, self.engine.stop)
        except (TryAgainLater, Rejected, NoService) as error:
            if lost:  # what was said later says nothing of the submit before it
                raise AnswerLost(f"{lost[0]}; later: {error}") from None
            raise

    # ---- wait

    def _bring_home(self, job: str) -> Served:
        """The clip of a job. Raises MissingClip where it came to nothing, Stopped."""
        account = self.engine.ledger.account(self.order.clip_id)
        if account and account.standing == "ended" and account.state != "done":
            return self._fallen(Look(account.state or "failed", account.code, account.detail), job)
        look = self._wait_for(job)
        ledger = self.engine.ledger
        if account is None or account.standing != "ended":
            ledger.write(
                "ended", self.order, job=job, state=look.state, code=look.code, usd=look.charged_usd, detail=look.reason
            )
        if look.state != "done":
            return self._fallen(look, job)
        clip, leftovers = self._download(job, look)
        return replace(self._served(job, look), clip=clip, leftovers=leftovers)

    def _wait_for(self, job: str) -> Look:
        """Look until the job has ended, however that is."""
        until = time.monotonic() + self.backend.limits.give_up_seconds
        while True:
            look = self._ask(job, lambda: self._look(job))
            if look.state != "running":
                return look
            if time.monotonic() > until:
                raise MissingClip(f"job {job} still runs at {self.backend.name}: run again to pick it up")
            pause(self.backend.limits.poll_seconds, self.engine.stop)

    def _look(self, job: str) -> Look:
        self.gate.take_turn()
        return self.backend.look(self.order, job)

    def _ask(self, job: str, question: Callable[[], Result]) -> Result:
        """Ask patiently; where that is of no use, say what is to be done."""
        try:
            return patiently(question, self.backend.limits, self.engine.stop)
        except (JobGone, OutputExpired, Damaged) as error:
            self.engine.ledger.write("gone", self.order, job=job, detail=str(error))
            raise MissingClip(
                f"{self.backend.name} has nothing any more for job {job} ({error}): run again to look once more, "
                "or --resubmit for a new one"
            ) from None
        except TryAgainLater as error:
            raise MissingClip(f"job {job} is paid for and safe in the ledger, but {error}: run again") from None

    def _download(self, job: str, look: Look) -> tuple[Clip, Path]:
        """The whole file, decoded once. A dead url, or a file that is not whole, brings a fresh look at the job."""
        download = Download(self.engine.folder / f"{self.order.clip_id}.part", self.engine.stop)
        looks = [look]

        def fetch() -> tuple[Clip, Path]:
            if not looks:
                looks.append(self._look(job))
            try:
                self.backend.save(self.order, looks[-1], download)
                return checked_clip(download.part, self.order.seconds)
            except OutputExpired:
                looks.clear()
                raise
            except MissingClip as error:
                download.start_over()
                looks.clear()
                raise Damaged(f"the file is damaged: {error}") from None

        return self._ask(job, fetch)

    # ---- what is said of it

    def _fallen(self, look: Look, job: str) -> Served:
        """A job that ended without a clip."""
        if look.state == "refused":
            return self._refused(look.code, look.reason, job, look)
        code, reason = one_line(look.code), one_line(look.reason)
        said = reason if reason.startswith(code) else f"{code} {reason}"
        missing = f"{look.state} at {self.backend.name} (job {job})" + (f": {said}" if said else "")
        return replace(self._served(job, look), missing=f"{missing}; --resubmit asks for a new one")

    def _refused(self, code: str, reason: str, job: str = "", look: Look | None = None) -> Served:
        code, reason = one_line(code), one_line(reason)
        missing = f"refused by {self.backend.name}: {code}" + (f" ({reason})" if reason else "")
        return replace(self._served(job, look), missing=missing, refused=code)

    def _served(self, job: str, look: Look | None) -> Served:
        """What reproduces the clip and what it cost."""
        account, order = self.engine.ledger.account(self.order.clip_id), self.order
        cost = 0.0 if account is None else None if account.aside_usd is None else account.usd
        facts = {
            "provider": self.backend.name,
            "provider_model": order.model,
            "sdk": self.backend.sdk_version(),
            "job": job or None,
            "arguments": order.arguments,
            "dropped": order.dropped,
            "seconds": order.seconds,
            "charge": "reported" if account and account.charged else "price of the table",
            "code": account.code if account else self.order.unsendable or "",
            "submits": account.submits if account else 0,
            "asked_at": account.asked_at if account else "",
            "ended_at": account.ended_at if account else "",
            "response": dict(look.raw) if look else {},
        }
        return Served(order, cost_usd=cost, facts=scrubbed(facts))

    def _unknown(self, detail: str) -> str:
        return (
            f"unknown: asked for, and what became of it is not known ({detail}); it may have been paid for: look at "
            f"the jobs of your account at {self.backend.name}, then --resubmit asks once more"
        )
