"""Two drawn models whose true difference is known, all the way from pictures to verdicts at several margins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.records import Prompt
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.compare import compare
from bench.stages.run import run_all
from tests.factory import procedural_spec

FRAMES = 24
STEADY, FREEZE = "procedural/steady", "procedural/freeze"
TEXTS = (
    "A man in a red shirt walks along a beach",
    "A brown dog trots through a park",
    "A blue car drives slowly down a city street",
    "A red ball bounces across a wooden floor",
    "A woman in a yellow coat walks through a forest",
    "A white boat rocks on the waves",
    "A candle burns in a dark room",
    "A flag waves in the wind",
)


@pytest.mark.slow
def test_a_model_that_freezes_is_worse_by_what_it_stands_still(tmp_path: Path) -> None:
    prompts = [Prompt(f"p{number}", text, "any", seeds=(1,)) for number, text in enumerate(TEXTS)]
    size = {"frames": FRAMES, "width": 128, "height": 128}
    run = RunFolder(tmp_path / "run")
    run_all(run, procedural_spec((STEADY, FREEZE), prompts, size), Crew())
    breaks = [row.facts["true_break_frame"] for row in run.clips() if row.model == FREEZE]
    lost = FRAMES - sum(breaks) / len(breaks)
    verdicts = {}
    for percent in (1, 20, 34, 50, 90):
        found = compare(f"{run.root}:{STEADY}", f"{run.root}:{FREEZE}", margin=f"{percent}%")
        verdicts[percent / 100 * FRAMES] = found.verdict
        assert found.frames.value == pytest.approx(-lost, abs=3)
    order = ["regression", "inconclusive", "pass"]
    assert [order.index(each) for each in verdicts.values()] == sorted(order.index(each) for each in verdicts.values())
    assert verdicts[0.01 * FRAMES] == "regression"
    assert verdicts[0.9 * FRAMES] == "pass"
    for margin, verdict in verdicts.items():
        assert verdict != ("regression" if lost < margin else "pass")  # no margin gets the wrong one
