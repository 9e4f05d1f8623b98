"""Appearance: drifts of the whole picture from its opening, worked by hand on flat and textured pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.records import Picture
from bench.signals import measure
from tests.factory import flat, numbered, pan, picture, texture

DRIFTS = ("exposure_drift", "colour_drift", "sharpness_drift", "noise_drift")


def drifts(pictures: list[Picture]) -> dict[str, list[float]]:
    return {curve.signal: list(curve.values) for curve in measure(numbered(pictures), DRIFTS)}


def test_exposure_is_the_log_ratio_of_mean_brightness() -> None:
    measured = drifts([flat((100, 100, 100)), flat((150, 150, 150)), flat((60, 60, 60)), flat((100, 100, 100))])
    # log((mean + 4) / (mean of the opening + 4)), up and down alike
    expected = [math.log(154 / 104), math.log(104 / 64), 0.0]
    assert measured["exposure_drift"] == pytest.approx(expected, abs=1e-6)
    assert measured["colour_drift"] == pytest.approx([0, 0, 0], abs=0.01)


def test_drift_is_held_against_the_opening_and_not_against_the_frame_before() -> None:
    slowly = [flat((100 + 2 * index,) * 3) for index in range(11)]
    measured = drifts(slowly)["exposure_drift"]
    assert measured == sorted(measured)
    assert measured[-1] == pytest.approx(math.log(124 / 104), abs=1e-6)


def test_colour_is_the_balance_of_the_channels() -> None:
    measured = drifts([flat((100, 100, 100)), flat((130, 100, 70))])
    # 130 / 101, 100 / 101, 70 / 101 against 100 / 101: 30 / 101 at most
    assert measured["colour_drift"] == pytest.approx([30 / 101], abs=1e-6)
    assert measured["exposure_drift"] == pytest.approx([0.0], abs=1e-6)


def test_a_change_of_exposure_is_no_change_of_colour() -> None:
    measured = drifts([flat((50, 100, 150)), flat((60, 120, 180))])
    # each over the mean + 1: 150 / 101 and 180 / 121
    assert measured["colour_drift"] == pytest.approx([180 / 121 - 150 / 101], abs=1e-3)


def test_sharpness_is_the_log_ratio_of_mean_gradients() -> None:
    ramp = np.tile(np.repeat(np.linspace(0, 240, 256)[None, :, None], 3, axis=2), (256, 1, 1))
    steep, gentle = picture(ramp), picture(60 + ramp / 4)
    measured = drifts([steep, gentle])["sharpness_drift"][0]
    # slopes of 240 / 255 and 60 / 255 grey levels a pixel, + 0.5 each; rounding to whole levels moves the mean little
    assert measured == pytest.approx(math.log((240 / 255 + 0.5) / (60 / 255 + 0.5)), rel=0.03)


def test_blur_and_grain_are_told_apart() -> None:
    sharp, soft = texture(256, 256, 0, 1.5), texture(256, 256, 0, 6.0)
    blurred = drifts([picture(sharp), picture(soft)])
    assert blurred["sharpness_drift"][0] > 0.5
    grain = np.random.default_rng(0).normal(0, 3, (256, 256, 1))
    grainy = drifts([picture(soft), picture(soft + grain)])
    assert grainy["noise_drift"][0] > 1.0
    # An edge hardly moves the median Laplacian, though it moves the mean gradient.
    edges = sharp.copy()
    edges[::16] = 255
    lined = drifts([picture(sharp), picture(edges)])
    assert lined["noise_drift"][0] < 0.2
    assert lined["sharpness_drift"][0] > 0.3


def test_noise_by_hand() -> None:
    """A checkerboard of 100 and 100 + d: every Laplacian (sum of 4 neighbours - 4 x centre) is 4 d."""
    checks = (np.indices((256, 256)).sum(axis=0) % 2)[..., None]
    measured = drifts([flat((100, 100, 100)), picture(np.repeat(100 + 2 * checks, 3, axis=2))])
    assert measured["noise_drift"] == pytest.approx([math.log((4 * 2 + 0.5) / 0.5)])


def test_a_pan_over_one_scene_drifts_little() -> None:
    measured = drifts(pan(8, 4))
    for signal in DRIFTS:
        assert max(measured[signal]) < 0.15, signal


def test_the_same_picture_never_drifts() -> None:
    (still,) = pan(1, 0)
    assert all(set(values) == {0.0} for values in drifts([still] * 4).values())
