"""Surfaces: a tracked change of colour or detail is seen, an object that merely moves is not."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.records import Picture, Region
from bench.signals import Reading, measure
from bench.signals.surface import SETTLED, SurfaceColour, SurfaceTexture
from bench.signals.views import Step, View
from tests.factory import flat, numbered, picture, texture

SIDE = 96


def faint(side: int, seed: int) -> NDArray[np.float32]:
    """A texture of deviation 12: at the edges of what moves, flow is wrong by a little, and contrast is mistaken."""
    return np.asarray(120 + 0.3 * (texture(side, side, seed) - 120), np.float32)


def moving_patch(patches: list[NDArray[np.float32]], step: int = 4) -> list[Picture]:
    """A patch that moves right over a still background; one look of it for each frame."""
    ground = faint(256, 2)
    pictures = []
    for index, patch in enumerate(patches):
        levels = ground.copy()
        levels[80 : 80 + SIDE, 24 + step * index : 24 + step * index + SIDE] = patch
        pictures.append(picture(levels))
    return pictures


def last(pictures: list[Picture]) -> dict[str, Reading]:
    curves = measure(numbered(pictures), ("surface_colour", "surface_texture"))
    return {curve.signal: Reading(curve.values[-1], curve.regions[-1]) for curve in curves}


def still_steps(pictures: list[Picture]) -> list[Step]:
    """Steps between pictures in which nothing moves."""
    nothing = np.zeros((*pictures[0].shape[:2], 2), np.float32)
    views = [View(index, each) for index, each in enumerate(pictures)]
    return [Step(views[index], views[index + 1], nothing, nothing) for index in range(len(views) - 1)]


def test_a_tracked_hue_drift_is_seen_and_boxed_and_a_moving_object_is_not() -> None:
    patch, frames = faint(SIDE, 3), 12
    steady = last(moving_patch([patch] * frames))
    turned = [np.asarray(patch + np.array([4.0, 0, -4]) * k, np.float32) for k in range(frames)]  # 44 in the end
    drifting = last(moving_patch(turned))
    # The change of tint is 44, 0, -44: 29 in the mean.
    assert drifting["surface_colour"].value > 20
    assert drifting["surface_colour"].value > 3 * steady["surface_colour"].value
    region = drifting["surface_colour"].region
    assert region is not None
    left = 24 + 4 * (frames - 1)
    assert region.x * 256 >= left - 24
    assert (region.x + region.w) * 256 <= left + SIDE + 24
    assert region.w * region.h > 0.5 * SIDE**2 / 256**2


def test_change_of_colour_by_hand() -> None:
    """A third of the picture goes from (100, 100, 100) to (130, 100, 100), and nothing moves."""
    pictures = [flat((100, 100, 100)) for _ in range(5)]
    for each in pictures[2:]:
        each[:, 96:192] = (130, 100, 100)
    signal = SurfaceColour()
    readings = [signal.update(step) for step in still_steps(pictures)]
    # The change is 30, 0, 0; without the change of brightness of 10 it is 20, -10, -10: mean 40 / 3.
    assert [reading.value for reading in readings] == pytest.approx([0, 0, 40 / 3, 40 / 3], abs=0.01)
    region = readings[-1].region
    assert region is not None
    # 96 to 192, and up to the blocks that lie half or more in the change
    assert region.x * 256 == pytest.approx(96, abs=12)
    assert (region.x + region.w) * 256 == pytest.approx(192, abs=12)
    assert (region.y, region.h) == (0, 1)


def test_a_common_change_of_brightness_is_left_out() -> None:
    pictures = [flat((80 + 10 * index,) * 3) for index in range(5)]
    assert SurfaceColour().update(still_steps(pictures)[-1]).value == pytest.approx(0, abs=1e-4)


def test_a_surface_needs_a_past_before_it_can_differ_from_it() -> None:
    pictures = [flat((100, 100, 100)), *(flat((160, 100, 100)) for _ in range(4))]
    signal = SurfaceColour()
    values = [signal.update(step).value for step in still_steps(pictures)]
    assert values[:SETTLED] == [0.0] * SETTLED
    assert all(value > 20 for value in values[SETTLED:])


def test_change_of_detail_by_hand() -> None:
    """Stripes two pixels wide lose half their contrast everywhere."""
    x = np.arange(256) // 2 % 2
    stripes = np.repeat(np.tile(x, (256, 1))[..., None], 3, axis=2)
    sharp, soft = picture(100 + 80 * stripes), picture(120 + 40 * stripes)
    signal = SurfaceTexture()
    values = [signal.update(step).value for step in still_steps([sharp, sharp, sharp, soft, soft])]
    # Gradients of 80 / 2 and 40 / 2 levels a pixel; log((20 + 2) / (40 + 2)), as large as if it had grown
    assert values[:2] == [0.0, 0.0]
    assert values[2:] == pytest.approx([math.log(42 / 22)] * 2, rel=0.01)
    grown = [signal.update(step).value for step in still_steps([soft, soft, soft, sharp, sharp])]
    assert grown[-1] == pytest.approx(values[-1], rel=0.01)


def test_a_melting_object_is_seen_wherever_it_goes() -> None:
    patch = texture(SIDE, SIDE, 3, 1.5)
    melting = [np.asarray(cv2.GaussianBlur(patch, (0, 0), 0.1 + 0.4 * k), np.float32) for k in range(10)]
    melted = last(moving_patch(melting))["surface_texture"]
    steady = last(moving_patch([patch] * 10))["surface_texture"]
    assert melted.value > 0.5
    assert melted.value > 1.5 * steady.value


def test_what_comes_into_view_has_no_past() -> None:
    """A red band grows over the picture: new surface, not a changed one."""
    pictures = [flat((100, 100, 100)) for _ in range(4)]
    pictures[3][:, 128:] = (200, 60, 60)
    views = [View(index, each) for index, each in enumerate(pictures)]
    nothing, elsewhere = np.zeros((256, 256, 2), np.float32), np.zeros((256, 256, 2), np.float32)
    elsewhere[:, 128:] = 30.0  # what is there now has no counterpart
    signal = SurfaceColour()
    for index in range(2):
        signal.update(Step(views[index], views[index + 1], nothing, nothing))
    assert signal.update(Step(views[2], views[3], nothing, elsewhere)).value < 6  # cells beside the band average it in
    # With a counterpart it is the very same surface in another colour.
    again = [View(index, each) for index, each in enumerate(pictures)]
    for index in range(3):
        reading = signal.update(Step(again[index], again[index + 1], nothing, nothing))
    assert reading.value > 20
    assert reading.region is not None
    assert isinstance(reading.region, Region)
