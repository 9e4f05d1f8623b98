"""The table of a run in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from bench.report.terminal import MOST_LETTERS, missing_lines, summary_table, truth_table
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


def block(truth: float | None, value: float, low: float | None = 0.0, high: float | None = 48.0) -> dict[str, object]:
    return {"truly_held": truth, "frames_held": {"value": value, "low": low, "high": high, "horizon": 48}}


def test_what_is_truly_held_stands_beside_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    models = {
        "steady": block(48.0, 47.5, 40.0, 48.0),
        "early": block(6.0, 20.0, 12.5, 30.0),
        "[red]late": block(30.0, 19.0, None, None),
        "real": block(None, 12.0),
        "gone": {"truly_held": 5.0, "frames_held": None},
    }
    table = truth_table({"models": models})
    assert table is not None
    Console(width=120).print(table)
    shown = capsys.readouterr().out
    assert "Kendall tau 0.33" in shown  # of three pairs two are in order
    assert [line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│")] == [
        "steady",
        "[red]late",
        "early",
    ]
    assert [line.split("│")[4].strip() for line in shown.splitlines() if line.startswith("│")] == ["yes", "no", "no"]


def test_there_is_no_table_of_truth_where_fewer_than_two_models_have_one() -> None:
    assert truth_table({"models": {"steady": block(48.0, 48.0), "real": block(None, 12.0)}}) is None
    assert truth_table({"models": {"older": {"frames_held": {"value": 1.0, "low": 0, "high": 2}}}}) is None
