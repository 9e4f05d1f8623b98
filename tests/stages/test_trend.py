"""trend: a model's versions in their order, alarms, and series that are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import FrameholdError
from bench.stages.trend import trend
from tests.stages.held_runs import DOUBTFUL, Held, clips_of, write_held_run

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a run of clips and return its place."""

    def make(name: str, clips: list[Held], **options: object) -> str:
        return str(write_held_run(tmp_path / name, clips, **options).root)  # type: ignore[arg-type]

    return make


def version(seed: int, drop: int = 0) -> list[Held]:
    """Twelve prompts about the same holds, noise of a version's own, and so many frames less."""
    usual = np.random.default_rng(0).integers(5, 11, 12)
    noise = np.random.default_rng(seed).integers(-1, 2, 12)
    return clips_of("m", [max(1, int(frame)) for frame in usual + noise - drop], content=f"version {seed}")


def test_a_steady_model_raises_no_alarm_and_a_worse_one_does(write: Write) -> None:
    steady = [write(f"v{number}", version(number)) for number in range(1, 5)]
    calm = trend(steady)
    assert (calm.alarm, calm.exit_code) == (None, 0)
    assert calm.limit == pytest.approx(20)
    assert [row.run for row in calm.versions] == steady
    assert all(row.low < row.frames_held < row.high for row in calm.versions)  # type: ignore[operator]
    worse = trend([*steady, write("v5", version(5, drop=4)), write("v6", version(6, drop=4))])
    assert worse.alarm in {4, 5}
    assert worse.exit_code == 1
    assert worse.versions[4].p < 0.01
    # What was said of a version does not change when others follow.
    assert [row.evidence for row in worse.versions[:4]] == pytest.approx([row.evidence for row in calm.versions])


def test_a_better_model_raises_none(write: Write) -> None:
    places = [write("v1", version(1, drop=4)), write("v2", version(2, drop=4)), write("v3", version(3))]
    assert trend(places).alarm is None


def test_what_cannot_be_one_series(write: Write) -> None:
    first = write("v1", version(1))
    with pytest.raises(FrameholdError, match="two versions or more"):
        trend([first])
    with pytest.raises(FrameholdError, match="--alpha 2"):
        trend([first, first], alpha=2)
    other = write("v2", version(2), scores=DOUBTFUL)
    with pytest.raises(FrameholdError, match=r"differs from .* in calibration: begin a new series"):
        trend([first, other])
    allowed = trend([first, other], allow_different=True)
    assert allowed.notes == (f"{other} differs from {first} in calibration.",)


def test_missing_clips_are_counted_and_a_version_of_nothing_else_is_refused(write: Write) -> None:
    gaps = [replace(clip, missing="refused") if number < 3 else clip for number, clip in enumerate(version(2))]
    found = trend([write("v1", version(1)), write("v2", gaps)])
    assert [(row.clips, row.missing) for row in found.versions] == [(12, 0), (12, 3)]
    lost = [replace(clip, missing="refused") for clip in version(3)]
    with pytest.raises(FrameholdError, match="leave this version out"):
        trend([write("v1b", version(1)), write("v3", lost)])
