"""bench.executors: what a job returns does not depend on who runs it, and one that dies takes no other with it."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import active_children
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.executors import KILLED, Outcome, attempt, open_executor, run_local, run_ray
from bench.records import FrameholdError, MissingClip
from tests.video_factory import noise, write_clip

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")))
}
PATIENCE_SECONDS = 300  # nothing here takes so long; a test that waits in vain ends


def work(job: str) -> str:
    """Fails in the way that the job names, or returns it in capitals."""
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "missing":
        raise MissingClip("it was refused")
    if job == "bug":
        raise ZeroDivisionError("by zero")
    if job == "option":
        raise FrameholdError("--frames 0: expected 1 or more")
    return job.upper()


def die_once(marker: str) -> str:
    """Killed at its first try, as by the system when memory is short."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def process_id(_: int) -> int:
    return os.getpid()


def dot_product(seed: int) -> bytes:
    """The last bits of this depend on how many threads share it, if on anything."""
    values = np.random.default_rng(seed).normal(size=(2, 4096)).astype(np.float32)
    return bytes(np.dot(values[0], values[1]).tobytes())


def outcomes(function: Callable[[Any], Any], jobs: list[Any], workers: int) -> list[Outcome[Any]]:
    """In the order of the jobs; every job has one."""
    ended = dict(run_local(function, jobs, workers))
    return [ended.pop(index) for index in range(len(jobs))]


def python(*arguments: str | Path, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """A Python of its own, `code` on its standard input."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        input=code,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=ENVIRONMENT,
        check=False,
    )


# ---- one job -----------------------------------------------------------------------------------------------------


def fail_with(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MissingClip("it was refused"), "it was refused"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
        (MemoryError(), "MemoryError: "),
        (OSError(errno.EIO, "Input/output error", "a.mp4"), "OSError: [Errno 5] Input/output error: 'a.mp4'"),
    ],
)
def test_a_fault_of_one_clip_is_its_outcome(error: Exception, reason: str) -> None:
    assert attempt(fail_with, error) == Outcome(missing=reason)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_fault_of_the_disk_ends_the_run_and_names_the_file(number: int) -> None:
    with pytest.raises(FrameholdError, match=r"^clips/a\.avi: .*: nothing done so far is lost"):
        attempt(fail_with, OSError(number, os.strerror(number), "clips/a.avi"))


def test_a_wrong_option_ends_the_run() -> None:
    with pytest.raises(FrameholdError, match="--frames 0"):
        attempt(work, "option")


def test_executors_have_names() -> None:
    assert open_executor("local") is run_local
    assert open_executor("bench.executors:run_ray") is run_ray
    with pytest.raises(FrameholdError, match="unknown executor 'slurm': choose from local, ray"):
        open_executor("slurm")


# ---- here --------------------------------------------------------------------------------------------------------


def test_one_worker_works_in_this_process_and_in_order() -> None:
    assert list(run_local(process_id, [0, 1], 1)) == [(0, Outcome(os.getpid())), (1, Outcome(os.getpid()))]
    assert [outcome.result or outcome.missing for outcome in outcomes(work, ["a", "missing", "b"], 1)] == [
        "A",
        "it was refused",
        "B",
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_no_jobs_no_outcomes(workers: int) -> None:
    assert list(run_local(work, [], workers)) == []


@pytest.mark.slow
def test_two_workers_give_what_one_gives() -> None:
    seeds = list(range(9))
    assert outcomes(dot_product, seeds, 2) == outcomes(dot_product, seeds, 1)
    ids = {outcome.result for outcome in outcomes(process_id, [0, 1, 2], 2)}
    assert os.getpid() not in ids
    assert not active_children()


@pytest.mark.slow
def test_what_fails_every_job_is_raised_and_no_worker_stays() -> None:
    with pytest.raises(FrameholdError, match="--frames 0"):
        outcomes(work, ["a", "option", "b", "c"], 2)
    assert not active_children()


@pytest.mark.slow
def test_nobody_stays_when_the_caller_stops_listening() -> None:
    ended = run_local(work, ["a", "b", "c", "d"], 2)
    assert len(list(islice(ended, 1))) == 1
    assert isinstance(ended, Iterator)
    ended.close()  # type: ignore[attr-defined]  # a generator
    assert not active_children()


# ---- killed workers ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_job_that_always_kills_its_worker_is_missing_and_no_other() -> None:
    jobs = ["a", "die", "b", "missing", "bug", "c", "d", "e"]
    expected = [attempt(work, job) if job != "die" else Outcome(missing=KILLED) for job in jobs]
    assert outcomes(work, jobs, 2) == expected
    assert not active_children()


@pytest.mark.slow
def test_a_worker_killed_once_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    assert outcomes(die_once, [str(tmp_path / "a"), *[str(tmp_path / "b")] * 4], 2) == [Outcome("done")] * 5


@pytest.mark.slow
def test_the_last_job_left_is_kept_apart_too() -> None:
    # What is left of a run that goes on may be the one clip that ended it.
    assert outcomes(work, ["die"], 2) == [Outcome(missing=KILLED)]


SLEEPERS = """
import sys
from bench.executors import run_local
sys.path.insert(0, sys.argv[1])
from sleepers import sleep
list(run_local(sleep, [sys.argv[1]] * 4, 2))
"""
SLEEPER = """
import os, pathlib, time
def sleep(folder):
    pathlib.Path(folder, f"{os.getpid()}.pid").touch()
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(SLEEPER)
    parent = subprocess.Popen([sys.executable, "-c", SLEEPERS, str(tmp_path)], env=ENVIRONMENT)
    try:
        until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    finally:
        parent.kill()
        parent.wait()
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    try:
        until(lambda: not any(map(alive, workers)))
    finally:
        for worker in filter(alive, workers):
            os.kill(worker, signal.SIGKILL)


def until(condition: Callable[[], bool]) -> None:
    """Wait for it; fail when it does not come."""
    for _ in range(PATIENCE_SECONDS * 20):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def alive(process: int) -> bool:
    """Is it there, and no zombie that nobody has waited for yet?"""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


# ---- the caller's __main__ ---------------------------------------------------------------------------------------

SCRIPT = """
import sys
import bench
print("begins")
run = bench.run(clips=sys.argv[1], model="m", out=sys.argv[2], workers=2)
print(run.holds["missing"].isna().tolist(), __name__, __file__ == sys.argv[0], __spec__)
"""
KILLERS = """
from bench.executors import run_local
jobs = ["6 * 7", "__import__('os')._exit(1)", "2 + 2"]
print([outcome.result or outcome.missing for _, outcome in sorted(run_local(eval, jobs, 2), key=lambda each: each[0])])
"""


@pytest.mark.slow
def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, name in enumerate(("ffv1.mkv", "mjpeg.avi")):
        write_clip(clips / name, noise(3, 32, 24, seed=number))
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = python(script, clips, tmp_path / "run")
    assert ended.stdout.splitlines() == ["begins", "[True, True] __main__ True None"], ended.stderr
    assert ended.returncode == 0


@pytest.mark.slow
def test_code_on_standard_input_has_workers(tmp_path: Path) -> None:
    ended = python("-", code=KILLERS)
    assert ended.stdout.splitlines() == [f"[42, {KILLED!r}, 4]"], ended.stderr  # also those that run alone


@pytest.mark.slow
def test_a_module_without_a_guard_runs_once(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("print(__spec__.name)\n" + KILLERS + "print(__spec__.name)\n")
    code = f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['module']; "
    ended = python("-c", code + "runpy.run_module('module', run_name='__main__', alter_sys=True)")
    assert ended.stdout.splitlines() == ["module", f"[42, {KILLED!r}, 4]", "module"], ended.stderr


def test_main_is_itself_again_when_a_worker_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]
    before = {name: vars(main).get(name, "absent") for name in ("__file__", "__spec__")}

    def full(*_: object) -> None:
        assert vars(main).get("__file__") is vars(main)["__spec__"] is None
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", full)
    with pytest.raises(BlockingIOError):
        list(run_local(work, ["a", "b"], 2))
    assert {name: vars(main).get(name, "absent") for name in before} == before


# ---- on a cluster ------------------------------------------------------------------------------------------------


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FrameholdError, match=r'the ray executor needs Ray: pip install "framehold\[ray\]"'):
        list(open_executor("ray")(work, ["a"], 2))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason='needs Ray: pip install "framehold[ray]"')
