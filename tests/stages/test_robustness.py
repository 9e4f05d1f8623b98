"""What real clips bring and no break is: repeats, low rates, dithering, marks, bars, fades, odd sizes and lengths."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from bench.backends.procedural.composing import draw_frames
from bench.failures.adversaries import ADVERSARIES
from bench.failures.controls import CONTROLS
from bench.holds import Judgement, judge
from bench.records import Moves, Picture, Prompt
from bench.stages.calibrate import load_calibration
from bench.stages.score import score_frames
from bench.stages.trials import Footage, footage_frames
from bench.video import Frame
from tests.factory import pan

FRAMES = 32
BARS = (40, 40, 0, 0)  # pixels above, below, left and right


def judged(pictures: Sequence[Picture], fps: float = 24.0, moves: Moves = "subject") -> Judgement:
    scored = score_frames(Frame(index, index / fps, picture) for index, picture in enumerate(pictures))
    curves = {curve.signal: curve for curve in scored.curves}
    return judge(curves, len(pictures), scored.row.fps, moves, load_calibration("light")[0].classes)


def drawn(text: str) -> list[Picture]:
    return footage_frames(Footage("drawn", "drawn", prompt=Prompt("drawn", text), seed=4321), FRAMES)[0]


@pytest.fixture(scope="module")
def dog() -> list[Picture]:
    return drawn("A brown dog trots through a park")


@pytest.fixture(scope="module")
def bus() -> list[Picture]:
    return drawn("A red bus drives down a city street")


@pytest.mark.parametrize("name", ["on_twos", "resampled", "watermarked", "fade_in", "dithered", "slow_motion"])
def test_a_hard_but_steady_clip_holds_to_its_end(name: str, dog: list[Picture]) -> None:
    frames = CONTROLS[name](dog, dog[::-1], np.random.default_rng(0))
    hold = judged(frames).hold
    assert (hold.held_frames, hold.broke) == (len(frames), False)


@pytest.mark.parametrize("fps", [8.0, 12.0, 24.0])
@pytest.mark.parametrize("name", ["unrelated_pictures", "white_noise"])
def test_frames_that_have_nothing_to_do_with_one_another_are_no_hold(name: str, fps: float, dog: list[Picture]) -> None:
    frames = ADVERSARIES[name](dog, np.random.default_rng(0))
    hold = judged(frames, fps).hold
    assert (hold.held_frames, hold.broke) == (1, True)


@pytest.mark.parametrize("fps", [8.0, 12.0, 24.0])
@pytest.mark.parametrize("text", ["A brown dog trots through a park", "A small sailing boat rocks on the waves"])
def test_frames_drawn_each_for_itself_are_no_hold(text: str, fps: float) -> None:
    # They share a composition, as pictures that an image model makes of one prompt.
    frames = [draw_frames(text, seed, (0,), 256, 256)[0] for seed in range(900, 916)]
    hold = judged(frames, fps).hold
    assert (hold.held_frames, hold.broke) == (1, True)


@pytest.mark.parametrize("fps", [3.0, 4.0, 6.0, 8.0])
def test_a_clip_of_few_frames_a_second_holds(fps: float, dog: list[Picture]) -> None:
    frames = dog[:: round(24 / fps)]
    assert judged(frames, fps).hold.held_frames == len(frames)


def test_a_clip_of_eight_frames_holds_and_its_cut_is_found(dog: list[Picture], bus: list[Picture]) -> None:
    assert judged(dog[:8]).hold.held_frames == 8
    assert judged([*dog[:4], *bus[:4]]).hold.held_frames == 4


@pytest.mark.parametrize(("width", "height"), [(144, 256), (256, 144), (512, 512), (90, 400)])
def test_portrait_square_and_narrow_clips_hold_and_their_cuts_are_found(
    width: int, height: int, dog: list[Picture], bus: list[Picture]
) -> None:
    frames, others = ([np.asarray(cv2.resize(each, (width, height)), np.uint8) for each in clip] for clip in (dog, bus))
    assert judged(frames).hold.held_frames == FRAMES
    assert judged([*frames[:20], *others[20:]]).hold.held_frames == 20


def test_bars_of_a_letterbox_do_not_hide_a_cut(dog: list[Picture], bus: list[Picture]) -> None:
    frames, others = (
        [np.asarray(cv2.copyMakeBorder(each, *BARS, cv2.BORDER_CONSTANT), np.uint8) for each in clip]
        for clip in (dog, bus)
    )
    assert judged(frames).hold.held_frames == FRAMES
    assert judged([*frames[:20], *others[20:]]).hold.held_frames == 20


@pytest.mark.slow
def test_a_clip_of_a_thousand_frames_is_judged_in_one_pass() -> None:
    pictures = pan(1_000, 2, height=128, width=128)
    found = judged(pictures, moves="camera")
    assert found.hold.held_frames == 1_000
    assert not found.hold.broke
