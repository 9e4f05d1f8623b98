"""What footage teaches and proves: calibrate, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    AsJson,
    ExecutorName,
    Offline,
    Workers,
    check_file,
    check_folder,
    crew_of,
    show,
    show_table,
)
from bench.records import FrameholdError


def calibrate(
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Folder of real footage; manifest.csv may tell the sources [default: that of --calibration]."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
    calibration: Annotated[
        Path | None, typer.Option(help="Thresholds to take to another --alpha [default: those of the profile].")
    ] = None,
    profile: Annotated[str, typer.Option(help="Signals to calibrate.")] = "light",
    alpha: Annotated[float, typer.Option(help="Share of real clips that may raise an alarm.")] = 0.05,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Learn thresholds from real footage, or take those that there are to another --alpha; for `run --calibration`."""
    from bench.report.spelling import one_way
    from bench.stages.calibrate import about_learnt, write_calibration
    from bench.stages.relevel import calibrate_or_relevel

    if out.is_dir() or not out.absolute().parent.is_dir():
        raise FrameholdError(f"--out {out}: expected the name of a file in a folder that exists")
    check_file("--out", out)
    with crew_of(executor, workers) as crew:
        learnt = calibrate_or_relevel(reference, calibration, profile, alpha, crew, offline)
    write_calibration(out, learnt.calibration)
    about = about_learnt(learnt)
    lines = [
        f"{rate['fps']:g} fps: {rate['frames']} frames, {rate['sources']} sources, false alarms on sources held out "
        f"{rate['false_alarms']} of {rate['tested_sources']}"
        for rate in about["classes"]
    ]
    lines += filter(None, [learnt.left_out.told])
    show(about, as_json, "\n".join(map(one_way, [f"wrote {out}", *lines])))


def validate(
    reference: Annotated[
        Path | None, typer.Option(help="Folder of unbroken footage [default: clips drawn here].")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for tables, figure and JSON.")] = Path("results/validation"),
    profile: Annotated[str, typer.Option(help="Signals to test.")] = "light",
    draws: Annotated[int, typer.Option(help="Clips that each failure is laid on, at each severity and share.")] = 24,
    unbroken: Annotated[
        int, typer.Option(help="Clips that are tried with each control, and with each way to please, at least.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="Of onsets, places and draws.")] = 0,
    executor: ExecutorName = "local",
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Break unbroken footage in known ways at known frames, and say how many are found, and where."""
    from dataclasses import asdict

    from bench.report.spelling import one_way
    from bench.report.study import study_table, write_study
    from bench.report.targets import below_targets
    from bench.stages.validate import validate as stage

    check_folder("--out", out)
    with crew_of(executor, workers) as crew:
        study = stage(out, crew, reference, profile, draws, seed, offline, unbroken=unbroken)
    content = asdict(study)
    paths = write_study(content, study.found, out)
    if as_json:
        below = [one._asdict() for one in below_targets(content, study.found)]
        show(content | {"below_targets": below, "files": [str(path) for path in paths]}, True, "")
        return
    share = content["false_alarms"]["share"]
    show_table(study_table(study.found))
    lines = [f"false alarms on unbroken clips: {share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%})"]
    lines += [
        f"{name}: alarms on {its['alarms']['value']:.0%} of {its['trials']}" for name, its in study.controls.items()
    ]
    lines += [f"{name}: {its['held_share']:.0%} of it held" for name, its in study.adversaries.items()]
    lines += map(one_way, filter(None, [study.left_out.told]))
    show(content, False, "\n".join([*lines, *(str(path) for path in paths)]))
