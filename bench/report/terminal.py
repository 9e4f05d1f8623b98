"""The table of a run, for terminals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from bench.report.spelling import one_way, row_name
from bench.report.words import cause_label

COLUMNS = (
    "model",
    "frames held",
    "seconds",
    "held to the end",
    "what broke it",
    "clips",
    "broke",
    "censored",
    "missing",
    "static",
)


def summary_table(summary: Mapping[str, Any]) -> Table:
    """A row a model, longest hold first, then the two reference rows."""
    table = Table(title=f"Frames held, of {summary['horizon']} (95% intervals over prompts)", title_justify="left")
    for column in COLUMNS:
        words = column in {"model", "what broke it"}
        table.add_column(column, justify="left" if words else "right", overflow="fold" if words else "ellipsis")
    horizon = summary["horizon"]
    for name, block in sorted(summary["models"].items(), key=_rank):
        table.add_row(*_cells(row_name(name, block, horizon), block))
    table.add_section()
    for name, block in summary["reference"].items():
        table.add_row(*_cells(row_name(name, block, horizon), block), style="dim")
    return table


def _rank(item: tuple[str, Mapping[str, Any]]) -> tuple[float, str]:
    name, block = item
    return (-(block["frames_held"] or {"value": -1.0})["value"], name)


def _cells(name: str, block: Mapping[str, Any]) -> list[Text]:
    counts = [str(block[key]) for key in ("clips", "broke", "censored", "missing", "static")]
    causes = sorted(block["by_cause"].items(), key=lambda item: -item[1])[:2]
    return [
        Text(one_way(cell))
        for cell in (
            name,
            _interval(block["frames_held"], "{:.1f}"),
            _interval(block["seconds_held"], "{:.2f}", interval=False),
            _interval(block["held_to_end"], "{:.0%}"),
            ", ".join(f"{cause_label(cause)} {share:.0%}" for cause, share in causes if share > 0),
            *counts,
        )
    ]


def _interval(block: Mapping[str, Any] | None, form: str, *, interval: bool = True) -> str:
    if block is None or block["value"] is None:
        return "-"
    value = form.format(block["value"])
    if not interval or block["low"] is None:
        return value
    return f"{value} ({form.format(block['low'])} to {form.format(block['high'])})"
