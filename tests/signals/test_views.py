"""Views and steps: known motions of textured pictures give the flow, the camera and the leftovers they must."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.records import Picture, Region
from bench.signals.planes import STRIDE, block_means, exceeded_by, region_of
from bench.signals.views import (
    SHORTEST_SIDE,
    WORKING_PIXELS,
    Step,
    View,
    steps,
    track,
    working_picture,
    working_size,
)
from tests.factory import flat, numbered, pan, picture, texture


def only(pictures: list[Picture]) -> Step:
    (step,) = steps(numbered(pictures))
    return step


def by_hand(before: Picture, after: Picture, x: float = 0.0, y: float = 0.0) -> Step:
    """A step whose flow is known: every pixel comes from (x, y) further on."""
    flow = np.full((*before.shape[:2], 2), (x, y), np.float32)
    return Step(View(0, before), View(1, after), flow, -flow)


def zoomed(factor: float, seed: int = 1) -> Picture:
    """The middle of a texture, magnified about its centre."""
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), 0, factor)
    large = cv2.warpAffine(texture(512, 512, seed), matrix, (512, 512), flags=cv2.INTER_CUBIC)
    return picture(large[128:384, 128:384])


def with_patch(patch: NDArray[np.float32], left: int, top: int = 96) -> Picture:
    """A patch on a background that is always the same."""
    levels = texture(256, 256, 2)
    levels[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return picture(levels)


# ---- the working size --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "working"),
    [
        ((256, 256), (256, 256)),
        ((1920, 1080), (341, 192)),  # 65536 x 16/9 = 341.3 squared
        ((1080, 1920), (192, 341)),
        ((320, 180), (341, 192)),  # small pictures grow
        ((1, 1), (256, 256)),
        ((2048, 32), (2048, 32)),
        ((10_000, 1), (2048, 32)),  # no thinner than 32
        ((1, 10_000), (32, 2048)),
        ((672, 384), (339, 194)),
    ],
)
def test_pictures_are_brought_to_one_area(size: tuple[int, int], working: tuple[int, int]) -> None:
    assert working_size(*size) == working


def test_a_picture_at_the_working_size_stays_as_it_is() -> None:
    """The stages resize before `measure` does: twice would blur some sizes and not others."""
    rng = random.Random(0)
    for _ in range(3000):
        width, height = rng.randint(1, 4000), rng.randint(1, 4000)
        size = working_size(width, height)
        assert working_size(*size) == size
        assert min(size) >= SHORTEST_SIDE
        if max(size) < WORKING_PIXELS // SHORTEST_SIDE:
            assert abs(size[0] * size[1] - WORKING_PIXELS) <= sum(size) / 2 + 1
    small = working_picture(np.zeros((384, 672, 3), np.uint8))
    assert working_picture(small) is small


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        working_size(*size)


def test_shrinking_averages() -> None:
    checks = np.kron(np.indices((512, 512)).sum(axis=0) % 2, np.ones((2, 2)))  # squares of 2 pixels, black and white
    small = working_picture(picture(np.repeat(255 * checks[..., None], 3, axis=2)))
    assert small.shape == (256, 256, 3)
    assert np.abs(small.astype(int) - 127.5).max() <= 2  # 4 pixels each: two black, two white


def test_growing_interpolates() -> None:
    large = working_picture(picture(np.linspace([[0, 0, 0]], [[255, 255, 255]], 4)))
    assert large.shape[:2] == working_size(1, 4)[::-1]
    assert (np.diff(large[:, 0, 0].astype(int)) >= 0).all()
    assert (large[0, 0, 0], large[-1, 0, 0]) == (0, 255)


# ---- one frame ---------------------------------------------------------------------------------------------------


def test_the_gradient_of_a_ramp_is_its_slope() -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(64))
    view = View(0, picture(np.repeat((2 * x + y)[..., None], 3, axis=2)))
    assert view.gradient[2:-2, 2:-2] == pytest.approx(np.full((60, 60), 3.0))  # |2| + |1| grey levels a pixel
    assert View(0, flat((90, 90, 90))).gradient.max() == 0


def test_the_look_is_the_mean_colour_and_gradient_around() -> None:
    levels = np.zeros((64, 64, 3))
    levels[:, :] = (10, 20, 30)
    levels[32:, :] = (110, 20, 30)
    look = View(0, picture(levels)).look
    assert look.shape == (16, 16, 4)  # in cells of 4
    assert look[2, 5] == pytest.approx([10, 20, 30, 0], abs=0.1)
    assert look[12, 5, :3] == pytest.approx([110, 20, 30])
    # The row of cells above the edge averages 3 x 3 cells, a third of them below the edge.
    assert look[7, 5, 0] == pytest.approx(10 + 100 / 3, abs=0.1)
    assert look[7, 5, 3] > 1.0


# ---- flow and camera ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 3, 6, -4])
def test_a_pan_is_seen_where_it_comes_from_and_is_all_camera(step: int) -> None:
    seen = only(pan(2, step) if step > 0 else pan(2, -step)[::-1])
    middle = seen.flow[32:-32, 32:-32]
    assert np.median(middle, axis=(0, 1)) == pytest.approx((step, 0), abs=0.15)
    assert seen.displacement == pytest.approx(abs(step), abs=0.2)
    assert seen.camera.speed == pytest.approx(abs(step), abs=0.2)
    assert seen.camera.coefficients == pytest.approx(np.array([[0, 0], [0, 0], [step, 0]]), abs=0.15)
    assert exceeded_by(seen.subject_flow * seen.trackable, 0.01) < 0.4
    # A strip as wide as the step comes from outside on the side it moves to.
    assert seen.inside.mean() == pytest.approx(1 - abs(step) / 256, abs=0.013)
    new = seen.inside[:, -abs(step) :] if step > 0 else seen.inside[:, : abs(step)]
    assert new.mean() < 0.4
    assert seen.valid.mean() > 0.95


@pytest.mark.parametrize("factor", [1.03, 1 / 1.03])
def test_a_zoom_is_all_camera(factor: float) -> None:
    seen = only([zoomed(1.0), zoomed(factor)])
    # The pixel at x comes from c + (x - c) / factor, with the centre c = 127.5.
    slope = 1 / factor - 1
    expected = np.array([[slope, 0], [0, slope], [-127.5 * slope, -127.5 * slope]])
    assert seen.camera.coefficients[:2] == pytest.approx(expected[:2], abs=0.004)
    assert seen.camera.coefficients[2] == pytest.approx(expected[2], abs=0.4)
    # Mean distance from the centre of a square of side 256 is 0.3826 x 256 = 97.9 pixels.
    assert seen.camera.speed == pytest.approx(97.9 * abs(slope), rel=0.1)
    assert np.median(seen.subject_flow) < 0.3
    assert exceeded_by(seen.subject_flow, 0.01) < 0.35 * seen.camera.speed


def test_an_object_does_not_bend_the_camera() -> None:
    """A quarter of the picture moves by 8 pixels: a least-squares fit would take 2 of them for the camera's."""
    patch = texture(128, 128, 3)
    seen = only([with_patch(patch, 60, 64), with_patch(patch, 68, 64)])
    assert seen.displacement > 1.5
    assert seen.camera.speed < 0.25


