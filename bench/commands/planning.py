"""Before anything is spent: plan, and what `run` and `generate` ask about money."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.options import AsJson, say, show, show_table
from bench.commands.power import Drop, Margin, Pilot, Power, show_power
from bench.records import FrameholdError, counted

if TYPE_CHECKING:
    from rich.table import Table

    from bench.records import Load, Spec
    from bench.run_folder import RunFolder
    from bench.stages.plan import Outlook

MaxCost = Annotated[
    float | None, typer.Option(help="Most US dollars the run may ever spend; by default what is agreed to.", min=0)
]
Yes = Annotated[bool, typer.Option("--yes", help="Spend what the plan says without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be made and spent, and do nothing.")]
Resubmit = Annotated[
    bool,
    typer.Option(
        "--resubmit", help="Ask again for clips whose paid job failed or is not known of; may pay a second time."
    ),
]
Options = Annotated[Path | None, typer.Option(help="A .toml file of options, a table a backend, such as [runway].")]
Price = Annotated[
    float | None, typer.Option(help="US dollars a clip, for models whose price framehold does not know.", min=0)
]

SetValue = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE over the table of local models, such as steps=20; may be repeated."),
]
Device = Annotated[str | None, typer.Option(help="Where local models run: auto, cuda, mps or cpu.")]
ModelWeights = Annotated[
    str | None, typer.Option("--weights", help="Of local models: pretrained, or random to measure memory and speed.")
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Read weights of local models that come as pickles; these can run code.")
]


def plan(
    suite: Annotated[str | None, typer.Argument(help="A suite by name, or a .toml or .txt file.")] = None,
    backend: Annotated[list[str] | None, typer.Option(help="A backend, or BACKEND/MODEL; may be repeated.")] = None,
    options: Options = None,
    price: Price = None,
    set_value: SetValue = None,
    device: Device = None,
    weights: ModelWeights = None,
    allow_pickle: AllowPickle = False,
    out: Annotated[Path | None, typer.Option(help="Go on from this run folder; by default a new one.")] = None,
    power: Power = False,
    pilot: Pilot = None,
    difference: Drop = "10%",
    margin: Margin = "5%",
    as_json: AsJson = False,
) -> None:
    """Say what a run would make, take and spend: clips, time, memory, dollars. Spends and downloads nothing."""
    from bench.backends.local.asking import read_told
    from bench.stages.plan import look_ahead

    if power:
        show_power(pilot or (), difference, margin, as_json)
        return
    told = read_told(set_value or (), device, weights, allow_pickle)
    show_outlook(look_ahead(out, plan_asked(suite, backend or (), options, price, told)), as_json)


def plan_asked(
    suite: str | None,
    backends: list[str] | tuple[str, ...],
    options: Path | None,
    price: float | None,
    told: dict[str, Any],
    **others: object,
) -> Spec:
    """The request of a run, with models and options of its paid and local backends; `others` go to `plan_run`."""
    from bench.backends.hosted.asking import split_models, with_hosted
    from bench.backends.local.asking import spell_out, with_local
    from bench.stages.run import plan_run

    plain, models = split_models([spell_out(name) for name in backends])
    spec = with_hosted(plan_run(suite, plain, **others), models, options, price)  # type: ignore[arg-type]
    return with_local(spec, told)


def agree(
    folder: RunFolder, spec: Spec, max_cost: float | None, yes: bool, resubmit: bool, *, dry_run: bool, as_json: bool
) -> float | None:
    """The cap in US dollars that the user agrees to, None after a dry run. Asks when money is to be spent.

    Raises FrameholdError when nobody can be asked, or the cap is too low.
    """
    from bench.backends.hosted.asking import is_paid
    from bench.stages.plan import allow_again, look_ahead, plan_jobs

    if not dry_run and not any(is_paid(source.backend) for source in spec.sources):
        return max_cost or 0.0
    outlook = look_ahead(folder.root, spec, resubmit)
    if dry_run:
        show_outlook(outlook, as_json)
        return None
    most = float("inf") if outlook.unpriced else outlook.committed_usd + outlook.due_usd
    cap = most if max_cost is None else max_cost
    if outlook.is_paid:
        plan_jobs(folder.root, spec, cap)
        if not yes:
            _ask(outlook)
    if resubmit and outlook.repeatable:
        with folder.locked():
            allow_again(folder.root, outlook.repeatable)
    return cap


def _ask(outlook: Outlook) -> None:
    sum_text = "an unknown sum" if outlook.unpriced else f"up to {outlook.due_usd:.2f} US dollars"
    if not _can_ask():
        raise FrameholdError(f"this would spend {sum_text}: look at it with --dry-run, allow it with --yes")
    from rich.console import Console

    Console(stderr=True).print(outlook_table(outlook))
    if not typer.confirm(f"Spend {sum_text}?", err=True):
        raise FrameholdError("nothing was spent")


def _can_ask() -> bool:
    return sys.stdin.isatty()


def show_outlook(outlook: Outlook, as_json: bool) -> None:
    """Print a plan on standard output."""
    if as_json:
        show(asdict(outlook), True, "")
        return
    console = show_table(outlook_table(outlook))
    if outlook.loads:
        console.print(load_table(outlook.loads))
    say(console, [*_sums(outlook), *(f"- {note}" for note in outlook.notes)])


def outlook_table(outlook: Outlook) -> Table:
    """A line a model: clips, seconds, dollars, and who says so."""
    from rich.table import Table

    table = Table(title=f"suite {outlook.suite}", title_justify="left")
    for name in ("model", "clips", "seconds", "USD a clip", "USD at most", "price"):
        table.add_column(name, justify="left" if name in {"model", "price"} else "right")
    for line in outlook.lines:
        seconds = "" if line.seconds is None else f"{line.seconds:g}"
        dollars = ["unknown" if usd is None else f"{usd:.2f}" for usd in (line.usd_a_clip, line.usd)]
        table.add_row(line.model, str(line.clips), seconds, *dollars, line.price)
    return table


def load_table(loads: Sequence[Load]) -> Table:
    """A line a local model: what its clips take of this machine."""
    from rich.table import Table

    from bench.backends.local.estimate import spoken

    table = Table(title="on this machine", title_justify="left")
    for name in ("model", "clips", "frames", "GPU memory", "a clip", "all", "disk at most", "time is"):
        table.add_column(name, justify="left" if name in {"model", "time is"} else "right")
    for load in loads:
        seconds = load.seconds_a_clip
        times = ["not known"] * 2 if seconds is None else [spoken(seconds), spoken(seconds * load.clips)]
        table.add_row(
            load.model,
            str(load.clips),
            "not known" if load.frames is None else str(load.frames),
            "not known" if load.memory_gb is None else f"{load.memory_gb:g} GB",
            *times,
            "not known" if load.disk_gb is None else f"{load.disk_gb:.2g} GB",
            load.source,
        )
    return table


def _sums(outlook: Outlook) -> Iterator[str]:
    clips = sum(line.clips for line in outlook.lines)
    seconds = sum(line.seconds or 0 for line in outlook.lines)
    unknown = f" and what {', '.join(outlook.unpriced)} costs, which is not known" if outlook.unpriced else ""
    to_make, there = counted(clips, "clip"), counted(outlook.clips_there, "clip")
    yield f"to make: {to_make}, {seconds:g} seconds of paid video, at most {outlook.due_usd:.2f} USD{unknown}"
    if outlook.clips_there or outlook.committed_usd:
        yield f"there already: {there}; charged or set aside: {outlook.committed_usd:.2f} USD"
    yield "nothing was spent"


@contextmanager
def telling_what_runs() -> Iterator[None]:
    """On Ctrl-C say what still runs at the providers, then exit 130."""
    from bench.backends.hosted.jobs import Interrupted

    try:
        yield
    except Interrupted as stop:
        sys.stderr.write(f"framehold: {stop}\n")
        raise typer.Exit(130) from None
