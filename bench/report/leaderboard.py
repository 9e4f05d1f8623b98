"""A leaderboard as CSV, JSON, LaTeX and Markdown, and for terminals: one set of cells, a format each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bench.ranking import Entry, Leaderboard
from bench.records import Json, counted
from bench.report.markdown import latex, plain, spreadsheet, table
from bench.report.spelling import one_way, row_name
from bench.report.words import cause_label
from bench.run_folder import replace_text

HEAD = ("rank", "model", "frames held", "seconds", "held to the end", "cannot be told apart", "clips", "missing")


def write_leaderboard(board: Leaderboard, folder: Path) -> list[Path]:
    """Write leaderboard.csv, .json, .tex and .md into the folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "leaderboard.csv": leaderboard_csv(board),
        "leaderboard.json": json.dumps(asdict(board), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "leaderboard.tex": leaderboard_latex(board),
        "leaderboard.md": leaderboard_markdown(board),
    }
    for name, text in texts.items():
        replace_text(folder / name, text)
    return [folder / name for name in texts]


def leaderboard_csv(board: Leaderboard) -> str:
    """A row a model and reference, every number in a column of its own, empty where there is none."""
    rows = [_columns(entry) for entry in board.entries]
    rows += [{"model": name, **_block({**block, "by_cause": {}, "by_category": {}})}
             for name, block in board.references.items()]  # fmt: skip
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if "." not in name] + sorted(name for name in names if "." in name)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: spreadsheet(cell) if isinstance(cell, str) else cell for name, cell in row.items()})
    return text.getvalue()


def _columns(entry: Entry) -> dict[str, object]:
    place = entry.place
    return {
        "rank": place.rank,
        "rank_low": place.low,
        "rank_high": place.high,
        "groups": place.groups,
        "model": entry.label,
        **_block(entry.numbers),
        "clips": entry.clips,
        "missing": entry.missing,
        "frames_held_if_missing_broke": entry.frames_held_if_missing_broke,
        "cost_usd": entry.cost_usd,
        "run": entry.run,
        **{f"metric.{name}": value for name, value in entry.metrics.items()},
    }


def _block(block: Json) -> dict[str, object]:
    """The numbers of a block of summary.json, in columns."""
    columns: dict[str, object] = {}
    for name in ("frames_held", "seconds_held", "held_to_end"):
        columns |= {name if key == "value" else f"{name}_{key}": block[name][key] for key in ("value", "low", "high")}
    columns["horizon"] = block["frames_held"]["horizon"]
    columns |= {key: block[key] for key in ("broke", "censored", "static")}
    columns |= {f"cause.{cause}": share for cause, share in block["by_cause"].items()}
    for category, numbers in block["by_category"].items():
        columns[f"category.{category}"] = numbers["frames_held"]["value"]
        columns |= {f"category.{category}.{key}": numbers["frames_held"][key] for key in ("low", "high")}
    return columns


def leaderboard_markdown(board: Leaderboard) -> str:
    """The main columns; what broke the models; by category; published metrics and cost; what a reader must know."""
    rows = [[plain(cell) for cell in row] for row in _cells(board)]
    parts = [f"## {plain(_title(board))}", table(HEAD, rows)]
    causes = {cause: cause_label(cause) for entry in board.entries for cause in entry.numbers["by_cause"]}
    if causes:
        shares = [
            {cause: f"{share:.0%}" for cause, share in entry.numbers["by_cause"].items()} for entry in board.entries
        ]
        parts.append(_by_name(board, "broken by", causes, shares, "0%"))
    categories = {name: name for entry in board.entries for name in entry.numbers["by_category"]}
    if len(categories) > 1:
        held = [
            {name: _interval(each["frames_held"], "{:.1f}") for name, each in entry.numbers["by_category"].items()}
            for entry in board.entries
        ]
        parts.append(_by_name(board, "frames held", categories, held))
    measured = [_measured(entry) for entry in board.entries]
    if names := {name: name.replace("_", " ") for cells in measured for name in cells}:
        parts.append(_by_name(board, "published metrics", names, measured))
    parts.append("\n".join(f"- {plain(line)}" for line in _lines(board)))
    return "\n\n".join(parts) + "\n"


