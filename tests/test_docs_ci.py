"""docs/ci.md: its test runs, its commands and options exist."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.cli import app
from tests.stages.held_runs import clips_of, write_held_run

TEXT = (Path(__file__).parents[1] / "docs" / "ci.md").read_text(encoding="utf-8")
HOLDS = [None, 9, 10, None, 8, None, 11, 9, None, 10] * 4


def example() -> Callable[[], None]:
    """The test of the page."""
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    found: Callable[[], None] = names["test_the_candidate_holds_as_long_as_the_baseline"]
    return found


def test_the_page_s_test_passes_and_fails_as_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_held_run(Path("results/baseline"), clips_of("m", HOLDS))
    write_held_run(Path("results/candidate"), clips_of("m", HOLDS, content=""))
    example()()
    write_held_run(Path("worse/candidate"), clips_of("m", [2] * 40))
    Path("results/candidate").rename("results/was")
    Path("worse/candidate").rename("results/candidate")
    with pytest.raises(AssertionError, match=r"regression: -\d"):
        example()()


def test_the_page_s_commands_and_options_exist() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    shell = "\n".join(re.findall(r"```(?:yaml)?\n(.*?)```", TEXT, re.DOTALL))
    lines = re.findall(r"framehold (\w+)([^\n|;]*)", shell)
    assert {name for name, _ in lines} == {"run", "compare", "verify", "history"}
    for name, rest in lines:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known
