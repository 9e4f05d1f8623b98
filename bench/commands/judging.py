"""What is concluded from runs: compare, leaderboard, verify, history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.commands.options import (
    AsJson,
    Offline,
    Workers,
    check_file,
    check_folder,
    crew_of,
    open_folder,
    say,
    show,
    show_table,
)
from bench.records import counted

Place = Annotated[str, typer.Argument(help="RUN, or RUN:MODEL where the run has several models.")]
AllowDifferent = Annotated[
    bool, typer.Option("--allow-different", help="Go on although suite, profile or calibration differ, and say so.")
]
UpTo = Annotated[int | None, typer.Option("--horizon", help="Frames to compare over [default: the shorter model's].")]


def compare(
    baseline: Place,
    candidate: Place,
    margin: Annotated[str, typer.Option(help="Loss that is still a pass: a share of the horizon, or a number.")] = "5%",
    unit: Annotated[Literal["frames", "seconds"], typer.Option(help="What the verdict is in.")] = "frames",
    horizon: UpTo = None,
    missing: Annotated[
        Literal["left-out", "broken"] | None,
        typer.Option(help="Missing clips: left out with their partner, or broken at once [default: as the runs say]."),
    ] = None,
    allow_different: AllowDifferent = False,
    reference: Annotated[
        str | None,
        typer.Option(help="Real footage that both are measured from now [default: what `run --reference` measured]."),
    ] = None,
    features: Annotated[str, typer.Option(help="What that distance is measured with.")] = "embedded",
    offline: Offline = False,
    workers: Workers = 0,
    out: Annotated[Path | None, typer.Option(help="Write it all to this .md or .json file as well.")] = None,
    as_json: AsJson = False,
) -> None:
    """Has the candidate got worse? Exit 0 pass, 1 regression, 3 inconclusive, 2 error."""
    import json

    from bench.records import FrameholdError
    from bench.report.comparison_text import comparison_markdown, comparison_table, worse_lines
    from bench.run_folder import replace_text
    from bench.stages.compare import compare as stage

    if out and out.suffix not in {".md", ".json"}:
        raise FrameholdError(f"--out {out}: expected a .md or .json file")
    if out:
        check_file("--out", out)
    with crew_of("local", workers) as crew:
        found = stage(
            baseline,
            candidate,
            margin=margin,
            unit=unit,
            horizon=horizon,
            missing=missing,
            allow_different=allow_different,
            reference=reference,
            features=features,
            offline=offline,
            crew=crew,
        )
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        whole = json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n"
        replace_text(out, whole if out.suffix == ".json" else comparison_markdown(found, out.parent))
    if as_json:
        show(found.to_dict(), True, "")
    else:
        console = show_table(comparison_table(found))
        lines = [*worse_lines(found), *(f"- {note}" for note in found.notes), found.sentence]
        say(console, lines)
    raise typer.Exit(found.exit_code)


def leaderboard(
    runs: Annotated[list[Path], typer.Argument(help="Summarized runs; the first says which suite and calibration.")],
    out: Annotated[Path, typer.Option(help="Folder for leaderboard.csv, .json, .tex and .md.")] = Path("leaderboard"),
    horizon: UpTo = None,
    rules: Annotated[
        bool, typer.Option("--rules/--no-rules", help="Keep out what breaks the rules of a submission, and name it.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """One table over many models, with intervals of values and ranks. Exit 1 if a model was kept out."""
    from dataclasses import asdict

    from bench.report.leaderboard import leaderboard_lines, leaderboard_table, write_leaderboard
    from bench.stages.rank import rank

    check_folder("--out", out)
    with crew_of("local", 1) as crew:
        board = rank(runs, crew, horizon=horizon, rules=rules)
    files = write_leaderboard(board, out)
    if as_json:
        show(asdict(board) | {"files": [str(file) for file in files]}, True, "")
    else:
        console = show_table(leaderboard_table(board))
        lines = [*(f"- {line}" for line in leaderboard_lines(board)), *map(str, files)]
        say(console, lines)
    raise typer.Exit(1 if board.rejected else 0)


def verify(
    run_folder: Annotated[Path, typer.Argument(help="A summarized run.")],
    sample: Annotated[int, typer.Option(help="Clips to score again from their files.")] = 5,
    seed: Annotated[int | None, typer.Option(help="Which clips those are [default: chosen anew, and told].")] = None,
    tolerance: Annotated[float, typer.Option(help="Share of a value by which scoring again may differ.")] = 1e-3,
    seal: Annotated[bool, typer.Option("--seal", help="Record the tables' hashes now, in seal.json.")] = False,
    workers: Workers = 0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Check every clip and table of a run against what it was made from. Exit 1 if something was changed."""
    import secrets
    from dataclasses import asdict

    from bench.report.spelling import one_way
    from bench.stages.seal import seal as write_seal
    from bench.stages.verify import verify as stage

    folder = open_folder(run_folder)
    chosen = secrets.randbelow(2**31) if seed is None else seed
    with crew_of("local", workers) as crew:
        found = stage(folder, crew, sample=sample, seed=chosen, tolerance=tolerance, offline=offline)
    faults = [each for each in found if each.status == "fault"]
    if seal and not faults:
        write_seal(folder)
    marks = {"ok": "ok       ", "fault": "FAULT    ", "unchecked": "unchecked"}
    lines = [f"{marks[each.status]} {each.check:11} {each.detail}".rstrip() for each in found]
    content = {"run": str(run_folder), "seed": chosen, "findings": [asdict(each) for each in found]}
    text = "\n".join([*map(one_way, lines), f"sample seed {chosen}, {counted(len(faults), 'fault')}"])
    show(content, as_json, text)
    raise typer.Exit(1 if faults else 0)


def history(
    runs: Annotated[list[str], typer.Argument(help="One model's versions, oldest first: RUN, or RUN:MODEL.")],
    horizon: UpTo = None,
    alpha: Annotated[float, typer.Option(help="Chance of an alarm, ever, where nothing changes.")] = 0.05,
    allow_different: AllowDifferent = False,
    as_json: AsJson = False,
) -> None:
    """Has a model got worse over its versions? May be asked after every one. Exit 1 once there is an alarm."""
    from dataclasses import asdict

    from bench.report.history_text import history_lines, history_table
    from bench.stages.trend import trend

    found = trend(runs, horizon=horizon, alpha=alpha, allow_different=allow_different)
    if as_json:
        show(asdict(found) | {"exit_code": found.exit_code}, True, "")
    else:
        console = show_table(history_table(found))
        say(console, history_lines(found))
    raise typer.Exit(found.exit_code)
