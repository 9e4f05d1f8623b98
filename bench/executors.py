"""Run jobs here or on a cluster. To add an executor: a function, a line in EXECUTORS, a test.

An executor takes a picklable function and its jobs, and yields (index of the job, outcome) as they end, in any order.
What a job returns must not depend on who runs it or beside what.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Protocol, TypeVar

from bench.records import FrameholdError, MissingClip
from bench.registry import load

Job = TypeVar("Job")
Result = TypeVar("Result")

EXECUTORS: dict[str, str] = {
    "local": "bench.executors:run_local",
    "ray": "bench.executors:run_ray",
}
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
KILLED = "the worker process was killed (out of memory, or a crash in a codec)"
_submitting = threading.Lock()


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """How a job ended: with a result, or with the reason why its clip is missing."""

    result: Result | None = None
    missing: str | None = None


class Executor(Protocol):
    """Runs jobs; see the head of this file."""

    def __call__(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
    ) -> Iterator[tuple[int, Outcome[Result]]]:
        """Yield (index of the job, outcome) as jobs end."""
        ...


def open_executor(name: str) -> Executor:
    """The executor of that name. Raises FrameholdError naming the known ones."""
    executor: Executor = load(EXECUTORS, "executor", name)
    return executor


def attempt(function: Callable[[Job], Result], job: Job) -> Outcome[Result]:
    """Run one job. Its own failure is an outcome; what would fail every job (a full disk, a bad option) is raised."""
    try:
        return Outcome(function(job))
    except MissingClip as error:
        return Outcome(missing=str(error))
    except FrameholdError:
        raise
    except OSError as error:
        if error.errno in DISK_ERRORS:
            place = f"{error.filename}: " if error.filename else ""
            raise FrameholdError(
                f"{place}{error.strerror}: nothing done so far is lost; make room or check permissions and run again"
            ) from error
        return Outcome(missing=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - the one broad except of the house: one clip's fault must not end the run
        return Outcome(missing=f"{type(error).__name__}: {error}")


def run_local(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Jobs in worker processes of this machine; with one worker, in this process, which a crash in a codec ends."""
    if workers == 1:
        for index, job in enumerate(jobs):
            yield index, attempt(function, job)
        return
    waiting = list(range(len(jobs)))[::-1]
    while waiting:
        pool = _open_pool(min(workers, len(waiting)))
        try:
            yield from _drain(pool, function, jobs, waiting, workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _drain(
    pool: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Sequence[Job], waiting: list[int], workers: int
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Feed a pool until no job waits. When a worker is killed, what was in flight is tried again, one at a time."""
    running: dict[Future[Outcome[Result]], int] = {}
    while waiting or running:
        try:
            while waiting and len(running) < 2 * workers:
                running[_submit(pool, function, jobs[waiting[-1]])] = waiting[-1]
                waiting.pop()
        except BrokenProcessPool:  # a worker was killed while nobody looked; whoever is in flight will say so
            if not running:
                return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            index = running.pop(future)
            try:
                yield index, future.result()
            except BrokenProcessPool:
                for suspect in sorted([index, *running.values()]):
                    yield suspect, _alone(function, jobs[suspect])
                return


def _alone(function: Callable[[Job], Result], job: Job) -> Outcome[Result]:
    """Run one job in a process of its own, so that a crash in native code costs this job and no other."""
    with _open_pool(1) as pool:
        try:
            return _submit(pool, function, job).result()
        except BrokenProcessPool:
            return Outcome(missing=KILLED)


class Beside:
    """One worker process beside other work. Nobody waits for what it does: who needs it looks for it, or does it."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def add(self, function: Callable[[Job], Result], job: Job) -> None:
        """Do this too when there is time for it. A worker that was killed does nothing any more."""
        self._pool = self._pool or _open_pool(1)
        with suppress(BrokenProcessPool):
            _submit(self._pool, function, job)

    def close(self) -> None:
        """End what is at work and leave the rest."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _open_pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_die_with_parent)


def _submit(pool: ProcessPoolExecutor, function: Callable[[Job], Result], job: Job) -> Future[Outcome[Result]]:
    """Hand a job to the pool, which starts its workers here, as jobs come."""
    with _main_hidden():
        return pool.submit(attempt, function, job)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Let a worker start without the caller's `__main__`, which it needs for nothing.

    A spawned process runs it again: a script without `if __name__ == "__main__"` would start itself once more in every
    worker, and code from standard input is no file that could be run.
    """
    with _submitting:
        names = vars(sys.modules["__main__"])
        kept: dict[str, object] = {name: names[name] for name in ("__spec__", "__file__") if name in names}
        names["__spec__"] = None
        names.pop("__file__", None)
        try:
            yield
        finally:
            names.update(kept)


def _die_with_parent() -> None:
    """End this worker when the process that started it is gone, also by kill -9."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def run_ray(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Jobs as Ray tasks, at most `workers` at a time; every node must see the run folder at the same path."""
    try:
        import ray
    except ImportError as error:
        raise FrameholdError('the ray executor needs Ray: pip install "framehold[ray]"') from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(num_cpus=1, max_retries=1)(attempt)
    killed = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError)
    waiting = list(enumerate(jobs))[::-1]
    running: dict[Any, int] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            index, job = waiting.pop()
            running[remote.remote(function, job)] = index
        (reference,), _ = ray.wait(list(running), num_returns=1)
        index = running.pop(reference)
        try:
            yield index, ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except killed:
            yield index, Outcome(missing=KILLED)
