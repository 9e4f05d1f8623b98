"""Motion: the subject's and the camera's apart, and standstill by hand for every way a clip repeats frames."""

from __future__ import annotations

import numpy as np
import pytest

from bench.records import Picture
from bench.signals import measure
from bench.signals.motion import RECENT, standstill
from bench.signals.views import View
from tests.factory import numbered, pan, picture, texture

MOTION = ("displacement", "subject_motion", "camera_motion")


def motion(pictures: list[Picture]) -> tuple[float, float, float]:
    """Displacement, subject, camera of the last step."""
    displacement, subject, camera = (curve.values[-1] for curve in measure(numbered(pictures), MOTION))
    return displacement, subject, camera


def patch_moves(pixels: int, drift: int = 0) -> list[Picture]:
    """A patch of a 16th of the picture moves right, before a background that moves left."""
    ground, patch = texture(256, 256 + 2 * drift, 2), texture(64, 64, 3, 2.0)
    pictures = []
    for index in range(3):
        levels = ground[:, drift * index : drift * index + 256].copy()
        levels[96:160, 60 + pixels * index : 124 + pixels * index] = patch
        pictures.append(picture(levels))
    return pictures


@pytest.mark.parametrize("pixels", [2, 4, 6])
def test_a_patch_that_moves_before_a_still_background_is_the_subject(pixels: int) -> None:
    displacement, subject, camera = motion(patch_moves(pixels))
    assert subject == pytest.approx(pixels, rel=0.2)
    assert camera < 0.1
    assert displacement == pytest.approx(pixels / 16, rel=0.25)  # it fills a 16th


def test_a_pan_is_the_cameras_and_not_the_subjects() -> None:
    displacement, subject, camera = motion(pan(3, 5))
    assert camera == pytest.approx(5, abs=0.2)
    assert displacement == pytest.approx(5, abs=0.2)
    assert subject < 0.4


def test_the_subject_moves_against_the_camera() -> None:
    _, subject, camera = motion(patch_moves(3, drift=2))
    assert camera == pytest.approx(2, abs=0.3)
    assert subject == pytest.approx(5, rel=0.15)  # 3 to the right in the picture, which goes 2 to the left


def test_nothing_moves_in_a_still_picture() -> None:
    (still,) = pan(1, 0)
    assert motion([still, still]) == pytest.approx((0, 0, 0), abs=1e-6)


# ---- standstill --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 2, 3, 6])
def test_a_regular_hold_is_not_a_standstill(every: int) -> None:
    shown = list(range(0, 24, every))
    assert standstill(24, shown, [3.0] * (len(shown) - 1)) == [0.0] * 24


@pytest.mark.parametrize("every", [3, 4, 5])
def test_a_repeat_now_and_then_is_padding_of_the_frame_rate(every: int) -> None:
    shown = [frame for frame in range(40) if frame % every != every - 1]  # every third, fourth, fifth is a repeat
    assert standstill(40, shown, [3.0] * (len(shown) - 1)) == [0.0] * 40


def test_a_freeze_at_the_end_adds_up_the_motion_missed() -> None:
    # On ones at 2 pixels a frame, frozen from frame 10 on. One frame too long is forgiven, then 2 pixels a frame.
    assert standstill(16, list(range(10)), [2.0] * 9) == [0.0] * 11 + [2.0, 4.0, 6.0, 8.0, 10.0]


def test_a_freeze_at_the_end_of_a_clip_on_twos() -> None:
    # Frames 0, 2, 4, 6, 8 at 3 pixels a step, 1.5 a frame. A hold of 2 is usual, 3 frames are the first too many.
    expected = [0.0] * 11 + [1.5, 3.0, 4.5, 6.0, 7.5]
    assert standstill(16, [0, 2, 4, 6, 8], [3.0] * 4) == expected


def test_a_freeze_in_the_middle_counts_until_it_moves_again() -> None:
    # 0 1 2 3 - - - - - 9 10 11: frame 5 is the second repeat
    expected = [0.0] * 5 + [2.0, 4.0, 6.0, 8.0] + [0.0] * 3
    assert standstill(12, [0, 1, 2, 3, 9, 10, 11], [2.0] * 6) == expected


