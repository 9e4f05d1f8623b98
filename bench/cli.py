"""The commands: parse, call a stage, print. No logic."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.records import FrameholdError

if TYPE_CHECKING:
    from bench.run_folder import RunFolder
    from bench.stages import Crew

app = typer.Typer(
    name="framehold",
    help="How many consistent frames does a text-to-video model hold before it breaks?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RunArgument = Annotated[Path, typer.Argument(help="A run folder, such as results/quick.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Workers = Annotated[int, typer.Option(help="Processes at work; 0 is one a core. No number depends on it.")]
ExecutorName = Annotated[str, typer.Option("--executor", help="Where jobs run: local or ray.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download weights; use what is in the cache.")]
Horizon = Annotated[
    int | None, typer.Option(help="Frames up to which holds are averaged; by default the shortest model's length.")
]


@app.callback()
def _options(
    context: typer.Context, debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False
) -> None:
    context.obj = debug


@app.command()
def run(
    suite: Annotated[
        str | None, typer.Argument(help="A suite by name, or a .toml or .txt file [default: quick].")
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="A backend, or BACKEND/MODEL for one of its models; may be repeated.")
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help="Score the videos in this folder instead of generating any.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Which model made the clips in a flat --clips folder.")] = None,
    profile: Annotated[str, typer.Option(help="Signals to measure.")] = "light",
    clip: Annotated[
        str | None, typer.Option("--clip", help="CLIP for alignment, ARCH/TAG or ARCH/FILE of open_clip.")
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="Thresholds from `framehold calibrate`.")] = None,
    horizon: Horizon = None,
    out: Annotated[Path | None, typer.Option(help="Run folder [default: results/NAME OF THE SUITE OR FOLDER].")] = None,
    max_cost: Annotated[float, typer.Option(help="Most US dollars the run may spend.")] = 0.0,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Generate or import clips, score them, and say how many frames each model holds. Resumes what is there."""
    from bench.report import write_report
    from bench.run_folder import RunFolder
    from bench.stages.run import default_out, plan_run, run_all

    spec = plan_run(
        suite,
        backend or (),
        str(clips) if clips else None,
        model,
        profile=profile,
        clip_model=clip,
        calibration=str(calibration) if calibration else None,
        horizon=horizon,
    )
    folder = RunFolder(out or default_out(spec))
    with _crew(executor, workers) as crew:
        summary = run_all(folder, spec, crew, offline=offline, max_cost_usd=max_cost)
    page = write_report(folder)
    _print_summary(summary, as_json, page)


