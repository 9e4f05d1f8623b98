"""What is learnt from real footage: calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import AsJson, ExecutorName, Workers, crew_of, show


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

    with crew_of(executor, workers) as crew:
        learnt = stage(reference, profile, alpha, crew)
    write_calibration(out, learnt)
    about = about_calibration(learnt)
    lines = [
        f"{rate['fps']:g} fps: {rate['frames']} frames, {rate['sources']} sources, false alarms on sources held out "
        f"{rate['false_alarms']} of {rate['tested_sources']}"
        for rate in about["classes"]
    ]
    show(about, as_json, "\n".join([f"wrote {out}", *lines]))
