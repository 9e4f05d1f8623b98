"""The study: trials of one drawn clip, and the tables of a small study of the drawn world."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.failures import FAILURES
from bench.records import FrameholdError, Prompt
from bench.report.study import study_rows, write_study
from bench.stages import Crew
from bench.stages.calibrate import load_calibration
from bench.stages.trials import Break, Footage, Told, TrialJob, footage_frames, run_trials, ssim
from bench.stages.validate import Study, validate
from bench.validation import OWN
from tests.report.html_tree import read_page

FRAMES = 24
WALK = Prompt("walk", "A man in a red shirt walks along a beach")
DOG = Prompt("dog", "A brown dog runs across a park")


def footage(prompt: Prompt, seed: int) -> Footage:
    return Footage(f"{prompt.id}-{seed}", prompt.id, prompt=prompt, seed=seed)


def job(*breaks: Break) -> TrialJob:
    calibration, _ = load_calibration("light")
    return TrialJob(
        footage(WALK, 1),
        footage(DOG, 2),
        FRAMES,
        "light",
        calibration.classes,
        breaks,
        ("motion_blur",),
        ("frozen_frame", "moving footage"),
        7,
    )


def test_each_trial_tells_what_was_done_and_what_was_said() -> None:
    cut, noise = Break("cut", "strong", 1.0, 0.5, 3), Break("noise", "weak", 1.0, 0.25, 4)
    told = run_trials(job(cut, noise))
    kinds = [(each.trial.kind, each.trial.name, each.trial.onset) for each in told]
    assert kinds == [
        ("clean", "", FRAMES),
        ("control", "motion_blur", FRAMES),
        ("adversary", "frozen_frame", FRAMES),
        ("adversary", "moving footage", FRAMES),
        ("gradual", "noise", 6),  # round(0.25 x 23)
        ("abrupt", "cut", 12),
    ]
    frozen, moving, after_cut = told[2], told[3], told[5]
    assert frozen.held_share == pytest.approx(1 / FRAMES)
    assert frozen.trial.static
    assert moving.held_share == 1.0
    assert after_cut.trial.findings[OWN].alarm == 12
    assert after_cut.trial.findings[OWN].onset == 12
    assert after_cut.trial.visibility > 40
    assert int(np.argmax(after_cut.baselines["frame difference"])) == 12


def test_a_failure_is_judged_as_if_the_whole_broken_clip_had_been_read() -> None:
    early = run_trials(job(Break("cut", "strong", 1.0, 0.2, 3), Break("cut", "strong", 1.0, 0.8, 3)))
    alone = run_trials(job(Break("cut", "strong", 1.0, 0.8, 3)))
    assert early[-1] == alone[-1]


def test_footage_is_drawn_at_the_studys_rate() -> None:
    pictures, fps = footage_frames(footage(WALK, 1), FRAMES)
    assert (len(pictures), fps, pictures[0].shape) == (FRAMES, 24.0, (256, 256, 3))


def test_structural_similarity_is_one_for_equals_and_falls_with_noise() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 50), dtype=np.uint8)
    other = rng.integers(0, 256, (40, 50), dtype=np.uint8)
    assert ssim(picture, picture) == pytest.approx(1.0)
    assert ssim(picture, other) < 0.1


def small(patch: pytest.MonkeyPatch) -> None:
    """Two failures over drawn clips of few frames."""
    patch.setattr("bench.stages.gather.WORLD_SEEDS", 1)
    patch.setattr("bench.stages.validate.LONGEST", 12)
    patch.setattr("bench.stages.validate.FAILURES", {name: FAILURES[name] for name in ("cut", "vanish")})
    patch.setattr("bench.stages.validate.SHARES", (0.25,))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """One draw of each failure over a few drawn clips of few frames."""
    out = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        return validate(out, Crew(), draws=1, unbroken=2), out


@pytest.mark.slow
def test_a_study_of_the_drawn_world(study: tuple[Study, Path]) -> None:
    found, out = study
    assert (found.clips, found.sources, found.frames, found.trials) == (12, 12, 12, 6)
    assert {one.group.split(" | ")[0] for one in found.found} <= {"cut", "vanish"}
    assert json.loads((out / "validation.json").read_text(encoding="utf-8"))["clips"] == 12
    assert set(found.adversaries) >= {"frozen_frame", "moving footage"}
    assert found.adversaries["frozen_frame"]["held_share"] < 0.2


@pytest.mark.slow
def test_a_study_is_written_for_people(study: tuple[Study, Path]) -> None:
    found, out = study
    paths = write_study(json.loads((out / "validation.json").read_text(encoding="utf-8")), found.found, out)
    assert [path.name for path in paths] == ["validation.md", "validation.svg", "misses.html"]
    text = paths[0].read_text(encoding="utf-8")
    assert "| cut |" in text
    assert "| frozen_frame | 2 |" in text
    assert paths[1].read_text(encoding="utf-8").startswith("<?xml")
    assert all(len(row) == 12 for row in study_rows(found.found))
    assert "| cut | " in text.split("## Against the baselines")[1]
    page = read_page(paths[2])
    shown = [miss for section in found.misses for miss in section.shown]
    assert len(page.all("article")) == len(shown) > 0
    assert len(page.all("figure")) == len(shown)
    assert {path.name for path in (out / "misses").iterdir()} == {Path(miss.strip).name for miss in shown}


@pytest.mark.slow
def test_a_study_that_is_run_again_judges_nothing_again(
    study: tuple[Study, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, out = study

    def judged(job: TrialJob) -> list[Told]:
        raise AssertionError(f"{job.footage.name} was judged again")

    small(monkeypatch)
    monkeypatch.setattr("bench.stages.validate.run_trials", judged)
    before = (out / "validation.json").read_bytes()
    assert validate(out, Crew(), draws=1, unbroken=2) == found
    assert (out / "validation.json").read_bytes() == before


def test_no_draws_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match="--draws 0: expected at least 1"):
        validate(tmp_path, Crew(), draws=0)
    with pytest.raises(FrameholdError, match="--unbroken 0: expected at least 1"):
        validate(tmp_path, Crew(), draws=1, unbroken=0)
