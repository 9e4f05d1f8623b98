"""docs/distances.md: its names, modes, dimensions, options and tools are those that there are."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from bench.cli import app
from bench.distances import DISTANCES
from bench.distances.estimate import FEW, LEAST
from bench.extractors import EXTRACTORS, open_extractor
from bench.extractors.embedded import scale
from bench.extractors.i3d import DDOF

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "distances.md").read_text(encoding="utf-8")


def rows(title: str) -> dict[str, list[str]]:
    """Cells of the first table under a heading, by the name that starts a row."""
    section = TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    return {first.strip("`"): others for first, *others in cells if first.startswith("`")}


def test_the_page_has_every_distance_and_every_extractor_and_no_other() -> None:
    assert list(rows("The distances")) == list(DISTANCES)
    assert list(rows("Extractors")) == list(EXTRACTORS)


def test_what_it_says_of_the_embedded_extractor_is_so() -> None:
    dimensions, frames, *_, licence = rows("Extractors")["embedded"]
    about = open_extractor("embedded").about
    assert int(dimensions) == len(scale()[0])
    assert frames == f"{about.frames}, or {about.least_frames} and more"
    assert licence.startswith(about.licence)


def test_every_mode_of_i3d_is_told_with_its_divisor() -> None:
    told = dict(re.findall(r"--features i3d-400 --mode (\w+)`.*divided by (n - 1|n) ", TEXT))
    assert told == {mode: "n - 1" if ddof else "n" for mode, ddof in DDOF.items()}


def test_its_limits_are_those_of_the_code() -> None:
    assert TEXT.count(f"fewer than {LEAST} ") == 3
    assert f"or {2 * LEAST} in the reference" in TEXT
    assert f"Below {FEW} clips it warns" in TEXT


def test_its_options_and_tools_exist() -> None:
    usage = CliRunner().invoke(app, ["distance", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    usage += CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    options = set(re.findall(r"`[^`\n]*?(--[a-z0-9-]+)", TEXT)) | set(re.findall(r"framehold .*?(--[a-z]+)", TEXT))
    tools = set(re.findall(r"tools/\w+\.py", TEXT))
    assert len(options) > 5
    assert len(tools) == 3
    usage += "".join((ROOT / tool).read_text(encoding="utf-8") for tool in tools)
    assert not {option for option in options if option not in usage}
