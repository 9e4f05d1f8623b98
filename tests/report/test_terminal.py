"""The table of a run in a terminal."""

from __future__ import annotations

from pathlib import Path

from bench.report.terminal import summary_table
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
