"""What the commands share: options, workers with progress bars, printing."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.records import FrameholdError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bench.run_folder import RunFolder
    from bench.stages import Crew

RunArgument = Annotated[Path, typer.Argument(help="A run folder, such as results/quick.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Workers = Annotated[int, typer.Option(help="Processes at work; 0 is one a core. No number depends on it.")]
ExecutorName = Annotated[str, typer.Option("--executor", help="Where jobs run: local or ray.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download weights; use what is in the cache.")]
Horizon = Annotated[
    int | None, typer.Option(help="Frames up to which holds are averaged; by default the shortest model's length.")
]


def open_folder(path: Path) -> RunFolder:
    """An existing run folder. Raises FrameholdError when it is none."""
    from bench.run_folder import RunFolder

    folder = RunFolder(path)
    folder.spec()
    return folder


def check_file(option: str, path: Path) -> None:
    """Can the file of that option be written, before anything is worked for? Raises FrameholdError."""
    if path.is_dir():
        raise FrameholdError(f"{option} {path}: that is a folder: expected the name of a file")
    check_folder(option, path, path.absolute().parent)
    if path.exists() and not os.access(path, os.W_OK):
        raise FrameholdError(f"{option} {path}: cannot be written to: choose another file")


def check_folder(option: str, path: Path, folder: Path | None = None) -> None:
    """Can the folder of that option be made and written to? Raises FrameholdError."""
    there = (folder or path).absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise FrameholdError(f"{option} {path}: {there} is a file: choose another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FrameholdError(f"{option} {path}: cannot write to {there}: choose another place")


@contextmanager
def _log_above(console: Console) -> Iterator[None]:
    """What the rooms at the edge have to say (licences, downloads, memory) as lines on standard error over the bars."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(f"framehold: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)

    log, lines = logging.getLogger("framehold"), Lines()
    level = log.level
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(level)


@contextmanager
def crew_of(executor: str, workers: int) -> Iterator[Crew]:
    """The workers asked for, with a progress bar a stage on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bench.executors import open_executor
    from bench.stages import Crew
    from bench.stages.run import workers_or_cores

    open_executor(executor)  # an unknown one is told before anything is written
    count = workers_or_cores(workers)
    columns = (TextColumn("{task.description:11}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            bars.start()
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    try:
        with _log_above(bars.console):
            yield Crew(executor, count, tell)
    finally:
        if tasks:  # bars that never began would leave an empty line in front of an error
            bars.stop()


def show(content: object, as_json: bool, text: str) -> None:
    """Print a result on standard output: as JSON, or as text for people."""
    sys.stdout.write((json.dumps(content, indent=1, ensure_ascii=False) if as_json else text) + "\n")


def show_table(table: Table) -> Console:
    """Print a table on standard output, 140 columns wide where that is no terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    return console


def say(console: Console, lines: Sequence[str]) -> None:
    """Print lines as they are: names in them are other people's, and no colour, markup or control of a terminal."""
    from bench.report.spelling import one_way

    console.print("\n".join(map(one_way, lines)), markup=False, highlight=False, soft_wrap=True)


def show_summary(summary: dict[str, Any], as_json: bool, page: Path | None = None) -> None:
    """Print the table of a run, what needs saying about it, and where the page is."""
    if as_json:
        show(summary | ({"page": str(page)} if page else {}), True, "")
        return
    from bench.report.terminal import missing_lines, summary_table, truth_table

    console = show_table(summary_table(summary))
    if truth := truth_table(summary):
        console.print(truth)
    lines = [*missing_lines(summary), *(f"- {note}" for note in summary["notes"])]
    lines += [f"page: {page}"] if page else []
    if lines:
        say(console, lines)