def test_ray_gives_what_this_machine_gives() -> None:
    code = """
from test_executors import dot_product, work
from bench.executors import run_local, run_ray
from bench.records import FrameholdError
jobs = ["a", "missing", "bug", "die", "b", "c"]
safe = [job for job in jobs if job != "die"]
ended = dict(run_ray(work, jobs, 2))
assert [ended[jobs.index(job)] for job in safe] == [outcome for _, outcome in run_local(work, safe, 1)]
assert ended[3].missing.startswith("the worker process was killed")
assert dict(run_ray(dot_product, range(5), 2)) == dict(run_local(dot_product, range(5), 1))
try:
    list(run_ray(work, ["a", "option"], 2))
except FrameholdError as error:
    print("raised", error)
"""
    ended = python("-c", code)
    assert "raised --frames 0: expected 1 or more" in ended.stdout, ended.stderr


class FakeRay:
    """As much of Ray as is used, in this process; a job that would kill its worker is lost when it is fetched."""

    class WorkerCrashedError(Exception):
        """As Ray's."""

    class RayTaskError(Exception):
        """As Ray's."""

        def __init__(self, cause: Exception) -> None:
            self.cause = cause

    exceptions = SimpleNamespace(
        WorkerCrashedError=WorkerCrashedError,
        OutOfMemoryError=WorkerCrashedError,
        NodeDiedError=WorkerCrashedError,
        RayTaskError=RayTaskError,
    )

    def __init__(self) -> None:
        self.most_at_once = 0
        self.connected = False

    def is_initialized(self) -> bool:
        return self.connected

    def init(self, **_: object) -> None:
        assert not self.connected
        self.connected = True

    def remote(self, **_: object) -> Callable[[Any], Any]:
        return lambda function: SimpleNamespace(remote=lambda *job: (function, *job))

    def wait(self, references: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        self.most_at_once = max(self.most_at_once, len(references))
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference: Any) -> Any:
        function, *job = reference
        if job[-1] == "die":
            raise self.WorkerCrashedError
        try:
            return function(*job)
        except FrameholdError as error:
            raise self.RayTaskError(error) from error


def test_ray_has_so_many_jobs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    jobs = ["a", "missing", "die", "b", "c"]
    ended = dict(run_ray(work, jobs, 2))
    assert [(each.result, each.missing) for _, each in sorted(ended.items())] == [
        ("A", None),
        (None, "it was refused"),
        (None, KILLED),
        ("B", None),
        ("C", None),
    ]
    assert ray.most_at_once == 2
    with pytest.raises(FrameholdError, match="--frames 0"):
        list(run_ray(work, ["option"], 2))
