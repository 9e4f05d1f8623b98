"""gauge: from two summaries, or measured now; what cannot be compared is said and never in the way of a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.distances.kernel import kernel_distance
from bench.extractors.video_features import video_features
from bench.records import FrameholdError, Picture
from bench.run_folder import RunFolder
from bench.stages.compare import compare
from bench.verdict import Comparison
from bench.video import write_lossless
from tests.stages.held_runs import clips_of, write_held_run

HOLDS = [None, 9, 10, None, 8, None, 11, 9, None, 10]
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a run of ten clips and return its place."""

    def make(name: str, **options: Any) -> str:
        return str(write_held_run(tmp_path / name, clips_of("m", HOLDS), **options).root)

    return make


def block(value: float, low: float | None, high: float | None, **other: Any) -> dict[str, Any]:
    """What `run --reference` puts into summary.json, as far as it is compared."""
    features = {"name": "embedded", "mode": "statistics", "version": 1, "dimensions": 9, "frames": 16, "step": 16,
                "windows": 3, "weights": None} | other.get("features", {})  # fmt: skip
    return {
        "a": {"name": "run", "clips": 10, "independent": 10},
        "b": {"name": "/footage/real", "clips": 40, "independent": 40} | other.get("b", {}),
        "features": features,
        "distances": {"kernel": {"value": value, "low": low, "high": high, "n": 10}},
    }


def said(found: Comparison) -> str:
    return next(note for note in found.notes if "istance from" in note)


# ---- from two summaries ------------------------------------------------------------------------------------------


def test_intervals_of_two_summaries_that_tell_the_models_apart(write: Write) -> None:
    found = compare(write("old", distance=block(10, 8, 14)), write("new", distance=block(20, 17, 26)))
    distance = found.distance
    assert distance is not None
    assert (distance.baseline.low, distance.candidate.high, distance.reference) == (8, 26, "real")
    difference = distance.difference
    assert (difference.value, difference.low, difference.high) == pytest.approx((10, 5, 10 + 40**0.5))
    assert (distance.told, distance.paired, difference.p) == (True, False, None)
    assert said(found) == (
        "Kernel distance from real: baseline 10 (8 to 14), candidate 20 (17 to 26); the candidate lies further away."
    )


def test_intervals_that_do_not_tell_them_apart(write: Write) -> None:
    found = compare(write("old", distance=block(20, 17, 26)), write("new", distance=block(16, 12, 19)))
    assert found.distance is not None
    assert found.distance.told is False
    assert "cannot be told from 0, taken as independent" in said(found)
    nearer = compare(write("far", distance=block(20, 19, 21)), write("near", distance=block(10, 9, 11)))
    assert said(nearer).endswith("the candidate lies nearer.")


def test_without_intervals_nothing_is_told(write: Write) -> None:
    found = compare(write("old", distance=block(10, None, None)), write("new", distance=block(20, 17, 26)))
    assert found.distance is not None
    assert (found.distance.told, found.distance.difference.value, found.distance.difference.low) == (None, 10, None)
    assert said(found).endswith("too few clips to say whether they differ.")


@pytest.mark.parametrize(
    ("distance", "why"),
    [
        (None, "the candidate was not measured against any; measure both with compare --reference DIR"),
        ({"refused": "3 clips are too few"}, "new has none: 3 clips are too few"),
        (
            block(1, 0, 2, b={"name": "/footage/other"}),
            "against /footage/real (40 clips) and /footage/other (40 clips)",
        ),
        (block(1, 0, 2, b={"clips": 41}), "(41 clips)"),
        (block(1, 0, 2, features={"windows": 1, "version": 2}), "the runs' features differ in version, windows"),
    ],
)
def test_what_is_no_value_of_the_same_distance(write: Write, distance: dict[str, Any] | None, why: str) -> None:
    found = compare(write("old", distance=block(10, 8, 14)), write("new", distance=distance))
    assert found.distance is None
    assert said(found).startswith("The distance from real footage is not compared: ")
    assert why in said(found)


