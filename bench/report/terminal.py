"""The table of a run, for terminals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text
from scipy import stats

from bench.report.spelling import one_way, percent, row_name
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
MOST_REASONS, MOST_LETTERS = 3, 160  # of missing clips: summary.json and the page have all, in full


def summary_table(summary: Mapping[str, Any]) -> Table:
    """A row a model, longest hold first, then the two reference rows."""
    alarms = percent(summary["calibration"]["alpha"])
    title = f"Frames held, of {summary['horizon']} (95% intervals over prompts; {alarms} false alarms)"
    table = Table(title=title, title_justify="left")
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


def truth_table(summary: Mapping[str, Any]) -> Table | None:
    """What drawn models truly hold beside what was measured, and how far the orders agree; None where no two say it."""
    known = {
        name: (float(block["truly_held"]), block["frames_held"])
        for name, block in summary["models"].items()
        if block.get("truly_held") is not None and block["frames_held"]
    }
    if len(known) < 2:
        return None
    truths, measures = zip(*((true, measured["value"]) for true, measured in known.values()), strict=True)
    agree = float(stats.kendalltau(truths, measures).statistic)
    title = "True against measured, where the truth is known"
    table = Table(title=title if math.isnan(agree) else f"{title}: Kendall tau {agree:.2f}", title_justify="left")
    for column in ("model", "truly held", "frames held", "in its interval"):
        table.add_column(column, justify="right" if column.endswith("held") else "left")
    for name, (true, measured) in sorted(known.items(), key=lambda item: -item[1][0]):
        inside = measured["low"] is not None and measured["low"] <= true <= measured["high"]
        cells = (name, f"{true:.1f}", _interval(measured, "{:.1f}"), "yes" if inside else "no")
        table.add_row(*(Text(one_way(cell)) for cell in cells))
    return table


def missing_lines(summary: Mapping[str, Any]) -> list[str]:
    """Why clips are missing, the commonest reasons over all models first, a line each."""
    counts: Counter[str] = Counter()
    for block in summary["models"].values():
        counts.update(block["missing_reasons"])
    common = counts.most_common(MOST_REASONS)
    lines = [f"- missing, {count}: {_shortened(reason)}" for reason, count in common]
    if rest := counts.total() - sum(count for _, count in common):
        lines.append(f"- missing, {rest}: for other reasons, which summary.json has")
    return lines


def _shortened(reason: str) -> str:
    """On one line that most terminals can hold."""
    line = " ".join(reason.split())
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…"


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
