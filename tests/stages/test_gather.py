"""gather: a file that cannot be used is left out of a study by name, and takes no other clip with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.failures import FAILURES
from bench.records import FrameholdError
from bench.report.study import study_markdown
from bench.stages import Crew
from bench.stages.gather import reference_footage, unusable
from bench.stages.trials import Told, TrialJob, footage_frames
from bench.stages.validate import validate
from bench.validation import OWN, Finding, Trial
from tests.factory import pan
from tests.video_factory import write_clip, write_video

FRAMES = 12
EMPTY = "the file is empty: make or download it again"
ONE = "1 frame: too few for a study"


def told(job: TrialJob) -> list[Told]:
    """The clip unbroken, and each break found at its first frame; both clips are read, nothing is measured."""
    assert footage_frames(job.footage, FRAMES)[0]
    assert footage_frames(job.other, FRAMES)[0]
    clean = Trial(job.footage.source, FRAMES, {OWN: Finding(0.5)}, onset=FRAMES)
    laid = [
        replace(
            clean, name=one.failure, kind="abrupt", severity=one.severity, share=one.share, onset=6, visibility=60.0
        )
        for one in job.breaks
    ]
    curves = {name: [0.0] * FRAMES for name in ("frame difference",)}
    return [Told(trial, curves, 1.0, peak=(1, "continuation")) for trial in (clean, *laid)]


@pytest.fixture
def footage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three clips, a text that is called a video, an empty file and a picture."""
    monkeypatch.setattr("bench.stages.validate.LONGEST", FRAMES)
    monkeypatch.setattr("bench.stages.validate.FAILURES", {"cut": FAILURES["cut"]})
    monkeypatch.setattr("bench.stages.validate.BASELINES", ("frame difference",))
    monkeypatch.setattr("bench.stages.validate.run_trials", told)
    monkeypatch.setattr("bench.stages.validate.draw_misses", lambda *_: [])
    folder = tmp_path / "footage"
    folder.mkdir()
    for number in range(3):
        write_video(folder / f"good{number}.mp4", pan(FRAMES, 2, seed=number, height=48, width=64))
    (folder / "text.mp4").write_text("no video")
    (folder / "empty.mp4").touch()
    write_clip(folder / "one.gif", pan(1, 1, height=48, width=64))
    return folder


def test_what_cannot_be_used_is_named_and_nothing_else_is_lost(footage: Path, tmp_path: Path) -> None:
    study = validate(tmp_path / "study", Crew(), footage, draws=3)
    assert (study.clips, study.sources, study.false_alarms["clips"]) == (3, 3, 3)
    assert dict(study.left_out.reasons) == {
        "empty.mp4": EMPTY,
        "one.gif": ONE,
        "text.mp4": study.left_out.reasons["text.mp4"],
    }
    assert study.left_out.told.startswith(f"left out 3 of 6 files: empty.mp4: {EMPTY}; one.gif: {ONE}; text.mp4: its ")
    written = json.loads((tmp_path / "study" / "validation.json").read_text(encoding="utf-8"))
    assert written["left_out"] == {"of": 6, "reasons": dict(study.left_out.reasons)}
    text = study_markdown(written, study.found)
    assert "Footage: 3 clips of 3 sources" in text
    assert "\nLeft out 3 of 6 files: empty.mp4: " in text
    assert validate(tmp_path / "study", Crew(), footage, draws=3) == study  # told again by a study that goes on


def test_a_clip_whose_trials_fail_is_told_of_and_tried_again(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(job: TrialJob) -> list[Told]:
        if job.footage.name == "good1.mp4":
            raise ValueError("lost")
        return told(job)

    monkeypatch.setattr("bench.stages.validate.run_trials", fails)
    for _ in range(2):
        study = validate(tmp_path / "study", Crew(), footage, draws=3)
        assert study.clips == 2
        assert "lost" in study.left_out.reasons["good1.mp4"]
    monkeypatch.setattr("bench.stages.validate.run_trials", told)
    assert validate(tmp_path / "study", Crew(), footage, draws=3).clips == 3


def test_no_usable_clip_is_an_error_with_the_reasons(footage: Path, tmp_path: Path) -> None:
    for number in range(3):
        (footage / f"good{number}.mp4").write_bytes(b"")
    with pytest.raises(FrameholdError, match=r"none of its clips can be used; left out 6 of 6 files: .*; and 3 more$"):
        validate(tmp_path / "study", Crew(), footage)


def test_one_usable_source_is_an_error_with_the_reasons(footage: Path, tmp_path: Path) -> None:
    for name in ("good0.mp4", "good1.mp4"):
        (footage / name).write_bytes(b"")
    with pytest.raises(FrameholdError, match=r"two sources; left out 5 of 6 files: empty\.mp4: .*; and 2 more$"):
        validate(tmp_path / "study", Crew(), footage)


def test_drawn_clips_are_not_looked_at_twice(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", pan(4, 2, height=48, width=64))
    (clip,) = reference_footage(tmp_path)
    crew = Crew(progress=lambda *_: pytest.fail("a drawn clip was looked at"))
    assert unusable([replace(clip, path=None)], FRAMES, crew) == {}
    assert unusable([clip], FRAMES, Crew()) == {}
