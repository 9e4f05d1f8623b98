"""docs/ci.md: its test runs, its commands and options exist."""

from __future__ import annotations

import os
import re
import subprocess
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


def step(name: str) -> str:
    """The shell of one step of the page's workflows."""
    yaml: Any = pytest.importorskip("yaml")
    workflows = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    assert len(workflows) == 2
    steps = [each for workflow in workflows for job in workflow["jobs"].values() for each in job["steps"]]
    (found,) = (each["run"] for each in steps if each.get("name") == name)
    return str(found)


@pytest.mark.parametrize(
    ("verdict", "ends", "warns"), [(0, 0, False), (1, 1, False), (3, 0, True), (2, 2, False)]
)  # the exit codes of compare
def test_the_verdict_step_passes_what_it_should(tmp_path: Path, verdict: int, ends: int, warns: bool) -> None:
    """As GitHub runs it, `bash -e`, with a `framehold` that only ends as told; an error leaves no file."""
    stub = tmp_path / "framehold"
    writes = "" if verdict == 2 else 'echo "## told" > "$6"\n'
    stub.write_text(f'#!/bin/bash\n[ "$1 $4 $5" = "compare --margin 5%" ] || exit 99\nshift\n{writes}exit {verdict}\n')
    stub.chmod(0o755)
    summary = tmp_path / "summary.md"
    summary.touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    script = step("the verdict")
    ended = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "::warning::" in ended.stdout) == (ends, warns), ended.stderr
    assert summary.read_text() == ("" if verdict == 2 else "## told\n")


def test_a_single_night_is_no_series_yet(tmp_path: Path) -> None:
    stub = tmp_path / "framehold"
    stub.write_text('#!/bin/bash\necho "$@" >> called\nexit 1\n')
    stub.chmod(0o755)
    script, ends = step("the series, oldest first"), []
    for night in ("nights/2026-01-02", "nights/2026-01-01"):
        (tmp_path / night).mkdir(parents=True)
        ended = subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False
        )
        ends.append(ended.returncode)
    assert ends == [0, 1]
    assert (tmp_path / "called").read_text() == "history nights/2026-01-01 nights/2026-01-02\n"


def test_the_page_s_commands_and_options_exist() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    shell = "\n".join(re.findall(r"```(?:yaml)?\n(.*?)```", TEXT, re.DOTALL))
    lines = re.findall(r"framehold (\w+)([^\n|;]*)", shell)
    assert {name for name, _ in lines} == {"run", "compare", "verify", "history"}
    for name, rest in lines:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known
