"""The continuation network: its arithmetic against torch, its course by hand, and what it sees."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from bench.embedded import _continuation, embedded_sha256, embedded_weights, metadata
from bench.records import FrameholdError, Picture
from bench.signals import Measuring
from bench.signals.cells import FEATURES, Cells
from bench.signals.continuation import SUMMARY, Continuation, Course, extremes, judge, summary, weigh
from bench.signals.returns import WHOLE
from bench.signals.views import Walk
from tools.train_continuation import Net

N = len(FEATURES)


def gliding(frames: int, seed: int = 3, speed: int = 2) -> list[Picture]:
    """A soft texture that glides to the left."""
    coarse = np.random.default_rng(seed).integers(40, 216, (18, 60, 3)).astype(np.uint8)
    wide = cv2.resize(coarse, (256 + speed * frames, 192), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(wide[:, speed * k : speed * k + 256], np.uint8) for k in range(frames)]


def odds(pictures: list[Picture]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    measuring = Measuring(["continuation"], embedded_weights())
    for index, picture in enumerate(pictures):
        measuring.add(index, picture)
    (curve,) = measuring.curves()
    return np.asarray(curve.values)


# ---- the features of cells ---------------------------------------------------------------------------------------


def test_a_steady_pan_has_nothing_new_and_a_cut_has() -> None:
    pictures = gliding(14) + gliding(14, seed=8)
    walk, cells, said = Walk(), Cells(), []
    for index, picture in enumerate(pictures):
        if step := walk.step(index, picture):
            features, _ = cells.update(step)
            assert features.shape == (27, 37, N)
            assert np.isfinite(features).all()
            said.append(np.abs(features[4:-4, 4:-4, FEATURES.index("residual_new")]).mean())
    steady, cut = said[4:13], said[13]
    assert cut > 3 * max(steady)


def test_the_speed_of_a_pan_is_its_speed() -> None:
    walk, cells = Walk(), Cells()
    steps = [walk.step(index, picture) for index, picture in enumerate(gliding(6, speed=4))]
    last = [cells.update(step)[0] for step in steps if step][-1]
    across = 4 * 295.0 / 256  # working pixels: 256 x 192 is drawn at 295 x 222
    assert np.exp(np.median(last[..., FEATURES.index("speed")])) - 0.1 == pytest.approx(across, rel=0.1)


def told_of(pictures: list[Picture]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(features of every step, features of the whole picture)."""
    walk, cells = Walk(), Cells()
    steps = [walk.step(index, picture) for index, picture in enumerate(pictures)]
    told = [cells.update(step) for step in steps if step]
    return np.stack([features for features, _ in told]), np.stack([whole for _, whole in told])


