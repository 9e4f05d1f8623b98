"""The embedded extractor: it sees time, says the same twice, and gives finite numbers of any picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from bench.distances.kernel import kernel_distance
from bench.extractors import Wanted
from bench.extractors.embedded import FARTHEST, embedded, scale
from bench.extractors.statistics import LEAST_FRAMES, window_statistics
from bench.extractors.video_features import video_features
from bench.records import FrameholdError, Picture

Clip = list[Picture]


def moving(seed: int, frames: int = 16, speed: float = 1.5) -> Clip:
    """A random texture that slides one way at a steady speed."""
    rng = np.random.default_rng(seed)
    texture = cv2.resize(rng.integers(0, 256, (24, 24, 3), np.uint8), (224, 224), interpolation=cv2.INTER_CUBIC)
    angle = rng.uniform(0, 2 * np.pi)
    places = [(40 + speed * step * np.cos(angle), 40 + speed * step * np.sin(angle)) for step in range(frames)]
    return [
        np.asarray(cv2.warpAffine(texture, np.array([[1, 0, -x], [0, 1, -y]]), (128, 128)), np.uint8) for x, y in places
    ]


def features(clips: list[Clip]) -> Any:
    extractor = embedded(Wanted("embedded"))
    return np.stack([extractor.window([extractor.frame(picture) for picture in clip]) for clip in clips])


@pytest.mark.slow
def test_the_order_of_untouched_pictures_is_seen() -> None:
    rng = np.random.default_rng(0)
    clips = [moving(seed) for seed in range(16)]
    real, judged = features(clips[:8]), clips[8:]
    plain = kernel_distance(features(judged), real)
    spoilt = {
        "shuffled": [[clip[at] for at in rng.permutation(16)] for clip in judged],
        "frozen": [clip[:8] + [clip[8]] * 8 for clip in judged],
        "jittered": [[clip[at] for at in np.clip(np.arange(16) + rng.integers(-2, 3, 16), 0, 15)] for clip in judged],
    }
    for name, changed in spoilt.items():
        assert kernel_distance(features(changed), real) > plain + 5, name


def test_names_are_those_of_the_scale_and_spreads_are_above_nothing() -> None:
    names, mean, spread = scale()
    assert tuple(window_statistics(moving(0))) == names
    assert mean.shape == spread.shape == (len(names),)
    assert (spread > 0).all()


def test_equal_clips_have_equal_features_and_no_state_is_kept() -> None:
    clips = np.array([moving(0), moving(1), moving(0)])
    found = video_features(clips, "embedded")
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found, video_features(clips[::-1], "embedded")[::-1])


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (31, 17), (256, 256)])
def test_pictures_of_any_size_and_content_give_finite_features(size: tuple[int, int]) -> None:
    still = np.full((1, LEAST_FRAMES, *size, 3), 7, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, still.shape, np.uint8)
    for clip in (still, noise):
        found = video_features(clip, "embedded")
        assert found.shape == (1, len(scale()[0]))
        assert np.abs(found).max() <= FARTHEST


def test_a_picture_twice_as_large_says_nearly_the_same() -> None:
    clip = moving(0)
    larger = [np.asarray(cv2.resize(picture, (256, 256), interpolation=cv2.INTER_CUBIC), np.uint8) for picture in clip]
    small, large = features([clip]), features([larger])
    assert np.median(np.abs(small - large)) < 0.1


def test_motion_backward_turns_the_signs_of_what_knows_a_direction() -> None:
    clip = moving(3)
    forward, backward = window_statistics(clip), window_statistics(clip[::-1])
    assert forward["downward"] == pytest.approx(-backward["downward"], abs=0.1)
    assert abs(forward["downward"]) > 0.2
    assert forward["speed_typical"] == pytest.approx(np.log(1.5 + 0.05), abs=0.1)


def test_too_few_frames_and_weights_are_refused() -> None:
    with pytest.raises(FrameholdError, match="clip 0: 9 frames, fewer than the 10 that embedded takes"):
        video_features(np.zeros((1, 9, 16, 16, 3), np.uint8), "embedded")
    with pytest.raises(FrameholdError, match="--weights x: embedded has none"):
        video_features(np.zeros((1, 16, 16, 16, 3), np.uint8), "embedded", weights="x")
