"""Work of several threads in the order of its sources, with a bounded number of items waiting."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

Source = TypeVar("Source")
Item = TypeVar("Item")
WAIT_SECONDS = 0.1  # between two looks at whether anybody still wants the work


class Piece(NamedTuple, Generic[Item]):
    """An item of source number `source`; none when that source has ended."""

    source: int
    item: Item | None


def in_order(
    make: Callable[[Source], Iterator[Item]], sources: Sequence[Source], threads: int, waiting: int
) -> Iterator[Piece[Item]]:
    """The items of every source, source by source, each followed by a piece without item. Errors of `make` are raised.

    A thread takes the next source while items of an earlier one are used; at most threads x waiting items wait.
    """
    stop = threading.Event()
    queues: list[queue.Queue[Any]] = [queue.Queue(waiting) for _ in sources]

    def fill(number: int) -> None:
        try:
            for item in make(sources[number]):
                if not _put(queues[number], Piece(number, item), stop):
                    return
        finally:
            _put(queues[number], Piece(number, None), stop)

    pool = ThreadPoolExecutor(max(1, threads))
    try:
        work = [pool.submit(fill, number) for number in range(len(sources))]
        for number in range(len(sources)):
            piece: Piece[Item] = queues[number].get()
            while piece.item is not None:
                yield piece
                piece = queues[number].get()
            work[number].result()
            yield piece
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _put(place: queue.Queue[Any], piece: Piece[Any], stop: threading.Event) -> bool:
    """Wait for room; False when nobody wants the work any more."""
    while not stop.is_set():
        with suppress(queue.Full):
            place.put(piece, timeout=WAIT_SECONDS)
            return True
    return False
