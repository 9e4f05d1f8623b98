"""Published metrics against plain implementations of the published formulas, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.records import Picture
from bench.signals.published import (
    WarpingError,
    clip_score,
    clip_temporal_consistency,
    flickering_step,
    temporal_flickering,
)
from bench.signals.views import Step, View, steps
from tests.factory import flat, numbered, pan, picture, texture

HEIGHT, WIDTH = 12, 14
Flow = NDArray[np.float32]


# ---- Lai et al. 2018, written again from the paper ---------------------------------------------------------------


def bilinear(plane: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """The value between four pixels, the border repeated outside."""

    def at(column: int, row: int) -> NDArray[np.float64]:
        value: NDArray[np.float64] = plane[min(max(row, 0), HEIGHT - 1), min(max(column, 0), WIDTH - 1)]
        return value

    left, top = math.floor(x), math.floor(y)
    u, v = x - left, y - top
    upper = (1 - u) * at(left, top) + u * at(left + 1, top)
    lower = (1 - u) * at(left, top + 1) + u * at(left + 1, top + 1)
    result: NDArray[np.float64] = (1 - v) * upper + v * lower
    return result


def slopes(flow: NDArray[np.float64], x: int, y: int) -> float:
    """|grad u|^2 + |grad v|^2 by forward differences, 0 beyond the last row and column."""
    total = 0.0
    for channel in (0, 1):
        if x + 1 < WIDTH:
            total += (flow[y, x + 1, channel] - flow[y, x, channel]) ** 2
        if y + 1 < HEIGHT:
            total += (flow[y + 1, x, channel] - flow[y, x, channel]) ** 2
    return total


def lai(first: Picture, second: Picture, forward: Flow, backward: Flow) -> tuple[float, int]:
    """(error, pixels counted): sum of M |W(I[t+1]) - I[t]|^2 over sum of M, mean over channels, pictures in [0, 1]."""
    start, end = first.astype(float) / 255, second.astype(float) / 255
    there, back = forward.astype(float), backward.astype(float)
    error, count = 0.0, 0
    for y in range(HEIGHT):
        for x in range(WIDTH):
            u, v = there[y, x]
            returned = bilinear(back, x + u, y + v)
            gap = (u + returned[0]) ** 2 + (v + returned[1]) ** 2
            occluded = gap > 0.01 * (u**2 + v**2 + returned[0] ** 2 + returned[1] ** 2) + 0.5
            boundary = slopes(there, x, y) > 0.01 * (u**2 + v**2) + 0.002
            if not occluded and not boundary:
                error += float(((bilinear(end, x + u, y + v) - start[y, x]) ** 2).mean())
                count += 1
    return (error / count if count else 0.0), count


def some_flow(rng: np.random.Generator, x: float, y: float) -> Flow:
    """A common motion with patches of its own; whole quarters, which bilinear tables of 1/32 hold exactly."""
    flow = np.tile(np.array([x, y], np.float32), (HEIGHT, WIDTH, 1))
    for _ in range(3):
        row, column = rng.integers(0, HEIGHT - 4), rng.integers(0, WIDTH - 4)
        flow[row : row + 4, column : column + 4] += rng.integers(-4, 5, 2) / 4
    return flow


@pytest.mark.parametrize("seed", range(8))
def test_warping_error_equals_the_formula_pixel_by_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(2))
    x, y = rng.integers(-8, 9, 2) / 4
    forward, backward = some_flow(rng, x, y), some_flow(rng, -x, -y)
    expected, count = lai(first, second, forward, backward)
    assert 20 < count < HEIGHT * WIDTH - 5  # some pixels are masked and some are not
    step = Step(View(0, first), View(1, second), flow=backward, forward=forward)
    assert WarpingError().update(step).value == pytest.approx(expected, rel=1e-4)


def test_a_perfect_shift_has_no_warping_error() -> None:
    for step in steps(numbered(pan(3, 4))):
        assert WarpingError().update(step).value < 1e-3


def test_warping_error_by_hand() -> None:
    """No motion and a change of 51 levels in one channel: (51 / 255)^2 / 3."""
    nothing = np.zeros((64, 64, 2), np.float32)
    step = Step(View(0, flat((100, 100, 100), 64, 64)), View(1, flat((151, 100, 100), 64, 64)), nothing, nothing)
    assert WarpingError().update(step).value == pytest.approx(0.04 / 3, rel=1e-6)


def test_as_published_a_pair_with_everything_masked_scores_0() -> None:
    nothing, far = np.zeros((64, 64, 2), np.float32), np.full((64, 64, 2), 9.0, np.float32)
    step = Step(View(0, flat((0, 0, 0), 64, 64)), View(1, flat((255, 255, 255), 64, 64)), nothing, far)
    assert WarpingError().update(step).value == 0.0


# ---- VBench, CLIPScore, CLIP temporal consistency ----------------------------------------------------------------


def test_flickering_is_the_mean_absolute_difference() -> None:
    before, after = flat((10, 20, 30), 4, 2), flat((10, 20, 30), 4, 2)
    after[0, 0] = (255, 0, 30)  # 245 + 20 over 24 values
    assert flickering_step(before, after) == flickering_step(after, before) == pytest.approx(265 / 24)
    noise = [picture(texture(40, 30, seed)) for seed in (0, 1)]
    assert flickering_step(*noise) == pytest.approx(np.abs(noise[0].astype(float) - noise[1]).mean())


def test_temporal_flickering_by_hand() -> None:
    assert temporal_flickering(np.zeros(3)) == 1.0
    assert temporal_flickering(np.array([255.0])) == 0.0
    assert temporal_flickering(np.array([0.0, 25.5, 51.0])) == pytest.approx((255 - 25.5) / 255)
    with pytest.raises(ValueError, match="two frames"):
        temporal_flickering(np.array([]))


def unit(*degrees: float) -> NDArray[np.float32]:
    """Embeddings in a plane, at those angles."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_clip_score_is_two_and_a_half_times_the_cosine_never_below_0() -> None:
    text = unit(0)[0]
    assert clip_score(unit(60), text) == pytest.approx(2.5 * 0.5)
    assert clip_score(unit(0, 60, 180), text) == pytest.approx(2.5 * (1 + 0.5 + 0) / 3)
    assert clip_score(unit(180), text) == 0.0


def test_clip_temporal_consistency_is_the_mean_cosine_of_neighbours() -> None:
    assert clip_temporal_consistency(unit(0, 60, 60)) == pytest.approx((0.5 + 1) / 2)
    assert clip_temporal_consistency(unit(0, 180, 0)) == pytest.approx(-1)
    with pytest.raises(ValueError, match="two frames"):
        clip_temporal_consistency(unit(0))
