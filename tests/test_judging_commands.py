"""compare, leaderboard, verify, history and plan --power as commands: exit codes, JSON alone, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
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


def test_every_bad_input_is_one_line_and_exit_2(call: Call, runs: tuple[str, str], tmp_path: Path) -> None:
    old, new = runs
    write_held_run(tmp_path / "runs" / "declared", clips_of("m", WRECKED), missing="broken")
    write_held_run(tmp_path / "runs" / "two", clips_of("a", STEADY) + clips_of("b", STEADY))
    for line, told in {
        ("compare", old, "runs/two"): "runs/two has 2 models: choose one as runs/two:a, runs/two:b",
        ("compare", old, "runs/two:c"): "runs/two has no model 'c': it has a, b",
        ("compare", old, new, "--margin", "lots"): "--margin lots: expected a share",
        ("compare", old, new, "--horizon", "0"): "--horizon 0: expected 1 frame or more",
        ("compare", old, "runs/declared"): "choose one with --missing",
        ("compare", old, new, "--reference", "nowhere"): "nowhere: no such folder",
        ("leaderboard", "runs/none"): "runs/none is not a run folder",
        ("leaderboard", old, "--horizon", "0"): "--horizon 0",
        ("history", old, new, "--horizon", "-1"): "--horizon -1",
        ("history", old, "runs/none"): "runs/none is not a run folder",
        ("verify", "runs/none"): "runs/none is not a run folder",
        ("verify", old, "--tolerance", "2"): "--tolerance 2",
    }.items():
        ended = call(*line)
        assert (ended.code, ended.out) == (2, ""), line
        assert ended.errors.startswith("framehold: ")
        assert told in ended.errors
        assert ended.errors.count("\n") == 1


def test_a_rule_for_missing_clips_that_was_not_declared_is_in_the_verdict(call: Call, tmp_path: Path) -> None:
    old = clips_of("m", [9] * 10)
    write_held_run(tmp_path / "old", old)
    write_held_run(tmp_path / "new", [*old[:5], *(replace(clip, missing="refused") for clip in old[5:])])
    declared = call("compare", "old", "new")
    assert declared.code == 3
    assert "- Missing: 0 of the baseline's clips and 5 of the candidate's, left out with their partner" in declared.out
    chosen = call("compare", "old", "new", "--missing", "broken")
    assert chosen.code == 1
    said = chosen.out.rstrip().splitlines()[-1]
    assert "; missing clips counted as broken at once by --missing, declared with the runs: left out with" in said


def test_names_send_no_control_characters_to_the_terminal(call: Call, tmp_path: Path) -> None:
    name = "x\x1b]0;owned\x07[red]\u202e"
    write_held_run(tmp_path / "one", clips_of(name, STEADY))
    write_held_run(tmp_path / "two", clips_of(name, WRECKED))
    for line in (
        ("compare", "one", "two"), ("leaderboard", "one", "two"), ("history", "one", "two"), ("verify", "one"),
    ):  # fmt: skip
        out = call(*line, *(("--sample", 0) if line[0] == "verify" else ())).out
        assert out
        assert not set(out) & set("\x1b\x07\u202e")
    assert "[red]" in call("leaderboard", "one").out


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
    (tmp_path / "runs/old/seal.json").unlink()
    assert call("verify", runs[0], "--sample", 0, "--seal").code == 1
    assert not (tmp_path / "runs/old/seal.json").exists()
