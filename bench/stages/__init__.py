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


def check_alpha(alpha: float) -> None:
    """Raises FrameholdError on what is no chance of a false alarm."""
    if not (isinstance(alpha, int | float) and 0 < alpha < 1):
        raise FrameholdError(f"--alpha {alpha}: expected a share between 0 and 1, such as 0.05")


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Crew:
    """Who does the work. Never changes a number."""

    executor: str = "local"
    workers: int = 1
    progress: Progress = silent
