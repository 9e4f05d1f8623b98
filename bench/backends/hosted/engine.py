"""The job engine that all providers share: submit, poll, download, so that nothing is paid for twice.

Every thread serves one clip from beginning to end. Submits go one at a time through the provider's gate: the cap is
held against the ledger, the intent is put on disk, the request goes out once, and the job's id is on disk before
anything else happens.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.backends.hosted.jobs import CapReached, Order, Served, Stopped
from bench.backends.hosted.keys import scrub
from bench.backends.hosted.ledger import Ledger
from bench.backends.hosted.service import Service
from bench.backends.hosted.waiting import HEARTBEAT_SECONDS, Gate, pause
from bench.executors import attempt
from bench.records import FrameholdError, counted

if TYPE_CHECKING:
    from bench.backends.hosted.backend import HostedBackend

MOST_LOST_IN_A_ROW = 3
CENT_FRACTION = 1e-9  # sums of dollars are not exact


@dataclass(frozen=True)
class Work:
    """An order and the backend that serves it."""

    backend: HostedBackend
    order: Order


class Engine:
    """Serves orders of any number of providers at once, under one ledger and one cap."""

    def __init__(self, ledger: Ledger, cap_usd: float, folder: Path) -> None:
        self.ledger, self.folder, self.stop = ledger, folder, threading.Event()
        self._cap_usd = cap_usd
        self._money = threading.Condition()
        self._in_flight = 0
        self._lost_in_a_row = 0
        self._halt: FrameholdError | None = None

    def run(self, work: Sequence[Work]) -> Generator[Served]:
        """Serve all of it, what is paid for already first; yields in the order in which they end.

        What stops the run (no money, no key, the cap) is raised in the end, when jobs in flight have been brought home.
        """
        outcomes: queue.SimpleQueue[Served] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._thread, args=(waiting, gate, outcomes), daemon=True)
            for waiting, gate, count in self._queues(work)
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        unsent = 0
        try:
            for _ in work:
                served = _next(outcomes)
                unsent += served.unsent
                yield served
        finally:
            self.stop.set()
            patience = max((item.backend.limits.request_seconds for item in work), default=0.0)
            for thread in threads:  # a submit on its way must get the chance to write down its job
                thread.join(patience)
        if self._halt:
            raise FrameholdError(f"{self._halt} ({counted(unsent, 'clip')} left for another run)") from None

    def _queues(self, work: Sequence[Work]) -> Iterator[tuple[queue.SimpleQueue[Work], Gate, int]]:
        """(orders, gate, threads) of each backend."""
        for backend in dict.fromkeys(item.backend for item in work):
            mine = [item for item in work if item.backend is backend]
            waiting: queue.SimpleQueue[Work] = queue.SimpleQueue()
            for item in sorted(mine, key=lambda item: not self._is_asked(item.order)):
                waiting.put(item)
            yield waiting, Gate(backend.limits, self.stop), min(backend.limits.concurrency, len(mine))

    def _is_asked(self, order: Order) -> bool:
        account = self.ledger.account(order.clip_id)
        return account is not None and account.standing != "open"

    def _thread(self, waiting: queue.SimpleQueue[Work], gate: Gate, outcomes: queue.SimpleQueue[Served]) -> None:
        while True:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            outcomes.put(self._outcome(Service(self, item.backend, item.order, gate)))

    def _outcome(self, service: Service) -> Served:
        """Whatever happens to one order, something is said of it."""
        order = service.order
        try:
            outcome = attempt(Service.serve, service)
        except FrameholdError as error:
            self._halt = self._halt or error
            return Served(order, unsent=True)
        return outcome.result or Served(order, missing=scrub(outcome.missing or ""))

    # ---- money

    def set_aside(self, order: Order, write_intent: Callable[[float | None], None]) -> None:
        """Write the intent if its price still fits under the cap; waits while jobs in flight may turn out cheaper.

        Raises CapReached when it does not fit, the error that halted the run, or Stopped.
        """
        with self._money:
            while True:
                if self._halt:
                    raise Stopped("the run goes no further")
                dearest = self.ledger.dearest_usd(order.request.key.model)
                price = max(order.price_usd, dearest) if order.price_usd is not None else dearest or None
                committed = self.ledger.committed_usd()
                if committed + (price or 0.0) <= self._cap_usd + CENT_FRACTION:
                    write_intent(price)
                    self._in_flight += 1
                    return
                if not self._in_flight:
                    raise CapReached(
                        f"the cap of {self._cap_usd:.2f} USD is reached: {committed:.2f} is charged or set aside and "
                        f"a clip of {order.request.key.model} may cost {price or 0.0:.2f}: raise --max-cost to go on"
                    )
                self._money.wait(HEARTBEAT_SECONDS)
                pause(0.0, self.stop)

    def adopt(self) -> None:
        """A job of an earlier run is in flight again."""
        with self._money:
            self._in_flight += 1

    def settle(self) -> None:
        """A job in flight has come to an end, whatever end: what it was charged is in the ledger."""
        with self._money:
            self._in_flight -= 1
            self._money.notify_all()

    def count_lost(self, was_lost: bool, who: str) -> None:
        """Stop submitting when answers go on being lost: each may be a paid job that nobody will see."""
        self._lost_in_a_row = self._lost_in_a_row + 1 if was_lost else 0
        if self._lost_in_a_row >= MOST_LOST_IN_A_ROW and not self._halt:
            self._halt = FrameholdError(
                f"{who}: the answers to {self._lost_in_a_row} submits in a row were lost, so no more are sent: "
                "run again when it answers; jobs in flight are not lost"
            )


def _next(outcomes: queue.SimpleQueue[Served]) -> Served:
    """The next outcome. Wakes up now and then, or Ctrl-C would not be heard on every system."""
    while True:
        try:
            return outcomes.get(timeout=HEARTBEAT_SECONDS)
        except queue.Empty:
            continue