@app.command()
def generate(
    run_folder: RunArgument,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    max_cost: Annotated[float, typer.Option(help="Most US dollars the stage may spend.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Make the clips of a run that are not there yet."""
    from bench.stages.generate import generate as stage

    folder = _open(run_folder)
    with folder.locked(), _crew(executor, workers) as crew:
        rows = stage(folder, crew, max_cost)
    missing = [row for row in rows if row.missing]
    content = {"clips": len(rows), "missing": {row.clip_id: row.missing for row in missing}}
    _print(content, as_json, f"{len(rows) - len(missing)} clips in {folder.clips_folder}, {len(missing)} missing")


@app.command()
def score(
    run_folder: RunArgument,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Measure the curves and published metrics of a run's clips."""
    from bench.stages.score import score as stage

    folder = _open(run_folder)
    with folder.locked(), _crew(executor, workers) as crew:
        rows = stage(folder, crew, offline)
    missing = {row.clip_id: row.missing for row in rows if row.missing}
    content = {"clips": len(rows), "missing": missing}
    _print(content, as_json, f"{len(rows) - len(missing)} clips scored in {folder.curves_path}, {len(missing)} missing")


@app.command()
def summarize(run_folder: RunArgument, horizon: Horizon = None, workers: Workers = 0, as_json: AsJson = False) -> None:
    """Find the holds and the numbers of each model from a run's curves."""
    from bench.stages.summarize import summarize as stage

    folder = _open(run_folder)
    with folder.locked(), _crew("local", workers) as crew:
        summary = stage(folder, crew, horizon)
    _print_summary(summary, as_json)


@app.command()
def report(run_folder: RunArgument, as_json: AsJson = False) -> None:
    """Write the page of a run: report.html, which opens from disk."""
    from bench.report import write_report

    page = write_report(_open(run_folder))
    _print({"page": str(page)}, as_json, str(page))


@app.command()
def calibrate(
    reference: Annotated[Path, typer.Option(help="Folder of real footage; manifest.csv may tell the sources.")],
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
    profile: Annotated[str, typer.Option(help="Signals to calibrate.")] = "light",
    alpha: Annotated[float, typer.Option(help="Share of real clips that may raise an alarm.")] = 0.05,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    as_json: AsJson = False,
) -> None:
    """Learn thresholds from your own real footage; use them with `run --calibration`."""
    from bench.stages.calibrate import about_calibration, write_calibration
    from bench.stages.calibrate import calibrate as stage

    with _crew(executor, workers) as crew:
        learnt = stage(reference, profile, alpha, crew)
    write_calibration(out, learnt)
    about = about_calibration(learnt)
    lines = [
        f"{rate['fps']:g} fps: {rate['frames']} frames, {rate['sources']} sources, false alarms on sources held out "
        f"{rate['false_alarms']} of {rate['tested_sources']}"
        for rate in about["classes"]
    ]
    _print(about, as_json, "\n".join([f"wrote {out}", *lines]))


@app.command()
def backends(as_json: AsJson = False) -> None:
    """List what can make clips, and the models of each."""
    from bench.doctor import list_backends

    lines = list_backends()
    content = [vars(line) for line in lines]
    _print(
        content, as_json, "\n".join(f"{line.name:12} {line.about}\n{'':12} {', '.join(line.models)}" for line in lines)
    )


@app.command()
def doctor(
    clip: Annotated[str | None, typer.Option("--clip", help="The CLIP to look for.")] = None, as_json: AsJson = False
) -> None:
    """Say what this machine has, what is missing, how to get it. Downloads nothing; exits 2 if a need is missing."""
    from bench.doctor import examine

    findings = examine(clip)
    marks = {"ok": "ok      ", "missing": "MISSING ", "optional": "optional"}
    text = "\n".join(
        f"{marks[finding.status]} {finding.subject}: {finding.detail}"
        + (f" -> {finding.advice}" if finding.advice else "")
        for finding in findings
    )
    _print([vars(finding) for finding in findings], as_json, text)
    if any(finding.status == "missing" for finding in findings):
        raise typer.Exit(2)


# ---- printing ----------------------------------------------------------------------------------------------------


def _open(path: Path) -> RunFolder:
    from bench.run_folder import RunFolder

    folder = RunFolder(path)
    folder.spec()
    return folder


@contextmanager
def _crew(executor: str, workers: int) -> Iterator[Crew]:
    """The workers asked for, with a progress bar a stage on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bench.stages import Crew
    from bench.stages.run import workers_or_cores

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
        yield Crew(executor, count, tell)
    finally:
        bars.stop()


def _print(content: object, as_json: bool, text: str) -> None:
    sys.stdout.write((json.dumps(content, indent=1, ensure_ascii=False) if as_json else text) + "\n")


def _print_summary(summary: dict[str, Any], as_json: bool, page: Path | None = None) -> None:
    if as_json:
        _print(summary | ({"page": str(page)} if page else {}), True, "")
        return
    from rich.console import Console

    from bench.report.terminal import summary_table

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(summary_table(summary))
    for note in summary["notes"]:
        console.print(f"- {note}", markup=False, highlight=False)
    if page:
        console.print(f"page: {page}", markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; an error is one line on standard error and exit 2."""
    debug = "--debug" in sys.argv[1:]
    try:
        app(standalone_mode=True)
    except FrameholdError as error:
        if debug:
            raise
        sys.stderr.write(f"framehold: {error}\n")
        sys.exit(2)
    except OSError as error:
        if debug:
            raise
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"framehold: {place}{error.strerror or error}; nothing done so far is lost: mend it and run again\n"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        if debug:
            raise
        sys.stderr.write("framehold: stopped; run the same command again to go on where it left off\n")
        sys.exit(130)
