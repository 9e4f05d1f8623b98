"""size: pilots of two models, of one, of none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.records import FrameholdError
from bench.stages.size import size
from tests.stages.held_runs import Held, clips_of, write_held_run


def noisy(model: str, seed: int, spread: int = 2) -> list[Held]:
    """Ten prompts of two seeds."""
    usual = np.repeat(np.random.default_rng(0).integers(4, 9, 10), 2)
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, 20)
    return clips_of(model, [int(np.clip(frame, 1, 11)) for frame in usual + noise], seeds=2, content=model)


def test_two_models_show_what_differences_spread(tmp_path: Path) -> None:
    run = write_held_run(tmp_path / "run", noisy("a", 1) + noisy("b", 2)).root
    found = size([str(run)])
    assert found.basis == "the differences of 1 pairs of models"
    assert found.pilots == (f"{run}:a", f"{run}:b")
    assert (found.difference, found.margin) == pytest.approx((0.1, 0.05))
    by_size = {(row.prompts, row.seeds): row for row in found.rows}
    assert by_size[200, 1].clips == 200
    assert by_size[200, 5].found > by_size[200, 1].found > by_size[20, 1].found
    assert [seeds for seeds, _, _ in found.enough] == [1, 2, 3, 5]
    needed = [drop for _, _, drop in found.enough]
    assert needed == sorted(needed, reverse=True, key=lambda prompts: prompts or 9999)


def test_a_calmer_pilot_needs_fewer_prompts(tmp_path: Path) -> None:
    calm = write_held_run(tmp_path / "calm", noisy("a", 1, spread=0) + noisy("b", 2, spread=1)).root
    wild = write_held_run(tmp_path / "wild", noisy("a", 1, spread=3) + noisy("b", 2, spread=3)).root
    assert (size([str(calm)]).enough[0][1] or 0) < (size([str(wild)]).enough[0][1] or 9999)


def test_one_model_stands_for_two_versions_and_says_so(tmp_path: Path) -> None:
    run = write_held_run(tmp_path / "run", noisy("a", 1)).root
    assert size([str(run)]).basis.startswith("1 models, each against a version of itself")
    both = write_held_run(tmp_path / "both", noisy("a", 1) + noisy("b", 2)).root
    assert size([f"{both}:b"]).pilots == (f"{both}:b",)


def test_the_library_is_every_summarized_run_of_results(tmp_path: Path) -> None:
    library = tmp_path / "results"
    write_held_run(library / "one", noisy("a", 1))
    (library / "begun").mkdir()
    assert size([], library=library).pilots == (f"{library / 'one'}:a",)
    with pytest.raises(FrameholdError, match="no pilot: name runs with --pilot"):
        size([], library=tmp_path / "nothing")


@pytest.mark.parametrize(
    ("difference", "margin"), [("5%", "5%"), ("3%", "5%"), ("2", "5%"), ("10%", "x"), ("200%", "5%")]
)
def test_differences_that_cannot_be_planned_for(tmp_path: Path, difference: str, margin: str) -> None:
    with pytest.raises(FrameholdError, match=r"--(difference|margin)"):
        size([str(tmp_path)], difference=difference, margin=margin)


def test_a_pilot_of_one_prompt_tells_nothing(tmp_path: Path) -> None:
    run = write_held_run(tmp_path / "run", clips_of("a", [3, 4, 5], seeds=3)).root
    with pytest.raises(FrameholdError, match="fewer than two prompts"):
        size([str(run)])
