"""What was told of a job's trials, as a file of the study's folder: a study that was interrupted goes on from there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.records import FrameholdError, Json, canonical_json
from bench.run_folder import replace_text
from bench.stages.trials import Told
from bench.validation import Finding, Trial


def write_told(path: Path, told: Sequence[Told]) -> None:
    """Write what was told, whole or not at all."""
    replace_text(path, canonical_json([_packed(each) for each in told]))


def read_told(path: Path) -> list[Told]:
    """Read it back, also what was written before causes and peaks were kept. FrameholdError where it is not such."""
    try:
        return [_unpacked(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FrameholdError(
            f"{path}: not what a study writes there: remove it, and validate judges its clip again"
        ) from error


def _packed(told: Told) -> Json:
    return {
        "trial": asdict(told.trial),
        "baselines": {name: [round(value, 6) for value in values] for name, values in told.baselines.items()},
        "held_share": told.held_share,
        "cause": told.cause,
        "peak": list(told.peak) if told.peak else None,
    }


def _unpacked(row: Any) -> Told:
    findings = {name: Finding(*values) for name, values in row["trial"].pop("findings").items()}
    frame, signal = row.get("peak") or (None, None)
    peak = None if frame is None else (int(frame), str(signal))
    return Told(Trial(findings=findings, **row["trial"]), row["baselines"], row["held_share"], row.get("cause"), peak)
