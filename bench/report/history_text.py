"""The history of a model's versions, for terminals."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from bench.report.spelling import one_way
from bench.sequential import History

HEAD = ("version", "frames held", "95% interval", "clips", "missing", "p alone", "evidence of a decline")


def history_table(history: History) -> Table:
    """A row a version, oldest first; the one that raised the alarm stands out."""
    shown = Table(title=f"{history.suite}, frames held of {history.horizon}", title_justify="left")
    for name in HEAD:
        shown.add_column(name, justify="left" if name == "version" else "right", overflow="fold")
    for number, row in enumerate(history.versions):
        limits = "-" if row.low is None or row.high is None else f"{row.low:.1f} to {row.high:.1f}"
        cells = (
            f"{row.run}:{row.model}",
            f"{row.frames_held:.1f}",
            limits,
            str(row.clips),
            str(row.missing),
            f"{row.p:.4f}",
            f"{row.evidence:.3g}",
        )
        shown.add_row(*(Text(one_way(cell)) for cell in cells), style="bold red" if number == history.alarm else "")
    return shown


def history_lines(history: History) -> list[str]:
    """What the table says, in words."""
    limit = f"{history.limit:g}"
    promise = f"Without a change the chance that the evidence ever passes {limit} is at most {history.alpha:.0%}"
    if history.alarm is None:
        said = f"no alarm: the evidence of a decline has not passed {limit}"
    else:
        row = history.versions[history.alarm]
        said = f"alarm: worse than before, as of {row.run}:{row.model} at the latest (evidence {row.evidence:.3g})"
    return [f"- {promise}, however often it is asked.", *(f"- {note}" for note in history.notes), said]
