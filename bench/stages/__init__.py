"""Stages: verbs that read the run folder and write the run folder. Each can be run alone, stopped, and run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.records import FrameholdError

Progress = Callable[[str, int, int], None]
"""Told (what is being done, how many are done, of how many)."""


def check_horizon(horizon: int | None) -> None:
    """Raises FrameholdError on one that no clip can reach."""
    if horizon is not None and horizon < 1:
        raise FrameholdError(f"--horizon {horizon}: expected 1 frame or more")


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Crew:
    """Who does the work. Never changes a number."""

    executor: str = "local"
    workers: int = 1
    progress: Progress = silent