def _by_name(
    board: Leaderboard, title: str, names: Mapping[str, str], cells: Sequence[Mapping[str, str]], none: str = "-"
) -> str:
    """A row a model, a column a name, in the order of the names."""
    order = sorted(names)
    rows = [
        [plain(entry.label), *(row.get(name, none) for name in order)]
        for entry, row in zip(board.entries, cells, strict=True)
    ]
    return table([title, *(plain(names[name]) for name in order)], rows)


def _measured(entry: Entry) -> dict[str, str]:
    """Mean published metrics, and the cost where it is known."""
    cost = {} if entry.cost_usd is None else {"cost_usd": f"{entry.cost_usd:.2f}"}
    return {name: f"{value:.4g}" for name, value in entry.metrics.items()} | cost


def leaderboard_latex(board: Leaderboard) -> str:
    """A table for a paper, with booktabs."""
    rows = [" & ".join(latex(cell) for cell in row) + r" \\" for row in _cells(board)]
    models, references = rows[: len(board.entries)], rows[len(board.entries) :]
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex(_title(board))}. {latex(' '.join(_lines(board)[:2]))}}}",
        r"\label{tab:framehold}",
        r"\begin{tabular}{rlrrrlrr}",
        r"\toprule",
        " & ".join(latex(cell) for cell in HEAD) + r" \\",
        r"\midrule",
        *models,
        r"\midrule",
        *references,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def leaderboard_table(board: Leaderboard) -> Table:
    """The main columns, for terminals."""
    shown = Table(title=_title(board), title_justify="left")
    for name in HEAD:
        words = name in {"model", "cannot be told apart"}
        shown.add_column(name, justify="left" if words else "right", overflow="fold")
    for number, row in enumerate(_cells(board)):
        if number == len(board.entries):
            shown.add_section()
        shown.add_row(*(Text(one_way(cell)) for cell in row), style="dim" if number >= len(board.entries) else "")
    return shown


def leaderboard_lines(board: Leaderboard) -> list[str]:
    """What a reader must know, and who is not in the table and why."""
    return _lines(board)


def _title(board: Leaderboard) -> str:
    return (
        f"Frames held, of {board.horizon}: {board.suite} ({counted(board.prompts, 'prompt')}), "
        f"profile {board.profile}, calibration {board.calibration[:12]}"
    )


def _cells(board: Leaderboard) -> list[tuple[str, ...]]:
    """The rows of every format: models by rank, then the references."""
    rows: list[tuple[str, ...]] = []
    for entry in board.entries:
        place = entry.place
        span = f"{place.low}" if place.low == place.high else f"{place.low} to {place.high}"
        rows.append(
            (f"{place.rank} ({span})", entry.label, *_numbers(entry.numbers), place.groups,
             str(entry.clips), str(entry.missing))
        )  # fmt: skip
    for name, block in board.references.items():
        rows.append(("", row_name(name, block, board.horizon), *_numbers(block), "", "", ""))
    return rows


def _numbers(block: Json) -> tuple[str, str, str]:
    return (
        _interval(block["frames_held"], "{:.1f}"),
        _interval(block["seconds_held"], "{:.2f}"),
        _interval(block["held_to_end"], "{:.0%}"),
    )


def _interval(block: Mapping[str, float | None], form: str) -> str:
    if block["value"] is None:
        return "-"
    value = form.format(block["value"])
    if block["low"] is None or block["high"] is None:
        return value
    return f"{value} ({form.format(block['low'])} to {form.format(block['high'])})"


def _lines(board: Leaderboard) -> list[str]:
    rejected = [f"Not ranked: {each.label}: {'; '.join(each.reasons)}." for each in board.rejected]
    return [
        "Intervals are 95% over prompts, the calibration drawn again in each replicate.",
        "Ranks in brackets and the letters of models that cannot be told apart hold together at 95% (Holm, all pairs).",
        *([f"Checked of every model: {', '.join(board.rules)}."] if board.rules else []),
        *board.notes,
        *rejected,
    ]
