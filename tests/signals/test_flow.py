"""Flow signals: blind to motion and exposure, sharp-eyed for a part of the picture that is replaced."""

from __future__ import annotations

import numpy as np
import pytest

from bench.records import Picture, Region
from bench.signals import measure
from bench.signals.flow import ResidualGlobal, ResidualLocal, Unmatched
from bench.signals.views import Step, View, steps
from tests.factory import flat, numbered, pan, picture, texture


def curves(pictures: list[Picture]) -> dict[str, list[float]]:
    measured = measure(numbered(pictures), ("residual_local", "residual_global", "unmatched"))
    return {curve.signal: list(curve.values) for curve in measured}


def covers(region: Region, left: float, top: float, right: float, bottom: float) -> bool:
    return region.x <= left and region.y <= top and region.x + region.w >= right and region.y + region.h >= bottom


def replaced(pictures: list[Picture], frame: int, left: int, top: int, side: int) -> list[Picture]:
    """From `frame` on another texture in a square of the window."""
    other = picture(texture(side, side, 99, 2.0))
    changed = [each.copy() for each in pictures]
    for each in changed[frame:]:
        each[top : top + side, left : left + side] = other
    return changed


def test_a_pure_shift_leaves_no_residual_however_fast() -> None:
    slow, fast = curves(pan(4, 1)), curves(pan(4, 6))
    for measured in (slow, fast):
        assert max(measured["residual_local"]) < 0.3  # of a pixel
        assert max(measured["residual_global"]) < 0.15
        assert max(measured["unmatched"]) < 0.02


def test_the_same_picture_twice_has_no_residual_at_all() -> None:
    (still,) = pan(1, 0)
    assert set(curves([still, still])["residual_local"]) == {0.0}
    assert curves([still, still])["unmatched"] == [0.0]


def test_a_part_that_is_replaced_stands_out_locally_and_hardly_globally() -> None:
    """48 of 256 pixels a side are 3.5% of the picture."""
    measured = curves(replaced(pan(6, 2), 3, 100, 150, 48))
    before, at, after = measured["residual_local"][1], measured["residual_local"][2], measured["residual_local"][3]
    assert at > 5 * before
    assert at > 1.5
    assert after < at  # the new texture stays: it is not replaced again
    assert measured["residual_global"][2] < 0.4


@pytest.mark.parametrize(("left", "top"), [(0, 0), (100, 150), (184, 8), (192, 192)])
def test_the_region_is_where_the_part_was_replaced(left: int, top: int) -> None:
    side = 64
    still = pan(1, 0)[0]
    local, *_ = measure(numbered(replaced([still] * 3, 2, left, top, side)), ("residual_local",))
    region = local.regions[1]
    assert region is not None
    # The inner half of the square at least, and not much more than the square and a block around it.
    inner = [(each + off) / 256 for each, off in ((left, 16), (top, 16), (left, 48), (top, 48))]
    assert covers(region, *inner)
    outer = [(each + off) / 256 for each, off in ((left, -24), (top, -24), (left, side + 24), (top, side + 24))]
    assert covers(Region(outer[0], outer[1], outer[2] - outer[0], outer[3] - outer[1]), *_corners(region))


def _corners(region: Region) -> tuple[float, float, float, float]:
    return region.x, region.y, region.x + region.w, region.y + region.h


def test_a_change_of_exposure_is_no_inconsistency() -> None:
    base = texture(256, 256, 4)
    measured = curves([picture(base), picture(1.15 * base), picture(0.95 * base)])
    assert max(measured["residual_local"]) < 0.5
    assert max(measured["residual_global"]) < 0.15
    assert max(measured["unmatched"]) < 0.02


def test_a_destroyed_part_does_not_hide_behind_its_own_mask() -> None:
    """All the flow there is invalid; as published, the warping error of such a pair is 0."""
    base = texture(256, 256, 4)
    broken = base.copy()
    broken[96:160, 96:160] = np.random.default_rng(0).uniform(0, 255, (64, 64, 3))
    measured = curves([picture(base), picture(base), picture(broken)])
    assert measured["residual_local"] == [0.0, pytest.approx(measured["residual_local"][1])]
    assert measured["residual_local"][1] > 1.0
    assert measured["unmatched"][1] > measured["unmatched"][0]


