"""Clips are scored while others are still being made: the same tables, and what was done is not done again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.records import ClipRow
from bench.run_folder import RunFolder
from bench.stages import Crew, score
from bench.stages.generate import generate
from bench.stages.score import scoring_ahead
from tests.factory import procedural_spec


def made(root: Path) -> RunFolder:
    run = RunFolder(root)
    run.begin(procedural_spec(["procedural/steady"]))
    generate(run, Crew())
    return run


@pytest.mark.slow
def test_what_was_scored_ahead_is_found_done_and_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, ahead = made(tmp_path / "plain"), made(tmp_path / "ahead")
    score.score(plain, Crew())
    clips = ahead.clips()
    with scoring_ahead(ahead) as tell:
        for clip in clips:
            tell(clip)
        tell(ClipRow("none", "m", "p", 0, "", "", "none", "b", "f", missing="refused"))  # there is nothing to score
        until = time.monotonic() + 120
        while len(list(ahead.cache_folder.glob("*.parquet"))) < len(clips) and time.monotonic() < until:
            time.sleep(0.05)
    monkeypatch.setattr(score, "score_clip", lambda job: pytest.fail(f"{job.clip.clip_id} is scored again"))
    score.score(ahead, Crew())
    for one, other in ((plain.curves_path, ahead.curves_path), (plain.metrics_path, ahead.metrics_path)):
        assert one.read_bytes() == other.read_bytes()


def test_only_clips_that_are_waited_for_are_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(procedural_spec(["procedural/steady"]))
    told: list[ClipRow] = []
    generate(run, Crew(), ahead=told.append)  # drawn clips keep every core busy
    assert told == []
    assert run.clips()
