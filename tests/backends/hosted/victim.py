"""A process that starts runs which are killed. It loads the SDKs once and forks a child for each run it is told of.

Reads a line of JSON a run (root, spec, cap_usd, again) from standard input; writes `pid N`, then `ended STATUS`.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bench.backends.hosted.jobs import Interrupted
from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.records import FrameholdError, Spec, canonical_json
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.generate import generate

DONE, TO_BE_CONTINUED, INTERRUPTED = 0, 3, 130
LONGEST_RUN_SECONDS = 300.0


class Victims:
    """Starts runs in processes of their own that may be killed at any moment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.backends.hosted.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, "OMP_NUM_THREADS": "1"},
        )

    def start(self, root: Path, spec: Spec, cap_usd: float, again: tuple[str, ...] = ()) -> int:
        """Start a run; return its process id. `again` are clips that may be asked for once more."""
        assert self._process.stdin
        job = {"root": str(root), "spec": asdict(spec), "cap_usd": cap_usd, "again": again}
        self._process.stdin.write(canonical_json(job) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._line("pid"))
        return self._pid

    def wait(self) -> int:
        """The status with which it ended; negative for a signal. One that never ends is killed."""
        timer = threading.Timer(LONGEST_RUN_SECONDS, os.kill, (self._pid, signal.SIGKILL))
        timer.start()
        try:
            return int(self._line("ended"))
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let the starter go."""
        self._process.communicate()

    def _line(self, word: str) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith(word), line
        return line.split()[1]


def run(job: dict[str, Any]) -> int:
    """One run, in this process."""
    spec, folder = TypeAdapter(Spec).validate_python(job["spec"]), RunFolder(job["root"])
    try:
        folder.begin(spec)
        with folder.locked():
            if job["again"]:
                Ledger(folder.root / FILE_NAME).allow_again(job["again"])
            generate(folder, Crew(), job["cap_usd"])
    except (FrameholdError, Interrupted) as error:
        (folder.root / "stopped.txt").write_text(str(error), encoding="utf-8")
        return INTERRUPTED if isinstance(error, Interrupted) else TO_BE_CONTINUED
    return DONE


def main() -> None:
    """Fork a child a line."""
    import fal_client
    import google.genai._interactions
    import openai
    import runwayml
    import tenacity

    del fal_client, google, openai, runwayml, tenacity
    ssl.SSLContext.load_verify_locations = lambda *_, **__: None  # type: ignore[method-assign]  # all is plain http here
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell starts deaf to it
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            os._exit(run(json.loads(line)))
        sys.stdout.write(f"pid {pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    os._exit(0)  # to take all those libraries down in order would take seconds


if __name__ == "__main__":
    main()
