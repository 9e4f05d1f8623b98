"""How far a set of clips lies from another: distance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.options import AsJson, Offline, Workers, check_file, crew_of, say, show, show_table
from bench.records import counted

if TYPE_CHECKING:
    from rich.table import Table

MOST_NAMED = 10  # clips left out that are named on the terminal; --json names all
REFUSED = {"interval": "interval", "p_value": "p-value", "same_size": "floor"}
Clips = "a folder of videos, a run folder, or either with :MODEL"


def distance(
    a: Annotated[str, typer.Argument(help=f"The clips to judge: {Clips}.")],
    b: Annotated[str, typer.Argument(help="The reference, real footage or another version's clips: the same.")],
    features: Annotated[
        str,
        typer.Option(help="embedded (no download), i3d-400, r3d_18, s3d, mvit_v2_s, swin3d_t, videomae, vjepa2, clip."),
    ] = "embedded",
    mode: Annotated[
        str | None, typer.Option(help="Preprocessing to match, for i3d-400: styleganv, videogpt or tf.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A file of weights instead of the public ones.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of a window [default: the extractor's own].")] = None,
    span: Annotated[
        int | None, typer.Option(help="Opening frames to look at; shorter clips are left out [default: the shortest].")
    ] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Also along the clip: where does the set drift?")] = False,
    step: Annotated[int | None, typer.Option(help="A window every so many frames [default: end to end].")] = None,
    infinite: Annotated[
        bool,
        typer.Option("--infinite", help="Also the Fréchet distance at infinitely many clips."),
    ] = False,
    level: Annotated[float, typer.Option(help="Share of real sets that may be called different.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the draws behind intervals and p-values.")] = 1,
    figure: Annotated[Path | None, typer.Option(help="Write a figure here, as .svg.")] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: auto, cpu, cuda.")] = "auto",
    batch: Annotated[int | None, typer.Option(help="Windows a forward [default: 1 on a CPU, 8 on a GPU].")] = None,
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Say how far the clips of A lie from those of B, with what B shows against itself at the same number of clips."""
    from bench.distances.figure import figure as drawn
    from bench.records import FrameholdError
    from bench.run_folder import replace_text
    from bench.stages.distance import Request
    from bench.stages.distance import distance as stage

    if figure:
        if figure.suffix.lower() != ".svg":
            raise FrameholdError(f"--figure {figure}: figures are written as .svg")
        check_file("--figure", figure)
    request = Request(
        features=features,
        mode=mode,
        weights=weights,
        frames=frames,
        step=step,
        span=span,
        windows=windows,
        infinite=infinite,
        level=level,
        seed=seed,
        offline=offline,
        device=device,
        batch=batch,
        figure=figure is not None,
    )
    with crew_of("local", workers) as crew:
        result = stage(a, b, request, crew)
    if figure:
        figure.absolute().parent.mkdir(parents=True, exist_ok=True)
        replace_text(figure, drawn(result))
    if as_json:
        show(result, True, "")
        return
    console = show_table(_distances(result))
    if "along" in result and result["along"]["windows"]:
        console.print(_windows(result["along"]))
    say(console, [f"- {line}" for line in _lines(result) + ([f"figure: {figure}"] if figure else [])])


def _distances(result: dict[str, Any]) -> Table:
    """A row a distance."""
    from rich.table import Table
    from rich.text import Text

    from bench.report.spelling import one_way

    seen, reference, features = result["a"], result["b"], result["features"]
    title = (
        f"{seen['name']} ({counted(seen['clips'], 'clip')}) from {reference['name']} ({reference['clips']}), "
        f"by {features['name']} {features['mode']}, {features['windows']} x {features['frames']} frames"
    )
    table = Table(title=Text(one_way(title)), title_justify="left")
    for column in ("distance", "value (95%)", "p", "at n", "A from B (95%)", "B from B (95%)"):
        table.add_column(column, justify="left" if column == "distance" else "right")
    for name, found in result["distances"].items():
        same = found["same_size"]
        table.add_row(
            name,
            _interval(found),
            "-" if found["p_value"] is None else f"{found['p_value']:.3f}",
            str(same["n"]) if same else "-",
            _interval(same["samples"]) if same else "-",
            _interval(same["reference"]) if same else "-",
        )
    return table


def _windows(along: dict[str, Any]) -> Table:
    """A row a window."""
    from rich.table import Table

    table = Table(title="Along the clip: kernel distance", title_justify="left")
    for column in ("frames", "A from B (95%)", "floor: B from B", "above", "since the opening (95%)"):
        table.add_column(column, justify="right")
    for window in along["windows"]:
        table.add_row(
            f"{window['start']} to {window['end'] - 1}",
            _interval(window["value"]),
            f"{window['floor']:.4g}",
            "yes" if window["above"] else "",
            _interval(window["since_opening"]),
        )
    return table


def _interval(found: dict[str, Any]) -> str:
    if found["low"] is None:
        return f"{found['value']:.4g}"
    return f"{found['value']:.4g} ({found['low']:.4g} to {found['high']:.4g})"


def _lines(result: dict[str, Any]) -> list[str]:
    """What the tables do not say, a line each."""
    lines = []
    if along := result.get("along"):
        held = along["hold_frames"]
        lines.append(
            f"along the clip: {along['refused']}"
            if along["refused"]
            else f"distribution hold: {held['value']:g} frames ({held['low']:g} to {held['high']:g}) at a level of "
            f"{along['level']:g}" + (", to the end of what was looked at" if along["to_the_end"] else "")
        )
    if infinite := result.get("infinite"):
        found = infinite["frechet"]
        lines.append(f"Fréchet at infinitely many clips: {infinite['refused'] if found is None else _interval(found)}")
    reasons: dict[str, list[str]] = {}
    for name, found in result["distances"].items():
        for what, reason in found["refused"].items():
            if (what, name) not in {("p_value", "frechet"), ("p_value", "jedi")}:
                reasons.setdefault(f"no {REFUSED[what]}: {reason}", []).append(name)
    lines += [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    for side in ("a", "b"):
        refused = list(result[side]["refused"].items())
        lines += [f"left out of {result[side]['name']}: {name}: {why}" for name, why in refused[:MOST_NAMED]]
    lines += result["notes"]
    weights = result["features"]["weights"]
    found = f", {weights['file']} sha256 {weights['sha256'][:12]}" if weights else ""
    return [*lines, f"features: {result['features']['name']}, licence {result['features']['licence']}{found}"]
