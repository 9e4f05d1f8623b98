"""The lagged residual: blind to motion, silent at first, and it sees what neighbours hide."""

from __future__ import annotations

import numpy as np
import pytest

from bench.records import Curve, Picture
from bench.signals import measure
from bench.signals.lagged import LAG
from tests.factory import numbered, pan, picture, texture


def curve(pictures: list[Picture], name: str = "residual_lagged") -> Curve:
    (measured,) = measure(numbered(pictures), (name,))
    return measured


def melting(pictures: list[Picture], onset: int, frames: int) -> list[Picture]:
    """From `onset` on a square of 64 pixels turns into another texture, so slowly that no step shows it."""
    other = picture(texture(64, 64, 99, 2.0)).astype(np.float32)
    changed = [each.copy() for each in pictures]
    for number, each in enumerate(changed[onset:], start=1):
        share = min(number / frames, 1.0)
        part = each[96:160, 96:160].astype(np.float32)
        each[96:160, 96:160] = np.rint((1 - share) * part + share * other).astype(np.uint8)
    return changed


def test_it_is_silent_until_there_is_a_frame_four_before() -> None:
    values = curve(pan(8, 1)).values
    assert np.isnan(values[: LAG - 1]).all()
    assert np.isfinite(values[LAG - 1 :]).all()
    assert curve(pan(8, 1)).frames[LAG - 1] == LAG


def test_a_pan_leaves_little_whatever_its_speed_and_a_still_picture_nothing() -> None:
    assert max(curve(pan(9, 1)).values[LAG - 1 :]) < 3  # grey levels; interpolation at half size
    assert max(curve(pan(9, 4)).values[LAG - 1 :]) < 8
    assert max(curve(melting(pan(20, 1), 8, 12)).values[12:]) > 16
    (still,) = pan(1, 0)
    assert set(curve([still] * 7).values[LAG - 1 :]) == {0.0}


def test_slow_melting_stands_out_more_than_between_neighbours() -> None:
    true, molten = pan(20, 1), melting(pan(20, 1), 8, 12)

    def rise(name: str) -> float:
        usual, seen = curve(true, name).values, curve(molten, name).values
        return max(seen[12:]) / max(usual[12:])

    assert rise("residual_lagged") > 3
    assert rise("residual_lagged") > 1.5 * rise("residual_local")


def test_the_region_is_where_it_melts() -> None:
    measured = curve(melting(pan(20, 0), 8, 12))
    region = measured.regions[measured.frames.index(16)]
    assert region is not None
    assert region.x == pytest.approx(96 / 256, abs=0.05)
    assert region.y == pytest.approx(96 / 256, abs=0.05)
    assert region.w == pytest.approx(0.25, abs=0.1)
