"""framehold suite show, check and new: what they print, what they write, and that they never take a file away."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from bench.cli import main
from bench.suite import load_suite, suite_from_dict

LINES = '# mine\nA man says "no" in front of C:\\\\\nΈνας σκύλος τρέχει 🐕\nA man walks\n'


class Screen:
    """Runs commands and keeps what they printed."""

    def __init__(self, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.capture, self.patch = capture, patch

    def __call__(self, *words: str, fails: bool = False) -> str:
        """Standard output of `framehold suite ...`; of a command that fails, its one line on standard error."""
        self.patch.setattr(sys, "argv", ["framehold", "suite", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = self.capture.readouterr()
        assert caught.value.code == (2 if fails else 0), printed.err
        if not fails:
            assert printed.err == ""
            return printed.out
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        return printed.err


@pytest.fixture
def suite(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Screen:
    monkeypatch.chdir(tmp_path)
    return Screen(capsys, monkeypatch)


# ---- show --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "mini-v1"])
def test_show_has_a_row_a_prompt(suite: Screen, name: str) -> None:
    shown = suite("show", name)
    assert load_suite(name).sha256 in shown
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
    firsts = [row for row in rows if row[0]]  # a long text goes on in rows without an id
    assert [tuple(row[:4]) for row in firsts] == [
        (prompt.id, prompt.category, prompt.moves, prompt.difficulty) for prompt in load_suite(name).prompts
    ]
    assert " ".join(row[5] for row in rows) == " ".join(prompt.text for prompt in load_suite(name).prompts)


def test_show_as_json_is_the_suite(suite: Screen) -> None:
    assert suite_from_dict(json.loads(suite("show", "core", "--json"))) == load_suite("core")


def test_show_takes_a_list_of_lines_and_no_markup(suite: Screen) -> None:
    Path("mine.txt").write_text("A [bold]man[/bold] walks [/]\n", encoding="utf-8")
    assert "A [bold]man[/bold] walks [/]" in suite("show", "mine.txt")


def test_an_unknown_suite_is_one_line_with_those_there_are(suite: Screen) -> None:
    assert "shipped suites: core-v1, mini-v1, quick-v1" in suite("show", "cor", fails=True)


# ---- check -------------------------------------------------------------------------------------------------------


def test_check_counts_and_prints_the_hash(suite: Screen) -> None:
    checked = suite("check", "mini")
    assert "mini-v1: 17 prompts, 17 clips a model" in checked
    assert re.search(rf"^sha256 +{load_suite('mini').sha256}$", checked, re.MULTILINE)
    assert re.search(r"^category +gait 1, hands 1, .*, fast-motion 1$", checked, re.MULTILINE)
    assert re.search(r"^moves +subject 14, scene 1, camera 1, none 1$", checked, re.MULTILINE)
    assert re.search(r"^difficulty +easy 5, medium 6, hard 6$", checked, re.MULTILINE)
    assert "nearly" not in checked


def test_check_as_json(suite: Screen) -> None:
    about = json.loads(suite("check", "core", "--json"))
    assert about["sha256"] == load_suite("core").sha256
    assert set(about["by_category"].values()) == {8}
    assert sum(about["by_moves"].values()) == sum(about["by_difficulty"].values()) == about["prompts"] == 136
    assert about["near_duplicates"] == []
    assert about["differs_from_shipped"] is False


def test_check_names_prompts_that_are_nearly_the_same(suite: Screen) -> None:
    Path("mine.txt").write_text("A red dog runs\nRain falls\nA big red dog runs\n", encoding="utf-8")
    # Shared: a, red, dog, runs, red-dog, dog-runs; apart: a-red, big, a-big, big-red.
    assert "nearly the same: a-red-dog-runs and a-big-red-dog-runs (60% of words and word pairs)" in suite(
        "check", "mine.txt"
    )
    (pair,) = json.loads(suite("check", "mine.txt", "--json"))["near_duplicates"]
    assert pair == {"first": "a-red-dog-runs", "second": "a-big-red-dog-runs", "likeness": 0.6}


def test_check_says_when_a_shipped_name_is_taken(suite: Screen) -> None:
    suite("new", "quick-v1.toml")
    assert "framehold ships another suite by this name and version" in suite("check", "quick-v1.toml")


def test_check_of_a_wrong_file_is_one_line_and_exit_2(suite: Screen) -> None:
    Path("mine.toml").write_text(
        'name = "mine"\nversion = 1\n[[prompt]]\nid = "one"\ntxt = "A man"\n', encoding="utf-8"
    )
    error = suite("check", "mine.toml", fails=True)
    assert error.startswith("framehold: mine.toml: prompt 1 (one): ")
    assert "key 'text' is missing" in error


# ---- new ---------------------------------------------------------------------------------------------------------


def test_new_writes_a_file_that_passes_check(suite: Screen) -> None:
    assert "wrote My suite.toml: 3 prompts" in suite("new", "My suite.toml")
    assert "my-suite-v1: 3 prompts, 3 clips a model" in suite("check", "My suite.toml")
    made = load_suite("My suite.toml")
    assert {prompt.difficulty for prompt in made.prompts} == {"easy", "medium", "hard"}
    keys = ("id", "text", "category", "moves", "difficulty", "seeds")
    comments = [line for line in Path("My suite.toml").read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    assert all(any(line.startswith(f"# {key} ") for line in comments) for key in keys)
    assert max(map(len, comments)) <= 120


def test_one_is_no_plural(suite: Screen) -> None:
    Path("one.txt").write_text("A dog runs\n", encoding="utf-8")
    assert "one-v1: 1 prompt, 1 clip a model" in suite("check", "one.txt")


def test_new_takes_name_and_version_from_the_file(suite: Screen) -> None:
    suite("new", "faces-v3.toml")
    assert (load_suite("faces-v3.toml").name, load_suite("faces-v3.toml").version) == ("faces", 3)


def test_new_from_lines_keeps_every_word(suite: Screen) -> None:
    Path("lines.txt").write_text(LINES, encoding="utf-8")
    about = json.loads(suite("new", "mine.toml", "--from", "lines.txt", "--json"))
    made, lines = load_suite("mine.toml"), load_suite("lines.txt")
    assert made.prompts == lines.prompts
    assert [prompt.text for prompt in made.prompts] == LINES.splitlines()[1:]
    assert (about["file"], about["prompts"], about["sha256"]) == ("mine.toml", 3, made.sha256)


def test_new_from_another_suite_keeps_all_but_its_name(suite: Screen) -> None:
    shipped = load_suite("core")
    suite("new", "mine-v2.toml", "--from", "core")
    made = load_suite("mine-v2.toml")
    assert made.prompts == shipped.prompts
    assert (made.name, made.version, made.description) == ("mine", 2, shipped.description)
    assert made.sha256 != shipped.sha256


def test_new_keeps_the_horizon(suite: Screen) -> None:
    Path("a.toml").write_text(
        'name = "a"\nversion = 1\nhorizon = 24\n[[prompt]]\nid = "b"\ntext = "c"\n', encoding="utf-8"
    )
    suite("new", "b.toml", "--from", "a.toml")
    assert load_suite("b.toml").horizon == 24


def test_new_never_overwrites(suite: Screen) -> None:
    Path("mine.toml").write_bytes(b"precious")
    assert "mine.toml exists and is left as it is: choose another name" in suite("new", "mine.toml", fails=True)
    assert Path("mine.toml").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("mine.txt",), "mine.txt: a suite file ends in .toml: call it mine.toml"),
        (("nowhere/a.toml",), "nowhere/a.toml: cannot be written (No such file or directory): choose another place"),
        (("mine.toml", "--from", "lines.txt"), "lines.txt: no such suite file"),
    ],
)
def test_new_that_cannot_write_leaves_nothing(suite: Screen, words: tuple[str, ...], part: str) -> None:
    assert part in suite("new", *words, fails=True)
    assert list(Path().iterdir()) == []
