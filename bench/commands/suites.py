"""Prompt suites: show one, check one's own, start a new one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.options import AsJson, show
from bench.records import FrameholdError, Prompt, Suite, counted, slug

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="Show, check or start a suite of prompts.", no_args_is_help=True)

SuiteArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A suite by name, or a .toml or .txt file.")]

WIDTH_OF_A_FILE = 160  # characters; a table that goes to no terminal
COUNTED = ("category", "moves", "difficulty")

PREAMBLE = """\
# A suite of prompts. Check it with `framehold suite check FILE`, run it with `framehold run FILE`.
# Numbers of two suites can be compared only where their sha256 is the same: raise the version with every change.

name = {name}  # lower-case letters, digits and dashes
version = {version}
description = {description}  # for people; not part of the sha256
{horizon}  # frames up to which holds are averaged; left out, the length of the shortest model

# A [[prompt]] for each scene. The clips of a prompt are matched between models by its id and seed.
#
# id          lower-case letters, digits and dashes
# text        one continuous shot, with something in it that can be checked in every frame: a count, a mark, a shape.
#             CLIP reads about the first 60 words.
# category    results are also given by category: gait, fire, whatever you like to tell apart
# moves       what must move, or the clip is static and held one frame: subject, scene (what fills the picture), camera
#             or none (nothing has to)
# difficulty  easy, medium or hard
# seeds       a clip for each; more prompts say more than more seeds
"""

EXAMPLES = (
    Prompt(
        "dog-oak", "A spotted dog trots behind a broad oak and comes out on the other side", "occlusion", seeds=(1,)
    ),
    Prompt(
        "three-forks", "A waiter lays three forks side by side on a bare table", "counting", "subject", "easy", (2,)
    ),
    Prompt("lighthouse", "The camera tilts up a lighthouse with three red bands", "camera", "camera", "hard", (3,)),
)


@app.command("show")
def show_suite(suite: SuiteArgument, as_json: AsJson = False) -> None:
    """Print the prompts of a suite with category, motion and difficulty."""
    from bench.suite import load_suite, suite_to_dict

    chosen = load_suite(suite)
    if as_json:
        show(suite_to_dict(chosen), True, "")
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE).print(_table(chosen))


@app.command("check")
def check_suite(suite: SuiteArgument, as_json: AsJson = False) -> None:
    """Validate a suite; print its sha256, how it is balanced, and which prompts are nearly the same."""
    from bench.suite import load_suite

    about = _about(load_suite(suite))
    lines = [
        f"{about['name']}-v{about['version']}: {counted(about['prompts'], 'prompt')}, "
        f"{counted(about['clips'], 'clip')} a model",
        f"{'sha256':12}{about['sha256']}",
        *(f"{by:12}" + ", ".join(f"{name} {count}" for name, count in about[f"by_{by}"].items()) for by in COUNTED),
        *(
            f"nearly the same: {pair['first']} and {pair['second']} ({pair['likeness']:.0%} of words and word pairs)"
            for pair in about["near_duplicates"]
        ),
    ]
    if about["differs_from_shipped"]:
        lines.append("framehold ships another suite by this name and version: rename this one")
    show(about, as_json, "\n".join(lines))


@app.command("new")
def new_suite(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file to write; its name names the suite.")],
    source: Annotated[
        str | None, typer.Option("--from", help="Prompts to begin with: a .txt file, one a line, or another suite.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a suite file with comments, to be filled in. Never overwrites."""
    from bench.suite import SHIPPED_NAME, load_suite

    if file.suffix.lower() != ".toml":
        raise FrameholdError(f"{file}: a suite file ends in .toml: call it {file.with_suffix('.toml')}")
    named = SHIPPED_NAME.fullmatch(file.stem)
    name, version = (named["name"], max(1, int(named["version"]))) if named else (slug(file.stem), 1)
    given = load_suite(source) if source else Suite(name, version, EXAMPLES)
    text = _written(Suite(name, version, given.prompts, given.description, given.horizon))
    try:
        with file.open("x", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
    except FileExistsError as error:
        raise FrameholdError(f"{file} exists and is left as it is: choose another name, or remove it first") from error
    except OSError as error:
        raise FrameholdError(f"{file}: cannot be written ({error.strerror}): choose another place") from error
    about = _about(load_suite(str(file)))
    prompts = counted(about["prompts"], "prompt")
    show({"file": str(file)} | about, as_json, f"wrote {file}: {prompts}; edit it, then check it")


def _about(suite: Suite) -> dict[str, Any]:
    """What can be said of a suite before it is run."""
    from bench.suite import load_suite, near_duplicates, shipped_suites

    known = f"{suite.name}-v{suite.version}"
    return {
        "name": suite.name,
        "version": suite.version,
        "sha256": suite.sha256,
        "prompts": len(suite.prompts),
        "clips": sum(len(prompt.seeds) for prompt in suite.prompts),
        **{f"by_{by}": dict(Counter(str(getattr(prompt, by)) for prompt in suite.prompts)) for by in COUNTED},
        "near_duplicates": [
            {"first": first, "second": second, "likeness": round(likeness, 3)}
            for first, second, likeness in near_duplicates(suite)
        ],
        "differs_from_shipped": known in shipped_suites() and load_suite(known).sha256 != suite.sha256,
    }


def _table(suite: Suite) -> Table:
    from rich.table import Table
    from rich.text import Text

    title = f"{suite.name}-v{suite.version}: {suite.description or 'no description'}\nsha256 {suite.sha256}"
    table = Table(title=Text(title), title_justify="left")
    for column in ("id", "category", "moves", "difficulty", "seeds", "text"):
        table.add_column(column, overflow="fold")
    for prompt in suite.prompts:
        seeds = ", ".join(map(str, prompt.seeds))
        cells = (prompt.id, prompt.category, prompt.moves, prompt.difficulty, seeds, prompt.text)
        table.add_row(*map(Text, cells))
    return table


def _written(suite: Suite) -> str:
    """The suite as a file of its own, with comments."""
    head = PREAMBLE.format(
        name=_quoted(suite.name),
        version=suite.version,
        description=_quoted(suite.description),
        horizon=f"horizon = {suite.horizon}" if suite.horizon else "# horizon = 48",
    )
    blocks = [
        f"""
[[prompt]]
id = {_quoted(prompt.id)}
text = {_quoted(prompt.text)}
category = {_quoted(prompt.category)}
moves = {_quoted(prompt.moves)}
difficulty = {_quoted(prompt.difficulty)}
seeds = {list(prompt.seeds)}
"""
        for prompt in suite.prompts
    ]
    return head + "".join(blocks)


def _quoted(text: str) -> str:
    """A TOML string: JSON's quotes and escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False)
