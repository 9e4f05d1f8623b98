"""timing: what clips of a model took in earlier runs on this machine, for plans of later ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.records import ClipRow, FrameholdError, Load
from bench.run_folder import RunFolder

RESULTS = Path("results")


def measured(load: Load, results: Path = RESULTS) -> Load:
    """The load with the seconds and memory of like clips of that model in `results`, where there are any."""
    rows = [row for row in _rows(results) if row.model == load.model and _is_like(row, load)]
    seconds = [taken for row in rows if (taken := _measure(row, "seconds"))]
    if not seconds:
        return load
    memory = [peak for row in rows if (peak := _measure(row, "peak_memory_gb"))]
    places = sorted({str(row.facts.get("device")) for row in rows})
    return replace(
        load,
        seconds_a_clip=median(seconds),
        memory_gb=max(memory) if memory else load.memory_gb,
        source=f"median of {len(seconds)} clips in {results}, on {' and '.join(places)}",
    )


def _rows(results: Path) -> Iterator[ClipRow]:
    for path in sorted(results.glob("*/clips.jsonl")):
        try:
            yield from RunFolder(path.parent).clips()
        except FrameholdError:  # a damaged run tells nothing; its own commands say so
            continue


def _is_like(row: ClipRow, load: Load) -> bool:
    """Of the same length and size in as many steps."""
    actual = row.facts.get("actual")
    if not isinstance(actual, dict) or row.facts.get("steps") != load.steps:
        return False
    return all(actual.get(name) == getattr(load, name) for name in ("frames", "width", "height"))


def _measure(row: ClipRow, name: str) -> float | None:
    found = row.facts.get("measured")
    value = found.get(name) if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) else None