def test_a_part_that_stands_still_in_a_pan_stands_out() -> None:
    pictures = gliding(20, speed=4)
    for k in range(10, 20):
        pictures[k] = pictures[k].copy()
        pictures[k][64:128, 96:160] = pictures[9][64:128, 96:160]
    features, _ = told_of(pictures)
    rows, columns = features.shape[1:3]
    inside = np.zeros((rows, columns), bool)
    inside[rows * 72 // 192 : rows * 120 // 192, columns * 104 // 256 : columns * 152 // 256] = True
    outside = np.ones((rows, columns), bool)
    outside[rows * 48 // 192 : rows * 144 // 192, columns * 80 // 256 : columns * 176 // 256] = False
    for name, step in (("stopped", 9), ("stuck_near", 12), ("stuck_far", 17)):
        here = features[step, ..., FEATURES.index(name)]
        before = features[step - 8 if step > 12 else 8, ..., FEATURES.index(name)]
        assert here[inside].mean() > here[outside].mean() + 0.5, name
        assert here[inside].mean() > before[inside].mean() + 0.5, name


def test_a_slow_change_of_hue_adds_up_on_its_surface() -> None:
    pictures = gliding(20)
    drifting = [picture.astype(np.float32) for picture in pictures]
    for k in range(6, 20):
        left = 150 - 2 * k
        drifting[k][64:128, left : left + 64, 0] *= 1 + 0.02 * (k - 5)
    plain, _ = told_of(pictures)
    turned, _ = told_of([np.clip(picture, 0, 255).astype(np.uint8) for picture in drifting])
    for name in ("hue_from_before", "hue_from_opening"):
        column = FEATURES.index(name)
        most, usual = (np.sort(told[-1, 4:-4, 4:-4, column], axis=None)[-20:].mean() for told in (turned, plain))
        assert most > 2 * usual, name


def test_turning_back_shows_in_the_flow_and_in_what_has_been_shown() -> None:
    there = gliding(10)
    features, whole = told_of([*there, *there[-2::-1]])
    about_face = features[..., FEATURES.index("about_face")].mean(axis=(1, 2))
    assert about_face[7] < -0.8  # the step goes on as the one before
    assert about_face[9] > 0.8
    novelty = whole[:, WHOLE.index("novelty")]
    assert novelty[2:9].min() > 0.2
    assert novelty[9:].max() < -1.5


# ---- the arithmetic ----------------------------------------------------------------------------------------------


def test_judging_is_what_was_trained() -> None:
    torch.manual_seed(0)
    net = Net(torch.randn(N), torch.rand(N) + 0.5).eval()
    features = np.random.default_rng(1).normal(size=(9, 13, N)).astype(np.float32)
    with torch.no_grad():
        glance, where = net(torch.from_numpy(features)[None])
    own_glance, own_where = judge(net.member(), features)
    assert own_glance == pytest.approx(float(glance[0]), abs=1e-4)
    np.testing.assert_allclose(own_where, where[0].numpy(), atol=1e-4)


def test_the_summary_is_extremes_and_means_over_cells() -> None:
    features = np.random.default_rng(2).normal(size=(20, 25, N)).astype(np.float32)
    where = np.zeros((20, 25), np.float32)
    where[3, 4] = 7.0
    said = summary(extremes(features), where, 1.5, np.array([0.1, 0.2, 0.3], np.float32))
    assert said.shape == (SUMMARY,)
    column = np.sort(features[..., 5].reshape(-1))
    assert said[5] == pytest.approx(column[-10:].mean(), rel=1e-5)  # 2% of 500
    assert said[N + 5] == pytest.approx(column[:10].mean(), rel=1e-5)
    assert said[2 * N + 5] == pytest.approx(column.mean(), abs=1e-6)
    assert said[3 * N + 5] == pytest.approx(column[-2:].mean(), rel=1e-5)  # 0.4%
    assert said[4 * N] == pytest.approx(7.0)  # 0.3% of 500 cells is one
    assert said[-4:].tolist() == pytest.approx([1.5, 0.1, 0.2, 0.3])


def test_a_course_holds_a_step_against_the_past_and_the_opening() -> None:
    course = Course()
    said = [course.add(np.full(SUMMARY, value, np.float32))[::SUMMARY] for value in (1.0, 3.0, 2.0, 6.0, 9.0)]
    assert said[0].tolist() == [1.0, 0.0, 0.0]
    assert said[1].tolist() == [3.0, pytest.approx(2 / 3), 2.0]  # one step of past counts a third
    assert said[2].tolist() == [2.0, 0.0, 0.0]
    assert said[3].tolist() == [6.0, 4.0, 4.0]  # median and mean of 1, 3, 2
    assert said[4].tolist() == [9.0, 6.5, 6.0]  # median of 1, 3, 2, 6 is 2.5; the opening's mean is 3


def test_weighing_by_hand() -> None:
    member: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = {
        "t.mean": np.full(3 * SUMMARY, 1.0, np.float32),
        "t.std": np.full(3 * SUMMARY, 2.0, np.float32),
        "t1.weight": np.eye(2, 3 * SUMMARY, dtype=np.float32),
        "t1.bias": np.array([0.0, 0.5], np.float32),
        "t2.weight": np.array([2.0, -1.0], np.float32),
        "t2.bias": np.array(0.25, np.float32),
    }
    course = np.full(3 * SUMMARY, 1.0, np.float32)
    course[0], course[1] = 100.0, -3.0  # 49.5 deviations read as 6; -2 deviations and 0.5 are below 0
    assert weigh(member, course) == pytest.approx(2 * 6.0 + 0.25)


def test_a_signal_without_a_network_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one trained member"):
        Continuation([])


# ---- the weights that come with framehold --------------------------------------------------------------------------


def test_it_sees_a_cut_at_its_frame_and_nothing_in_a_steady_pan() -> None:
    steady = odds(gliding(24))
    broken = odds(gliding(24)[:14] + gliding(24, seed=8)[14:])
    assert broken[:13].tolist() == steady[:13].tolist()  # causal: what comes later changes nothing
    assert int(broken.argmax()) == 13
    assert broken.max() > 5 * steady.max()


def test_a_clip_that_taught_a_member_is_judged_by_another() -> None:
    content = (files("bench") / "assets" / "networks" / "continuation.safetensors").read_bytes()
    seen = json.loads(metadata(content)["seen"])
    assert set(seen) == {"mall", "m0", "m1", "m2", "m3"}
    clip = seen["mall"][0]
    fair = [name for name, clips in seen.items() if clip not in clips]
    assert len(fair) == 1
    (everything,), (other,) = embedded_weights()["continuation"], embedded_weights(clip)["continuation"]
    assert not np.array_equal(everything["c1.weight"], other["c1.weight"])
    (unknown,) = embedded_weights("0" * 64)["continuation"]
    assert unknown is everything


def test_damaged_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.embedded.CONTINUATION", ("networks/continuation.safetensors", "0" * 64))
    _continuation.cache_clear()
    try:
        with pytest.raises(FrameholdError, match="not the file it should be"):
            embedded_weights()
    finally:
        _continuation.cache_clear()
    assert len(embedded_sha256()["continuation"]) == 64