def test_runs_without_any_distance_say_nothing_of_it(write: Write) -> None:
    found = compare(write("old"), write("new"))
    assert found.distance is None
    assert not any("istance from" in note for note in found.notes)


# ---- measured now ------------------------------------------------------------------------------------------------


def sliding(seed: int, frames: int = 24, *, shuffled: bool = False) -> list[Picture]:
    """Coarse noise that slides, or its frames in any order."""
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 256, (8, 24, 3), np.uint8), np.ones((6, 6, 1), np.uint8))
    order = rng.permutation(frames) if shuffled else np.arange(frames)
    return [np.ascontiguousarray(wide[:, 2 * step : 2 * step + 48]) for step in order]


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    folder = tmp_path / "footage"
    folder.mkdir()
    for number in range(12):
        write_lossless(folder / f"r{number}.avi", sliding(number), 24)
    return folder


def with_clips(place: str, first: int, **options: Any) -> str:
    """The run, its clips now videos; only the first 12 of their 24 frames are known to it."""
    rows = RunFolder(place).clips()
    for number, row in enumerate(rows):
        path = Path(place) / str(row.file)
        video = path.with_suffix(".avi")
        write_lossless(video, sliding(first + number, **options), 24)
        video.rename(path)
    return place


def test_both_are_measured_over_what_every_clip_has(write: Write, footage: Path) -> None:
    old, new = with_clips(write("old"), 100), with_clips(write("new"), 200, shuffled=True)
    found = compare(old, new, reference=footage)
    distance = found.distance
    assert distance is not None
    assert (distance.told, distance.paired, distance.features) == (True, True, "embedded statistics, 1 x 12 frames")
    assert (distance.difference.prompts, distance.difference.pairs, distance.baseline.clips) == (10, 10, 10)
    assert distance.difference.low is not None
    assert distance.difference.low > 0
    real = np.stack([np.stack(sliding(number)[:12]) for number in range(12)])
    mine = np.stack([np.stack(sliding(200 + number, shuffled=True)[:12]) for number in range(10)])
    alone = kernel_distance(video_features(mine, "embedded"), video_features(real, "embedded"))
    assert distance.candidate.value == pytest.approx(alone, rel=1e-4)
    assert said(found).endswith("the candidate lies further away.")
    assert list((Path(new) / "cache" / "features").rglob("*.npz"))
    assert compare(old, new, reference=footage) == found


def test_a_reference_that_is_none_is_an_error_and_clips_that_are_gone_are_a_note(write: Write, footage: Path) -> None:
    old, new = with_clips(write("old"), 100), write("new")
    with pytest.raises(FrameholdError, match="nowhere: no such folder"):
        compare(old, new, reference="nowhere")
    with pytest.raises(FrameholdError, match="unheard-of"):
        compare(old, new, reference=footage, features="unheard-of")
    found = compare(old, new, reference=footage)
    assert found.distance is None
    assert f"The distance from {footage} is not compared: {new}:m: 0 clips can be used" in said(found)
    assert found.verdict == "pass"  # the same bytes by their hashes: a distance is beside the verdict, not in it


def test_a_prompt_that_one_model_has_no_readable_clip_of_is_no_pair(write: Write, footage: Path) -> None:
    old, new = with_clips(write("old"), 100), with_clips(write("new"), 200)
    gone = RunFolder(new).clips()[4]
    (Path(new) / str(gone.file)).write_bytes(b"no video")
    found = compare(old, new, reference=footage)
    assert found.distance is not None
    assert (found.distance.difference.prompts, found.distance.baseline.clips) == (9, 9)
    assert any(note.startswith(f"Left out of the distance: 1 clip, the first {gone.clip_id}") for note in found.notes)


def test_clips_too_short_for_the_features_are_a_note(tmp_path: Path, footage: Path) -> None:
    short = [replace(clip, frames=2, broke_at=None) for clip in clips_of("m", HOLDS)]
    runs = [with_clips(str(write_held_run(tmp_path / name, short).root), 100) for name in ("old", "new")]
    found = compare(*runs, reference=footage)
    assert found.distance is None
    assert "the shortest clip has 2 frames, embedded takes" in said(found)
