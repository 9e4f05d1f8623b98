"""What every signal owes: a value for each step, any size of picture, one pass, the same on any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import pytest

from bench.embedded import embedded_weights
from bench.records import Curve, FrameholdError, MissingClip, Picture
from bench.signals import CLIP_LEVEL, PROFILES, SIGNALS, about, open_profile
from bench.signals import measure as measure_with
from bench.signals.lagged import LAG
from bench.stages.score import score_frames
from bench.video import Frame
from tests.factory import numbered, pan, picture, texture

NAMES = PROFILES["light"].signals  # the others want networks: tests/signals/test_patches.py, tests/dense


def measure(frames: Iterable[tuple[int, Picture]], names: Sequence[str]) -> tuple[Curve, ...]:
    return measure_with(frames, names, embedded_weights())


def clip(frames: int = 3, width: int = 256, height: int = 256) -> list[Picture]:
    rng = np.random.default_rng(width + height)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(frames)]


def frames_of(pictures: list[Picture], fps: float = 24.0) -> Iterator[Frame]:
    return (Frame(index, index / fps, each) for index, each in enumerate(pictures))


def test_signals_are_told_of_frames_in_one_pass() -> None:
    pulled: list[int] = []

    def stream() -> Iterator[tuple[int, Picture]]:
        for index, each in numbered(pan(4, 2)):
            pulled.append(index)
            yield index, each

    curves = measure(stream(), NAMES)
    assert pulled == [0, 1, 2, 3]
    assert [curve.signal for curve in curves] == list(NAMES)
    for curve in curves:
        assert curve.frames == (1, 2, 3)
        assert len(curve.values) == len(curve.regions) == 3


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (2, 1), (1, 300), (3000, 2), (2048, 32), (32, 2048), (7, 5), (90, 160), (640, 360)]
)
def test_pictures_of_any_size_are_measured(width: int, height: int) -> None:
    scored = score_frames(frames_of(clip(LAG + 2, width, height)))
    assert (scored.row.width, scored.row.height, scored.row.frames) == (width, height, LAG + 2)
    assert {curve.signal for curve in scored.curves} == {*NAMES, "standstill"}
    for curve in scored.curves:
        values = np.array(curve.values)[LAG - 1 if curve.signal == "residual_lagged" else 0 :]
        assert len(values) >= 1
        assert np.isfinite(values).all(), curve.signal
        assert (values >= 0).all(), curve.signal
        for region in curve.regions:
            if region is not None:
                assert 0 <= region.x < region.x + region.w <= 1 + 1e-9
                assert 0 <= region.y < region.y + region.h <= 1 + 1e-9


def test_curves_of_a_prefix_are_a_prefix_of_the_curves() -> None:
    pictures = pan(6, 3)
    whole, part = (measure(numbered(pictures[:count]), NAMES) for count in (6, 4))
    for long, short in zip(whole, part, strict=True):
        assert short.values == long.values[:3]
        assert short.regions == long.regions[:3]


def test_signals_start_anew_for_each_clip() -> None:
    assert measure(numbered(pan(4, 2)), NAMES) == measure(numbered(pan(4, 2)), NAMES)


def test_a_signal_does_not_depend_on_the_others_asked_for() -> None:
    together = {curve.signal: curve for curve in measure(numbered(pan(5, 2)), NAMES)}
    for name in NAMES:
        (alone,) = measure(numbered(pan(5, 2)), (name,))
        assert alone == together[name]


def test_the_number_of_opencv_threads_changes_nothing() -> None:
    pictures = [picture(texture(400, 712, seed=2) + 2 * index) for index in range(3)]
    pictures = [np.roll(each, 3 * index, axis=1) for index, each in enumerate(pictures)]
    before = cv2.getNumThreads()
    try:
        scores = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            scores.append(score_frames(frames_of(pictures)))
            assert cv2.getNumThreads() == threads  # left as it was found
        assert scores[0] == scores[1] == scores[2]
        cv2.setNumThreads(2)
        with pytest.raises(MissingClip):
            score_frames(iter([]))
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


# ---- what is known of each ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SIGNALS, *CLIP_LEVEL])
def test_every_signal_says_what_it_measures(name: str) -> None:
    known = about(name)
    assert known.unit
    assert set(known.reads) <= {"level", "jump"}
    assert known.floor > 0 or not known.reads  # what is read is read by its logarithm


def test_signals_are_named_as_they_are_registered() -> None:
    for name in NAMES:
        (curve,) = measure(numbered(pan(2, 1)), (name,))
        assert curve.signal == name


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(FrameholdError, match=r"unknown signal 'nose'.*residual_local"):
        measure([], ("nose",))
    with pytest.raises(FrameholdError, match=r"unknown profile 'heavy': choose from light, standard"):
        open_profile("heavy")
    assert open_profile("light") is PROFILES["light"]


# ---- a clip as a whole -------------------------------------------------------------------------------------------


def test_published_metrics_of_a_clip_by_hand() -> None:
    first, second = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 125, np.uint8)
    metrics = score_frames(frames_of([first, second, second, first])).metrics
    # differences of 25, 0 and 25 levels
    assert metrics["temporal_flickering"] == pytest.approx(1 - 50 / 3 / 255)
    # Nothing moves; the repeat adds 0 to a mean over three pairs.
    assert metrics["mean_flow_magnitude"] == pytest.approx(0, abs=1e-6)
    assert metrics["warping_error"] == pytest.approx(2 / 3 * (25 / 255) ** 2, rel=1e-4)


def test_repeats_are_counted_and_left_out() -> None:
    pictures = pan(4, 3)
    twos = [pictures[index // 2] for index in range(8)]
    scored = score_frames(frames_of(twos))
    assert (scored.row.frames, scored.row.distinct_frames) == (8, 4)
    assert scored.row.fps == pytest.approx(24)
    ones = score_frames(frames_of(pictures))
    for padded, plain in zip(scored.curves, ones.curves, strict=True):
        if padded.signal == "standstill":
            assert (padded.frames, set(padded.values)) == (tuple(range(8)), {0.0})
        else:
            assert padded.frames == (2, 4, 6)
            assert padded.values == plain.values
    assert scored.metrics["mean_flow_magnitude"] == pytest.approx(ones.metrics["mean_flow_magnitude"] * 3 / 7)


def test_one_frame_has_no_rate_and_no_metrics() -> None:
    scored = score_frames(frames_of(clip(1)))
    assert (scored.row.frames, scored.row.distinct_frames, scored.row.fps) == (1, 1, 0.0)
    assert scored.metrics == {}
    assert {curve.frames for curve in scored.curves if curve.signal != "standstill"} == {()}


def test_no_frame_is_a_missing_clip() -> None:
    with pytest.raises(MissingClip, match="no frame"):
        score_frames(iter([]))
