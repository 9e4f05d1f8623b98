"""The run and its stages, each alone: run, generate, score, summarize, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.commands.options import (
    AsJson,
    ExecutorName,
    Horizon,
    Offline,
    RunArgument,
    Workers,
    crew_of,
    open_folder,
    show,
    show_summary,
)
from bench.commands.planning import (
    AllowPickle,
    Device,
    DryRun,
    MaxCost,
    ModelWeights,
    Options,
    Price,
    Resubmit,
    SetValue,
    Yes,
    agree,
    plan_asked,
    telling_what_runs,
)
from bench.records import counted


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
        str | None,
        typer.Option(
            "--clip",
            help="CLIP for alignment: ARCH/TAG or ARCH/FILE of open_clip, embedded, or none [default: embedded for "
            "prompts and pictures that it knows].",
        ),
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="Thresholds from `framehold calibrate`.")] = None,
    horizon: Horizon = None,
    reference: Annotated[
        Path | None, typer.Option(help="Folder of real footage: say how far each model's clips lie from it.")
    ] = None,
    features: Annotated[str, typer.Option(help="What that distance is measured with.")] = "embedded",
    missing: Annotated[
        Literal["left-out", "broken"],
        typer.Option(help="How missing clips enter comparisons: left out with their partner, or broken at once."),
    ] = "left-out",
    out: Annotated[Path | None, typer.Option(help="Run folder [default: results/NAME OF THE SUITE OR FOLDER].")] = None,
    options: Options = None,
    price: Price = None,
    set_value: SetValue = None,
    device: Device = None,
    weights: ModelWeights = None,
    allow_pickle: AllowPickle = False,
    max_cost: MaxCost = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    resubmit: Resubmit = False,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Generate or import clips, score them, and say how many frames each model holds. Resumes what is there."""
    from bench.backends.local.asking import read_told
    from bench.report import write_report
    from bench.run_folder import RunFolder
    from bench.stages.run import default_out, run_all

    spec = plan_asked(
        suite,
        backend or (),
        options,
        price,
        read_told(set_value or (), device, weights, allow_pickle),
        clips=str(clips) if clips else None,
        model=model,
        profile=profile,
        clip_model=clip,
        calibration=str(calibration) if calibration else None,
        horizon=horizon,
        reference=str(reference) if reference else None,
        features=features,
        missing=missing,
    )
    folder = RunFolder(out or default_out(spec))
    cap = agree(folder, spec, max_cost, yes, resubmit, dry_run=dry_run, as_json=as_json)
    if cap is None:
        return
    with telling_what_runs(), crew_of(executor, workers) as crew:
        summary = run_all(folder, spec, crew, offline=offline, max_cost_usd=cap)
    page = write_report(folder)
    show_summary(summary, as_json, page)


def generate(
    run_folder: RunArgument,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    max_cost: MaxCost = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    resubmit: Resubmit = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Make the clips of a run that are not there yet."""
    from bench.backends.local.asking import downloading
    from bench.stages.generate import generate as stage

    folder = open_folder(run_folder)
    cap = agree(folder, folder.spec(), max_cost, yes, resubmit, dry_run=dry_run, as_json=as_json)
    if cap is None:
        return
    with telling_what_runs(), folder.locked(), downloading(not offline), crew_of(executor, workers) as crew:
        rows = stage(folder, crew, cap)
    missing = [row for row in rows if row.missing]
    content = {"clips": len(rows), "missing": {row.clip_id: row.missing for row in missing}}
    there = counted(len(rows) - len(missing), "clip")
    show(content, as_json, f"{there} in {folder.clips_folder}, {len(missing)} missing")


def score(
    run_folder: RunArgument,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Measure the curves and published metrics of a run's clips."""
    from bench.stages.score import score as stage

    folder = open_folder(run_folder)
    with folder.locked(), crew_of(executor, workers) as crew:
        rows = stage(folder, crew, offline)
    missing = {row.clip_id: row.missing for row in rows if row.missing}
    content = {"clips": len(rows), "missing": missing}
    there = counted(len(rows) - len(missing), "clip")
    show(content, as_json, f"{there} scored in {folder.curves_path}, {len(missing)} missing")


def summarize(run_folder: RunArgument, horizon: Horizon = None, workers: Workers = 0, as_json: AsJson = False) -> None:
    """Find the holds and the numbers of each model from a run's curves."""
    from bench.stages.summarize import summarize as stage

    folder = open_folder(run_folder)
    with folder.locked(), crew_of("local", workers) as crew:
        summary = stage(folder, crew, horizon)
    show_summary(summary, as_json)


def report(run_folder: RunArgument, as_json: AsJson = False) -> None:
    """Write the page of a run: report.html, which opens from disk."""
    from bench.report import write_report

    page = write_report(open_folder(run_folder))
    show({"page": str(page)}, as_json, str(page))
