"""Failures of a known kind at a known frame, and what is no failure."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.failures import FAILURES, SEVERITIES, Failure, block_difference, visibility
from bench.failures.adversaries import ADVERSARIES
from bench.failures.controls import CONTROLS
from bench.failures.place import Scene
from bench.records import Picture

FRAMES, ONSET = 24, 9


def clip(seed: int, frames: int = FRAMES, height: int = 96, width: int = 128) -> list[Picture]:
    """A texture that glides, with a brighter disc that glides the other way."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (width + 2 * frames, height), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for k in range(frames):
        picture = np.ascontiguousarray(texture[:, 2 * k : 2 * k + width])
        cv2.circle(picture, (20 + 2 * k, 48), 14, (250, 240, 90), -1)
        pictures.append(np.asarray(picture, np.uint8))
    return pictures


CLIP, OTHER = clip(1), clip(2)


def broken(failure: Failure, severity: float, share: float = 0.1, seed: int = 5) -> list[Picture]:
    scene = Scene(CLIP, OTHER, ONSET, share if failure.local else 1.0)
    return failure.apply(scene, severity, np.random.default_rng(seed))


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_begins_at_its_onset_and_nowhere_before(failure: Failure) -> None:
    frames = broken(failure, 1.0)
    assert [picture.shape for picture in frames] == [CLIP[0].shape] * FRAMES
    assert all(picture.dtype == np.uint8 for picture in frames)
    assert all(np.array_equal(a, b) for a, b in zip(frames[:ONSET], CLIP[:ONSET], strict=True))
    soon = ONSET if failure.kind == "abrupt" else ONSET + 2  # a gradual one may be too small to round to anything
    assert not np.array_equal(frames[soon], CLIP[soon])


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_is_the_same_again_for_the_same_generator(failure: Failure) -> None:
    first, second = broken(failure, 0.5), broken(failure, 0.5)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("failure", [one for one in FAILURES.values() if one.local], ids=lambda one: one.name)
def test_a_local_failure_stays_within_about_its_share(failure: Failure) -> None:
    frames = broken(failure, 1.0, share=0.1)
    touched = [float(np.mean(np.any(a != b, axis=2))) for a, b in zip(frames, CLIP, strict=True)]
    assert 0.01 < max(touched) < 0.16


@pytest.mark.parametrize("name", ["noise", "blur", "exposure", "colour", "recompression", "local_melt", "hue_drift"])
def test_a_graver_failure_is_seen_better(name: str) -> None:
    seen = [visibility(CLIP, broken(FAILURES[name], severity), ONSET, 12) for severity in SEVERITIES.values()]
    assert seen[0] < seen[1] < seen[2]


def test_visibility_is_the_largest_block_that_differs() -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    marked = black.copy()
    marked[8:24, 8:24] = 40
    assert block_difference(black, marked).max() == pytest.approx(40.0)
    assert visibility([black] * 4, [black, black, marked, marked], 2, 8) == pytest.approx(40.0)
    assert visibility([black] * 4, [black] * 4, 2, 8) == 0.0


def test_a_freeze_of_a_still_clip_cannot_be_seen() -> None:
    still = [CLIP[0]] * FRAMES
    frames = FAILURES["freeze"].apply(Scene(still, OTHER, ONSET), 1.0, np.random.default_rng(0))
    assert visibility(still, frames, ONSET, 12) == 0.0


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_gives_pictures_of_the_same_size(name: str) -> None:
    frames = CONTROLS[name](CLIP, OTHER, np.random.default_rng(3))
    assert {picture.shape for picture in frames} == {CLIP[0].shape}
    assert FRAMES // 2 <= len(frames) <= FRAMES
    assert any(not np.array_equal(a, b) for a, b in zip(frames, CLIP, strict=False))


def test_a_fade_comes_up_from_black_or_goes_to_it_and_leaves_the_rest_alone() -> None:
    rng, quarter = np.random.default_rng(3), FRAMES // 4
    risen, fallen = CONTROLS["fade_in"](CLIP, OTHER, rng), CONTROLS["fade_out"](CLIP, OTHER, rng)
    assert risen[0].max() == fallen[-1].max() == 0
    np.testing.assert_array_equal(risen[1], np.rint(CLIP[1] / quarter).astype(np.uint8))
    assert all(np.array_equal(a, b) for a, b in zip(risen[quarter:], CLIP[quarter:], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(fallen[:-quarter], CLIP[:-quarter], strict=True))


def test_dithering_keeps_the_mean_of_every_level_but_the_brightest() -> None:
    for level in (0, 20, 100, 224):
        (dots,) = CONTROLS["dithered"]([np.full((64, 64, 3), level, np.uint8)], OTHER, np.random.default_rng(3))
        assert set(np.unique(dots)) <= set(range(0, 256, 32))
        assert float(dots.mean()) == pytest.approx(level, abs=0.5)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_an_adversary_is_as_long_as_the_clip_it_is_made_from(name: str) -> None:
    frames = ADVERSARIES[name](CLIP, np.random.default_rng(3))
    assert [picture.shape for picture in frames] == [CLIP[0].shape] * FRAMES


def test_what_the_adversaries_do() -> None:
    rng = np.random.default_rng(3)
    frozen = ADVERSARIES["frozen_frame"](CLIP, rng)
    assert all(np.array_equal(picture, CLIP[0]) for picture in frozen)
    assert len({picture.tobytes() for picture in ADVERSARIES["two_frames"](CLIP, rng)}) == 2
    assert len({picture.tobytes() for picture in ADVERSARIES["duplicated"](CLIP, rng)}) == FRAMES // 8
    fro = ADVERSARIES["to_and_fro"](CLIP, rng)
    assert np.array_equal(fro[0], fro[6])
    assert np.array_equal(fro[1], fro[5])
    fade = ADVERSARIES["cross_fade"](CLIP, rng)
    assert np.array_equal(fade[0], CLIP[0])
    assert np.array_equal(fade[-1], CLIP[-1])
    for name in ("unrelated_pictures", "white_noise"):
        shown = ADVERSARIES[name](CLIP, rng)
        assert min(cv2.norm(one, two, cv2.NORM_L1) / one.size for one, two in pairwise(shown)) > 10
