"""calibrate: files that teach nothing are left out by name and reason, and only the others are counted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.records import FrameholdError
from bench.signals import about, open_profile
from bench.stages import Crew
from bench.stages.calibrate import about_learnt, calibrate
from bench.video import Frame
from tests.factory import curve, pan
from tests.video_factory import write_video

ALPHA = 0.5  # which a few sources are enough for


def measured(frames: Iterable[Frame], *_: object, **__: object) -> Any:
    """Curves by chance instead of measured ones; the frames are read."""
    count = len(list(frames))
    rng = np.random.default_rng(count)
    profile = open_profile("light")
    names = [
        "displacement",
        "subject_motion",
        *(name for name in (*profile.signals, "standstill") if about(name).reads),
    ]
    return SimpleNamespace(curves=[curve(name, rng.gamma(2, 1, count - 1).tolist()) for name in dict.fromkeys(names)])


@pytest.fixture
def footage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five clips of about 30 frames at 4 a second, and four files that are of no use."""
    monkeypatch.setattr("bench.stages.calibrate.score_frames", measured)
    for number in range(5):
        write_video(tmp_path / f"good{number}.mp4", pan(30 + number, 1, seed=number, height=32, width=32), fps=4)
    write_video(tmp_path / "few.mp4", pan(5, 1, height=32, width=32), fps=4)
    write_video(tmp_path / "short.mp4", pan(12, 1, height=32, width=32), fps=4)
    write_video(tmp_path / "slow.mp4", pan(12, 1, height=32, width=32), fps=2)
    (tmp_path / "empty.mp4").touch()
    return tmp_path


def test_what_taught_nothing_is_named_and_not_counted(footage: Path) -> None:
    learnt = calibrate(footage, "light", ALPHA, Crew())
    assert dict(learnt.left_out.reasons) == {
        "empty.mp4": "the file is empty: make or download it again",
        "few.mp4": "5 frames, fewer than 8",
        "slow.mp4": "12 frames at 2 a second: too short or too slow for every rate that is calibrated (24, 12, 8, 4)",
        "short.mp4": "too short: 12 of 30 frames at 4 a second",
    }
    assert [line.split()[0] for line in learnt.calibration.sources] == [f"good{number}.mp4" for number in range(5)]
    assert learnt.left_out.told.startswith("left out 4 of 9 files: empty.mp4: the file is empty")
    assert learnt.left_out.told.endswith("; and 1 more")
    about = about_learnt(learnt)
    assert [rate["sources"] for rate in about["classes"]] == [5]
    assert about["left_out"] == {"of": 9, "reasons": dict(learnt.left_out.reasons)}


def test_footage_that_is_too_little_for_it_says_what_was_left_out(footage: Path) -> None:
    for number in (2, 3, 4):
        (footage / f"good{number}.mp4").write_text("no video")
    (footage / "short.mp4").unlink()
    with pytest.raises(FrameholdError, match=r"got 2 from 2 clips: .*; left out 6 of 8 files: empty\.mp4: the file is"):
        calibrate(footage, "light", ALPHA, Crew())


def test_where_all_is_used_nothing_is_told(footage: Path) -> None:
    for name in ("empty", "few", "short", "slow"):
        (footage / f"{name}.mp4").unlink()
    learnt = calibrate(footage, "light", ALPHA, Crew())
    assert (learnt.left_out.of, learnt.left_out.reasons, learnt.left_out.told) == (5, {}, "")


def test_what_is_no_video_at_a_glance_is_no_source_and_told_before_any_clip_is_measured(
    footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 files one is empty and one a text."""
    for name in ("few", "short", "slow"):
        (footage / f"{name}.mp4").unlink()
    for number in range(5, 18):
        shutil.copy(footage / "good0.mp4", footage / f"good{number}.mp4")
    (footage / "text.mp4").write_text("no video")
    monkeypatch.setattr("bench.stages.calibrate.measure_footage", lambda *_: pytest.fail("a clip was measured"))
    told = r"23 sources, and there are 18: add footage, .*; left out 2 of 20 files: empty\.mp4: .*; text\.mp4: its"
    with pytest.raises(FrameholdError, match=told):
        calibrate(footage, "light", 0.05, Crew())