def test_one_freeze_does_not_make_the_next_one_usual() -> None:
    # Of gaps 1 1 1 6 1 1 1 1 the 80th percentile is 1, so the second freeze counts like the first.
    curve = standstill(20, [0, 1, 2, 3, 9, 10, 11, 12, 13], [2.0] * 8)
    assert curve[5:9] == [2.0, 4.0, 6.0, 8.0]
    assert curve[13:20] == [0.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_the_speed_is_that_of_the_last_steps() -> None:
    shown = list(range(RECENT + 21))
    curve = standstill(len(shown) + 3, shown, [50.0] * 20 + [1.0] * RECENT)
    assert curve[-3:] == [0.0, 1.0, 2.0]
    # Slow, then fast: the median of the last twelve
    curve = standstill(len(shown) + 3, shown, [1.0] * 20 + [4.0] * RECENT)
    assert curve[-3:] == [0.0, 4.0, 8.0]


def test_a_clip_that_hardly_moves_misses_hardly_anything_when_it_stops() -> None:
    assert max(standstill(100, list(range(20)), [0.01] * 19)) == pytest.approx(0.01 * 79)


def test_without_a_step_nothing_is_known_of_its_speed() -> None:
    assert standstill(5, [0], []) == [0.0] * 5
    assert standstill(1, [0], []) == [0.0]
    assert standstill(8, [0, 4], [2.0]) == [0.0] * 8  # a first hold of 4 is all that is known


def test_standstill_never_depends_on_what_comes_after() -> None:
    shown = [0, 1, 2, 3, 9, 10, 12, 13, 20]
    whole = standstill(30, shown, [2.0, 3, 1, 4, 2, 2, 5, 1])
    for frames in range(1, 30):
        seen = [frame for frame in shown if frame < frames]
        assert standstill(frames, seen, [2.0, 3, 1, 4, 2, 2, 5, 1][: len(seen) - 1]) == whole[:frames]


@pytest.mark.parametrize(
    ("distinct", "displacement"), [([], []), ([1, 2], [1.0]), ([0, 1], []), ([0, 1], [1.0, 1.0]), ([0], [1.0])]
)
def test_steps_that_do_not_fit_are_refused(distinct: list[int], displacement: list[float]) -> None:
    with pytest.raises(ValueError, match="one displacement between each"):
        standstill(4, distinct, displacement)


# ---- what has been shown before ----------------------------------------------------------------------------------


def novelty(pictures: list[Picture]) -> list[float]:
    (curve,) = measure(numbered(pictures), ("novelty",))
    return list(curve.values)


def test_each_frame_of_a_pan_is_new() -> None:
    assert novelty(pan(12, 3)) == [1.0] * 11


def test_frames_shown_before_are_not_new_however_long_the_loop() -> None:
    there = pan(20, 3)
    to_and_fro = [*there, *there[-2::-1], *there[1:]]
    told = novelty(to_and_fro)
    assert told[:19] == [1.0] * 19
    assert told[19:] == [0.0] * 38


def test_a_frame_near_one_shown_before_is_partly_new() -> None:
    # 0, 8, 1 pixels to the right: the third is as far from the first as a step of 1 is from a step of 7
    frames = pan(9, 1)
    one, seven = (
        float(abs(frames[k].astype(float).mean(axis=2) - frames[1].astype(float).mean(axis=2)).mean()) for k in (0, 8)
    )
    assert novelty([frames[0], frames[8], frames[1]])[1] == pytest.approx(one / seven, rel=0.5)
    assert novelty([frames[0], frames[8], frames[1]])[1] < 0.6


def test_going_back_is_a_standstill_from_the_first_frame_shown_before() -> None:
    # Frames 0 to 4 are new at 3 pixels a frame; frame 5 is the one that is forgiven, then 3 pixels of motion a frame.
    shown = [1.0] * 4 + [0.0] * 4
    assert standstill(9, list(range(9)), [3.0] * 8, shown) == [0.0] * 6 + [3.0, 6.0, 9.0]
    assert standstill(9, list(range(9)), [3.0] * 8, [1.0] * 8) == [0.0] * 9


def test_the_novelty_of_every_step_is_asked_for() -> None:
    with pytest.raises(ValueError, match="novelty of 2 steps, got 1"):
        standstill(3, [0, 1, 2], [1.0, 1.0], [1.0])


def test_grain_that_is_new_in_every_frame_is_no_motion_of_the_subject() -> None:
    rng = np.random.default_rng(0)
    still = texture(256, 256, 4).astype(float)
    noisy = [picture(np.clip(still + rng.normal(0, 6, still.shape), 0, 255).astype(np.uint8)) for _ in range(3)]
    (curve,) = measure(numbered(noisy), ("subject_motion",))
    assert max(curve.values) == 0.0


def going_back(pictures: list[Picture]) -> list[float]:
    (curve,) = measure(numbered(pictures), ("going_back",))
    return list(curve.values)


def test_time_that_runs_on_never_goes_back() -> None:
    assert going_back(pan(12, 3)) == [0.0] * 11


def test_time_that_turns_goes_back_at_the_turn_and_after_it() -> None:
    there = pan(10, 3)
    told = going_back([*there, *there[-2::-1]])
    assert told[:9] == [0.0] * 9
    assert min(told[9:]) > 10


def test_frames_out_of_order_go_back() -> None:
    # After 0 1 2 3 4 comes 7, then 5: from 7 to 5 is a step of two, from 4 to 5 one of one.
    frames = pan(10, 3)
    told = going_back([frames[k] for k in (0, 1, 2, 3, 4, 7, 5)])
    assert told[:5] == [0.0] * 5
    from_last, from_nearest = (float(abs(small(frames[5]) - small(frames[k])).mean()) + 0.1 for k in (7, 4))
    assert told[5] == pytest.approx(from_last / from_nearest - 1, rel=1e-5)
    assert told[5] > 0.5


def small(picture: Picture) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return View(0, picture).small
