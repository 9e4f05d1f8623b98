"""Stages: verbs that read the run folder and write the run folder. Each can be run alone, stopped, and run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]
"""Told (what is being done, how many are done, of how many)."""


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Crew:
    """Who does the work. Never changes a number."""

    executor: str = "local"
    workers: int = 1
    progress: Progress = silent
