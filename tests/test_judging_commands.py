"""compare, leaderboard, verify, history and plan --power as commands: exit codes, JSON alone, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench import cli
from bench.run_folder import RunFolder
from tests.stages.held_runs import clips_of, write_held_run

STEADY = [None, 9, 10, None, 8, None, 11, 9, None, 10]
WRECKED = [2, 1, 3, 2, 1, 2, 3, 1, 2, 2]


class Ended(NamedTuple):
    """What a command left."""

    code: object
    out: str
    errors: str

    @property
    def content(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run a command in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["framehold", *map(str, arguments)])
        capsys.readouterr()
        code: object = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """A steady model, and the same one wrecked."""
    write_held_run(tmp_path / "runs" / "old", clips_of("m", STEADY))
    write_held_run(tmp_path / "runs" / "new", clips_of("m", WRECKED))
    return "runs/old", "runs/new"


def test_compare_exits_with_its_verdict(call: Call, runs: tuple[str, str]) -> None:
    old, new = runs
    worse = call("compare", old, new)
    assert worse.code == 1
    assert worse.out.rstrip().splitlines()[-1].startswith("regression: ")
    assert "local warping error" in worse.out
    assert "runs/new/clips/" in worse.out
    assert call("compare", new, old).code == 0
    assert call("compare", old, new, "--margin", "70%").code == 3
    error = call("compare", old, "runs/none")
    assert (error.code, error.out) == (2, "")
    assert error.errors == "framehold: runs/none is not a run folder: it has no spec.json\n"


def test_compare_as_json_and_as_files(call: Call, runs: tuple[str, str], tmp_path: Path) -> None:
    ended = call("compare", *runs, "--json", "--out", "reports/compare.json")
    assert ended.content["verdict"] == "regression"
    assert ended.content["exit_code"] == ended.code == 1
    assert json.loads((tmp_path / "reports/compare.json").read_text()) == ended.content
    call("compare", *runs, "--out", "reports/compare.md")
    text = (tmp_path / "reports/compare.md").read_text()
    assert text.startswith("## ❌ regression: ")
    assert "](../runs/new/clips/" in text
    wrong = call("compare", *runs, "--out", "compare.txt")
    assert (wrong.code, wrong.errors) == (2, "framehold: --out compare.txt: expected a .md or .json file\n")


def test_leaderboard_writes_its_files_and_names_who_is_out(call: Call, runs: tuple[str, str], tmp_path: Path) -> None:
    ended = call("leaderboard", *runs, "--out", "board")
    assert ended.code == 0
    assert "m (old)" in ended.out
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == [
        f"leaderboard.{kind}" for kind in ("csv", "json", "md", "tex")
    ]
    clip = next((tmp_path / "runs/new/clips").iterdir())
    clip.write_text("another clip")
    ended = call("leaderboard", *runs, "--out", "board", "--json")
    assert ended.code == 1
    assert [each["label"] for each in ended.content["rejected"]] == ["m (new)"]


def test_history_alarms_by_its_exit_code(call: Call, runs: tuple[str, str]) -> None:
    old, new = runs
    calm = call("history", old, old, "--json")
    assert (calm.code, calm.content["alarm"]) == (0, None)
    assert call("history", new, old).code == 0
    worse = call("history", old, old, new, new)
    assert worse.code == 1
    assert worse.out.rstrip().splitlines()[-1].startswith("alarm: worse than before, as of runs/new:m")


def test_plan_power_speaks_of_prompts(call: Call, runs: tuple[str, str]) -> None:
    ended = call("plan", "--power", "--pilot", runs[0], "--pilot", runs[1], "--difference", "20%")
    assert ended.code == 0
    assert "With 3 seeds: " in ended.out
    content = call("plan", "--power", "--pilot", runs[0], "--json").content
    assert content["basis"].startswith("1 models")
    assert call("plan", "--power").code == 2


def test_verify_finds_and_names(call: Call, runs: tuple[str, str], tmp_path: Path) -> None:
    sound = call("verify", runs[0], "--sample", 0, "--seal", "--json")
    assert sound.code == 0
    assert (tmp_path / "runs/old/seal.json").is_file()
    run = RunFolder(tmp_path / "runs/old")
    summary = run.summary()
    summary["models"]["m"]["frames_held"]["value"] = 12.0
    run.summary_path.write_text(json.dumps(summary))
    found = call("verify", runs[0], "--sample", 0)
    assert found.code == 1
    assert "FAULT     tables      summary.json: its bytes are not those that were sealed" in found.out
    assert "FAULT     summary     summary.json: m: frames_held is" in found.out


def test_a_run_at_fault_is_not_sealed(call: Call, runs: tuple[str, str], tmp_path: Path) -> None:
    next((tmp_path / "runs/old/clips").iterdir()).write_text("another clip")
    assert call("verify", runs[0], "--sample", 0, "--seal").code == 1
    assert not (tmp_path / "runs/old/seal.json").exists()
