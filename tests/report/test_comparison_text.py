"""A comparison as Markdown: everything in it, and names that cannot break it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.report.comparison_text import comparison_markdown, comparison_table, worse_lines
from bench.report.markdown import latex, link, plain, spreadsheet
from bench.stages.compare import compare
from bench.verdict import Comparison
from tests.stages.held_runs import clips_of, write_held_run


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Four frames lost on each of ten prompts, by a model with an awkward name."""
    folder = tmp_path_factory.mktemp("runs")
    old = [replace(clip, metrics={"clip_score": 0.5}) for clip in clips_of("m", [9] * 10)]
    new = [replace(clip, metrics={"clip_score": 0.4}) for clip in clips_of("<b>|x|</b>", [5] * 10)]
    write_held_run(folder / "old", old)
    write_held_run(folder / "new", new)
    return compare(folder / "old", folder / "new")


def test_markdown_holds_the_verdict_the_numbers_and_links_to_both_clips(found: Comparison) -> None:
    text = comparison_markdown(found, Path(found.baseline.run).parent)
    assert text.startswith("## ❌ regression: -4.00 frames")
    assert "| frames held | 9.00 | 5.00 | -4.00 |" in text
    assert "| local warping error | 3.00 | 7.00 | +4.00 |" in text
    assert "| clip score | 0.5 | 0.4 | -0.1 |" in text
    row = next(line for line in text.splitlines() if line.startswith("| p0, seed 0"))
    assert "[held 9 (local warping error)](old/clips/" in row
    assert "[held 5 (local warping error)](new/clips/" in row
    assert r"**\<b\>\|x\|\</b\>**" in text


def test_the_table_of_a_terminal_has_a_row_each(found: Comparison) -> None:
    table = comparison_table(found)
    assert [str(cell) for cell in table.columns[0].cells] == [
        "frames held",
        "seconds held",
        "frames lost to",
        "local warping error",
        "published metrics",
        "clip score",
    ]
    assert worse_lines(found)[0] == "p0: -4.00 frames"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*c", r"a\_b\*c"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("two\nlines", "two lines"),
        ("`~$", r"\`\~\$"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_links_are_relative_and_quoted(tmp_path: Path) -> None:
    assert link("a|b", str(tmp_path / "x y(1).mp4"), tmp_path / "out") == r"[a\|b](../x%20y%281%29.mp4)"
    assert link("none", None, tmp_path) == "none"


def test_latex_and_spreadsheets() -> None:
    assert latex(r"a\b{c}^~#") == r"a\textbackslash{}b\{c\}\textasciicircum{}\textasciitilde{}\#"
    assert latex("<x|y>") == r"\textless{}x\textbar{}y\textgreater{}"
    harmless = "model", "a=b", "1-2", ""
    assert [spreadsheet(text) for text in harmless] == list(harmless)
    for text in ("=1+1", "@x", "+1", "-1", "＝1", "＋1", "－1", "＠x", " =1", "\t=1", "\tx", "\nx", "\r=1"):
        assert spreadsheet(text) == f"'{text}"
    assert spreadsheet("x\x1b[31m\x00") == "x\ufffd[31m\ufffd"


def test_a_terminal_is_sent_no_control_characters(found: Comparison) -> None:
    pair = replace(found.prompts_worse[0].clips[0], baseline_file="\x1b]0;title\x07.mp4", candidate_held=None)
    wild = replace(
        found,
        by_category={"\x1b[2J": found.frames, "any": found.frames},
        prompts_worse=(replace(found.prompts_worse[0], prompt_id="p\u202e0", clips=(pair,)),),
    )
    cells = [str(cell) for column in comparison_table(wild).columns for cell in column.cells]
    assert "\ufffd[2J" in cells
    assert worse_lines(wild)[0].startswith("p\ufffd0: ")
    assert "missing" in worse_lines(wild)[2]
    assert not any("\x1b" in text or "\x07" in text for text in [*cells, *worse_lines(wild)])


def test_the_best_and_worst_case_have_rows_of_their_own(tmp_path: Path) -> None:
    old, new = clips_of("m", [6] * 10), clips_of("m", [6] * 10)
    write_held_run(tmp_path / "old", old)
    write_held_run(tmp_path / "new", [replace(new[0], missing="refused"), *new[1:]])
    text = comparison_markdown(compare(tmp_path / "old", tmp_path / "new"), tmp_path)
    assert "| frames held, missing clips as good and as bad as can be | baseline |" in text
    assert "| good for the candidate: inconclusive | 6.00 | 6.60 | +0.6 |" in text
    assert "| bad for the candidate: inconclusive | 6.00 | 5.40 | -0.6 |" in text