def test_what_the_camera_alone_moves_confirms_no_subject() -> None:
    still = only(pan(2, 3))
    subject = texture(96, 96, 5)
    crossing = only([with_patch(subject, 80), with_patch(subject, 85)])
    assert still.confirmed.mean() < 0.02  # all of it moved, and the camera explains that
    rows = -(-256 // STRIDE)
    inside = crossing.confirmed.reshape(rows, rows)[112 // STRIDE : 176 // STRIDE, 96 // STRIDE : 160 // STRIDE]
    assert inside.mean() > 0.9


def test_what_flow_follows_on_a_blank_wall_is_not_tracked() -> None:
    grey = flat((120, 120, 120))
    assert not only([grey, grey]).trackable.any()
    assert only(pan(2, 2)).trackable.mean() > 0.8


# ---- leftovers ---------------------------------------------------------------------------------------------------


def test_a_pure_shift_leaves_nothing() -> None:
    before, after = pan(2, 3)
    step = by_hand(before, after, x=3.0)
    assert step.residual[:, :-3].max() < 0.01
    assert step.block_residual.max() < 0.01
    assert only([before, after]).block_residual.max() < 0.5  # and by measured flow, less than half a pixel


def test_the_residual_is_the_absolute_difference_of_luminance_by_hand() -> None:
    before, after = flat((100, 100, 100), 64, 64), flat((100, 100, 100), 64, 64)
    before[:8, :8] = after[:8, :8] = (200, 50, 100)
    after[40:44, 40:44] = (150, 80, 110)
    step = by_hand(before, after)
    # Gain a channel: 16 of 4096 pixels are 50, -20, 10 levels off 100: 1 + 0.0019, 1 - 0.0008, 1 + 0.0004 at most.
    assert step.residual[41, 41] == pytest.approx(0.299 * 50 + 0.587 * 20 + 0.114 * 10, abs=0.2)
    assert step.residual[20, 20] < 0.2


def test_a_change_of_exposure_is_taken_out_and_a_large_one_is_not() -> None:
    before = texture(256, 256, 5)
    assert by_hand(picture(before), picture(1.1 * before)).residual.mean() < 0.6  # else a tenth of 120
    # A change of tint within the limit is one of exposure too: each channel has its own gain.
    assert by_hand(picture(before), picture(before * (1.1, 1.0, 0.9))).residual.mean() < 0.6
    dark = by_hand(picture(before), picture(0.7 * before))
    assert dark.residual.mean() == pytest.approx(0.3 * before.mean(), rel=0.05)


def test_exposure_is_read_from_what_has_a_counterpart_only() -> None:
    """Half the picture is new: its brightness says nothing of the exposure."""
    before, after = texture(64, 256, 6), texture(64, 256, 6)
    after[:, 128:] = 250
    forward, flow = np.zeros((64, 256, 2), np.float32), np.zeros((64, 256, 2), np.float32)
    forward[:, 128:] = 9.0  # leads elsewhere than back: without a counterpart
    step = Step(View(0, picture(before)), View(1, picture(after)), flow, forward)
    assert step.valid[:, :128].all()
    assert not step.valid[:, 128:].any()
    assert step.residual[:, :128].max() < 0.01


def test_pixels_from_outside_are_known() -> None:
    step = by_hand(flat((9, 9, 9), 64, 64), flat((9, 9, 9), 64, 64), x=-5.0, y=2.0)
    expected = np.zeros((64, 64), bool)
    expected[: 64 - 2, 5:] = True  # x - 5 >= 0 and y + 2 <= 63
    assert (step.inside == expected).all()
    assert (step.block_residual[:, 0] == 0).all()  # a block with pixels from outside cannot tell


def test_a_pixel_is_valid_when_the_way_back_leads_home() -> None:
    before = flat((9, 9, 9), 64, 64)
    flow, forward = np.zeros((64, 64, 2), np.float32), np.zeros((64, 64, 2), np.float32)
    flow[...] = (4.0, 0.0)
    forward[...] = (-4.0, 0.0)
    forward[20:30, 20:30] = (-4.9, 0.0)  # a gap of 0.81 > 0.01 x (16 + 24.01) + 0.5 = 0.900? no: forgiven
    forward[40:50, 40:50] = (-5.1, 0.0)  # 1.21 > 0.01 x (16 + 26.01) + 0.5 = 0.920: occluded
    step = Step(View(0, before), View(1, before), flow, forward)
    assert not step.occluded[20:30, 16:26].any()
    assert step.occluded[40:50, 36:46].all()
    assert step.occluded.sum() == 100


# ---- blocks and boxes --------------------------------------------------------------------------------------------


def test_block_means_are_means_over_16_by_16_every_8() -> None:
    plane = np.random.default_rng(0).normal(0, 1, (45, 70)).astype(np.float32)
    rows, columns = range(0, 45 - 15, 8), range(0, 70 - 15, 8)
    expected = [[plane[y : y + 16, x : x + 16].mean() for x in columns] for y in rows]
    assert block_means(plane) == pytest.approx(np.array(expected), abs=1e-5)


def test_the_region_is_the_box_around_the_worst_and_what_is_joined_to_it() -> None:
    blocks = np.zeros((7, 7), np.float32)
    blocks[2, 3], blocks[3, 4] = 10.0, 5.0  # corner to corner, half as bad: joined
    blocks[3, 5] = 4.9  # less than half
    blocks[6, 0] = 9.0  # as bad, but elsewhere
    # rows 2 to 3, columns 3 to 4 of blocks of 16 every 8: y 16 to 40, x 24 to 48, of 64 x 64
    assert region_of(blocks, 16, 8, (64, 64)) == Region(24 / 64, 16 / 64, 24 / 64, 24 / 64)
    # A picture that ends within the block: 44 wide
    assert region_of(blocks, 16, 8, (64, 44)) == pytest.approx((24 / 44, 16 / 64, 20 / 44, 24 / 64))


def test_the_value_that_a_share_exceeds() -> None:
    values = np.random.default_rng(1).permutation(1000).astype(np.float32)
    assert exceeded_by(values, 0.02) == 979.0  # 2% of 999 steps below the largest, 979.02, and the next one below
    assert exceeded_by(values.reshape(10, 100), 0.0) == 999.0
    assert exceeded_by(np.array([3.0]), 0.02) == 3.0


# ---- surfaces ----------------------------------------------------------------------------------------------------


def test_a_surface_keeps_its_first_look_wherever_the_motion_carries_it() -> None:
    """A red square moves right by 8 pixels, two cells, a step; its look was taken before it turned green."""

    def frame(index: int) -> Picture:
        levels = np.full((64, 128, 3), 90.0)
        levels[16:48, 16 + 8 * index : 48 + 8 * index] = (200, 0, 0) if index < 2 else (0, 200, 0)
        return picture(levels)

    previous = View(0, frame(0))
    for index in range(1, 4):
        current = View(index, frame(index))
        flow = np.zeros((64, 128, 2), np.float32)
        flow[..., 0] = -8.0
        step = Step(previous, current, flow, -flow)
        surface = step.surface
        previous = current
    row, column = 8, (32 + 24) // 4  # the middle of the square, in cells
    assert surface.look[row, column, :3] == pytest.approx([200, 0, 0], abs=1)
    assert surface.age[row, column] == 3
    assert step.current.look[row, column, :3] == pytest.approx([0, 200, 0], abs=1)
    assert surface.age[row, 0] == 0  # came in from the left just now
    assert surface.look[row, 0, :3] == pytest.approx([90, 90, 90])


def test_what_has_no_counterpart_is_seen_for_the_first_time() -> None:
    view, nothing = View(0, flat((200, 0, 0), 64, 64)), np.zeros((64, 64, 2), np.float32)
    elsewhere = np.zeros((64, 64, 2), np.float32)
    elsewhere[:, 32:] = 20.0
    after = View(1, flat((0, 0, 200), 64, 64))
    surface = Step(view, after, nothing, elsewhere).surface
    assert (surface.age[:, :7] == 1).all()
    assert (surface.age[:, 9:] == 0).all()
    assert surface.look[4, 2, :3] == pytest.approx([200, 0, 0])
    assert surface.look[4, 13, :3] == pytest.approx([0, 0, 200])


# ---- in one pass -------------------------------------------------------------------------------------------------


def test_two_frames_are_held_at_a_time() -> None:
    views: list[weakref.ref[View]] = []
    pulled = 0

    def stream() -> Iterator[tuple[int, Picture]]:
        nonlocal pulled
        for index, each in enumerate(pan(12, 1)):
            pulled += 1
            yield index, each

    gc.disable()  # memory must not wait for the collector
    try:
        for number, step in enumerate(steps(stream()), start=1):
            assert pulled == number + 1  # nothing is read ahead
            assert step.surface.age.max() <= number
            assert step.camera.speed > 0
            views.append(weakref.ref(step.previous))
            assert sum(view() is not None for view in views) <= 2
    finally:
        gc.enable()
    assert number == 11


def test_fewer_than_two_frames_have_no_step() -> None:
    assert not list(steps([]))
    assert not list(steps([(0, flat((1, 2, 3)))]))


def test_a_step_bears_the_container_frame_of_its_later_picture() -> None:
    assert [step.index for step in steps([(0, flat((1, 1, 1))), (4, flat((9, 9, 9))), (6, flat((1, 1, 1)))])] == [4, 6]


def test_flow_does_not_depend_on_pictures_seen_before() -> None:
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in pan(2, 3))
    flow = track(np.asarray(first, np.uint8), np.asarray(second, np.uint8))
    small = np.asarray(cv2.resize(first, (32, 32)), np.uint8)
    track(small, small)
    assert np.array_equal(track(np.asarray(first, np.uint8), np.asarray(second, np.uint8)), flow)
