"""The table of a run in a terminal."""

from __future__ import annotations

from pathlib import Path

from bench.report.terminal import MOST_LETTERS, missing_lines, summary_table
from tests.report.run_factory import Made, held, write_run


def test_a_row_says_over_how_many_frames_it_is_where_that_is_not_the_horizon(tmp_path: Path) -> None:
    clips = [Made("long", "walk", held(20), frames=20), Made("short", "walk", held(6), frames=6)]
    names = {}
    for horizon in (20, 12):
        summary = write_run(tmp_path / str(horizon), clips, horizon=horizon).summary()
        column = summary_table(summary).columns[0]
        names[horizon] = [str(cell) for cell in column.cells]
    assert names[20] == ["long", "short, first 6 frames", "real footage, first 12 frames", "frozen frame"]
    assert names[12] == ["long", "short, first 6 frames", "real footage", "frozen frame"]


def test_the_commonest_reasons_of_missing_clips_are_told_a_line_each(tmp_path: Path) -> None:
    reasons = ["refused", "refused", "two\nlines", "two\nlines", "refused", "x" * 500, "rare"]
    gaps = [Made("gone" if number % 2 else "m", f"p{number}", missing=why) for number, why in enumerate(reasons)]
    lines = missing_lines(write_run(tmp_path / "gaps", [Made("m", "walk", held(12)), *gaps]).summary())
    cut = f"{'x' * (MOST_LETTERS - 1)}…"
    assert sorted(lines[:2]) == ["- missing, 2: two lines", "- missing, 3: refused"]
    assert lines[2:] in (
        [f"- missing, 1: {cut}", "- missing, 1: for other reasons, which summary.json has"],
        ["- missing, 1: rare", "- missing, 1: for other reasons, which summary.json has"],
    )
    assert missing_lines(write_run(tmp_path / "whole", [Made("m", "walk", held(12))]).summary()) == []
