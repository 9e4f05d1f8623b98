"""What `plan --power` says: how many prompts and seeds it takes to see a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from bench.commands.options import show, show_table

Power = Annotated[bool, typer.Option("--power", help="Say how many prompts and seeds it takes to see a difference.")]
Pilot = Annotated[
    list[str] | None,
    typer.Option(help="With --power: RUN or RUN:MODEL that shows the spread; may be repeated [default: results/*]."),
]
Drop = Annotated[str, typer.Option("--difference", help="With --power: the drop worth seeing, of the horizon.")]
Margin = Annotated[str, typer.Option(help="With --power: the loss that `framehold compare` is to let pass.")]


def show_power(pilots: Sequence[str], difference: str, margin: str, as_json: bool) -> None:
    """Print the chances of a verdict by prompts and seeds."""
    from dataclasses import asdict

    from bench.report.power_text import power_lines, power_table
    from bench.stages.size import size

    found = size(pilots, difference=difference, margin=margin)
    if as_json:
        show(asdict(found), True, "")
        return
    console = show_table(power_table(found))
    console.print("\n".join(power_lines(found)), markup=False, highlight=False, soft_wrap=True)
