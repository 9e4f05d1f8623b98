"""How many prompts and seeds a difference takes, for terminals."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from bench.power import Size


def power_table(size: Size) -> Table:
    """A row for so many prompts, a column for so many seeds: chances of a pass without a change, of seeing the drop."""
    title = f"Chance of a pass if nothing changed / of a regression if {size.difference:.0%} of the horizon is lost"
    shown = Table(title=f"{title} (margin {size.margin:.0%})", title_justify="left")
    seeds = list(dict.fromkeys(row.seeds for row in size.rows))
    shown.add_column("prompts", justify="right")
    for count in seeds:
        shown.add_column(f"{count} seed{'s' * (count > 1)}", justify="right")
    for prompts in dict.fromkeys(row.prompts for row in size.rows):
        rows = [row for row in size.rows if row.prompts == prompts]
        shown.add_row(str(prompts), *(Text(f"{row.passes:.0%} / {row.found:.0%}") for row in rows))
    return shown


def power_lines(size: Size) -> list[str]:
    """What to take from it, in words."""
    lines = [f"- Spread from {size.basis}: {', '.join(size.pilots)}."]
    for seeds, passes, found in size.enough:
        lines.append(
            f"- With {seeds} seed{'s' * (seeds > 1)}: {_prompts(passes)} for a chance of {size.wanted:.0%} to pass if "
            f"nothing changed, {_prompts(found)} to see the drop."
        )
    return lines


def _prompts(number: int | None) -> str:
    return "more than 5,000 prompts" if number is None else f"{number} prompts"