def test_local_residual_by_hand() -> None:
    """Flat grey, a patch 30 levels brighter, flow 0: the residual is 30 x 1 over a gradient of 0 + 2."""
    before, after = flat((100, 100, 100)), flat((100, 100, 100))
    after[64:128, 64:128] = 130
    nothing = np.zeros((256, 256, 2), np.float32)
    step = Step(View(0, before), View(1, after), nothing, nothing)
    # The patch is a 16th of the picture: gain 1 + (30 / 16) / 101 = 1.0186, so 28.1 levels are left inside.
    inside = 130 - 100 * (1 + 30 / 16 / 101)
    assert step.block_residual[10, 10] == pytest.approx(inside / 2, abs=0.1)
    reading = ResidualLocal().update(step)
    assert reading.value == pytest.approx(inside / 2, rel=0.01)  # 2% of 961 blocks are 19; 49 lie in the patch
    assert reading.region is not None
    assert covers(reading.region, 64 / 256, 64 / 256, 128 / 256, 128 / 256)
    outside = 100 * (1 + 30 / 16 / 101) - 100
    mean = (inside + 15 * outside) / 16
    edge = step.current.gradient.mean()
    assert ResidualGlobal().update(step).value == pytest.approx(mean / (edge + 1), rel=0.01)


def test_a_patch_of_less_than_the_worst_2_percent_of_blocks_is_still_boxed() -> None:
    before, after = flat((100, 100, 100)), flat((100, 100, 100))
    after[64:80, 64:80] = 130
    nothing = np.zeros((256, 256, 2), np.float32)
    reading = ResidualLocal().update(Step(View(0, before), View(1, after), nothing, nothing))
    assert reading.value < 1.0  # nine blocks touch it, 19 are the worst 2%
    assert reading.region == Region(56 / 256, 56 / 256, 32 / 256, 32 / 256)


def test_unmatched_by_hand() -> None:
    grey = flat((90, 90, 90), 64, 64)
    flow, forward = np.zeros((64, 64, 2), np.float32), np.zeros((64, 64, 2), np.float32)
    forward[:16] = 5.0  # a quarter leads elsewhere
    assert Unmatched().update(Step(View(0, grey), View(1, grey), flow, forward)).value == 0.25
    flow[..., 0] = -32.0  # half the picture comes from outside, the rest of it does not come back either
    assert Unmatched().update(Step(View(0, grey), View(1, grey), flow, forward)).value == 1.0
    flow[..., 0] = -100.0
    assert Unmatched().update(Step(View(0, grey), View(1, grey), flow, forward)).value == 1.0  # nothing from inside
    assert Unmatched().update(Step(View(0, grey), View(1, grey), flow, -flow)).value == 1.0


def test_a_cut_is_unmatched() -> None:
    first, second = picture(texture(256, 256, 1)), picture(texture(256, 256, 2))
    (seen,) = steps(numbered([first, second]))
    assert Unmatched().update(seen).value > 0.2
    assert ResidualGlobal().update(seen).value > 0.5


def faded(pictures: list[Picture], levels: list[float]) -> list[Picture]:
    return [np.rint(each * level).astype(np.uint8) for each, level in zip(pictures, levels, strict=True)]


def test_a_fade_goes_on_to_black_without_a_residual_and_a_sudden_drop_leaves_one() -> None:
    """Near black a fade's last steps halve the picture and more; they go on at the pace of the steps before."""
    fade = [1.0] * 4 + [1 - number / 8 for number in range(1, 9)]
    residual = curves(faded(pan(12, 2), fade))["residual_local"]
    assert max(residual) < 0.7  # the last picture is black
    drop = curves(faded(pan(12, 2), [1.0] * 8 + [0.6] * 4))["residual_local"]
    assert drop[7] > 3
    back = curves(faded(pan(12, 2), [1.0] * 6 + [0.6] + [1.0] * 5))["residual_local"]  # no fade goes back and forth
    assert back[5] > 3
    assert back[6] > 3
