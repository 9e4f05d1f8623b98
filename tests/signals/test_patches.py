"""Patches and the flow of a profile: a part that becomes another is seen and boxed, what only moves is not."""

from __future__ import annotations

import copy
import math
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.embedded import embedded_weights
from bench.records import Curve, Picture
from bench.registry import load
from bench.signals import LEARNED, LIGHT, PROFILES, Measuring, measure
from bench.signals.patches import LAG, PARTS, SETTLED, Earlier, begun, carried, distance
from bench.signals.planes import Plane
from bench.signals.views import Step, View, Walk, dis, steps, track
from tests.factory import flat, numbered, pan, picture, texture

SIDE = 16  # working pixels a side of the patches of `describe`
PATCHES = ("patch_first", "patch_usual", "patch_lagged")


def describe(view: View) -> Plane:
    """A stand-in for a network: the mean colour of each patch beside grey, as a direction (rows, columns, 4)."""
    rows, columns = view.gray.shape[0] // SIDE, view.gray.shape[1] // SIDE
    means = cv2.resize(view.colour, (columns, rows), interpolation=cv2.INTER_AREA) - 119.5
    means = np.dstack([means, np.full((rows, columns), 60.0)])
    return np.asarray(means / np.linalg.norm(means, axis=2, keepdims=True), np.float32)


def curves(pictures: list[Picture], *names: str, flow: Any = dis) -> dict[str, Curve]:
    networks = {**embedded_weights(), "dinov2-small": describe, "raft-small": flow}
    return {curve.signal: curve for curve in measure(numbered(pictures), names, networks)}


def step_of(flow: tuple[float, float], side: int = 64, valid: bool = True) -> Step:
    """A step of a square picture in which everything comes from `flow` (x, y) working pixels away."""
    one, two = (View(index, flat((9, 9, 9), side, side)) for index in (0, 1))
    plane = np.broadcast_to(np.array(flow, np.float32), (side, side, 2)).copy()
    return Step(one, two, plane, -plane if valid else plane + 5)


def one_hot(numbers: list[list[int]]) -> Plane:
    """Patches that are all different from one another, by number."""
    return np.asarray(np.eye(40)[np.array(numbers)], np.float32)


GRID = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


# ---- by hand -----------------------------------------------------------------------------------------------------


def test_what_moved_by_one_patch_is_what_it_was_and_what_was_outside_is_not_judged() -> None:
    (earlier,) = carried([begun(one_hot(GRID))], step_of((-16.0, 0.0)))  # everything moves right by one patch of 4
    moved = [[20 + row, *line[:3]] for row, line in enumerate(GRID)]
    assert distance(one_hot(moved), earlier).tolist() == [[0.0] * 4] * 4
    moved[1][2] = 30
    expected = np.zeros((4, 4))
    expected[1, 2] = 1.0
    assert distance(one_hot(moved), earlier).tolist() == expected.tolist()


def test_steps_add_up_along_the_flow() -> None:
    frames = [begun(one_hot(GRID))]
    for _ in range(4):
        frames = carried(frames, step_of((-4.0, 4.0)))  # four steps of a quarter of a patch: right, and up
    moved = [[20, *line[:3]] for line in GRID[1:]] + [[21, 22, 23, 24]]
    assert distance(one_hot(moved), frames[0]).tolist() == [[0.0] * 4] * 4


def test_half_way_between_patches_the_nearer_of_both_counts() -> None:
    earlier = carried([begun(one_hot(GRID))], step_of((-8.0, 0.0)))[0]
    for moved in ([line[:1] + line[:3] for line in GRID], GRID):
        assert distance(one_hot(moved), earlier)[:, 1:].max() == 0.0


def test_what_was_lost_is_sought_around_and_what_was_followed_is_not() -> None:
    uncovered = [line.copy() for line in GRID]
    uncovered[2][2] = 5  # what was one patch up and to the left
    followed, lost = (carried([begun(one_hot(GRID))], step_of((0.0, 0.0), valid=valid))[0] for valid in (True, False))
    assert distance(one_hot(uncovered), followed)[2, 2] == 1.0
    assert distance(one_hot(uncovered), lost)[2, 2] == 0.0
    uncovered[2][2] = 0  # two patches away
    assert distance(one_hot(uncovered), lost)[2, 2] == 1.0


def test_half_a_change_of_direction_is_one_less_its_cosine() -> None:
    here = np.zeros((1, 1, 2), np.float32)
    here[0, 0] = np.cos(np.pi / 3), np.sin(np.pi / 3)
    assert distance(here, begun(np.array([[[1.0, 0.0]]], np.float32)))[0, 0] == pytest.approx(0.5)


def test_places_are_kept_in_the_parts_of_patches() -> None:
    earlier: Earlier = begun(one_hot(GRID))
    assert earlier.shift.shape == (4 * PARTS, 4 * PARTS, 2)
    assert carried([], step_of((0.0, 0.0))) == []


# ---- on pictures -------------------------------------------------------------------------------------------------


def tile(seed: int, colour: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.asarray(texture(64, 64, seed, blur=8.0) * 0.5 + colour, np.float32)


def moving_tile(looks: list[NDArray[np.float32]], pace: int = 3) -> list[Picture]:
    """A tile of 64 working pixels that moves right over a still ground; one look of it for each frame."""
    ground = texture(256, 256, 2, blur=12.0)
    pictures = []
    for index, look in enumerate(looks):
        levels = ground.copy()
        levels[96:160, 48 + pace * index : 112 + pace * index] = look
        pictures.append(picture(levels))
    return pictures


def test_a_tile_that_becomes_another_while_it_moves_is_seen_and_boxed() -> None:
    same, other = tile(3, (90, 0, 0)), tile(4, (0, 0, 90))
    frames, onset = 14, 8
    steady = curves(moving_tile([same] * frames), *PATCHES)
    broken = curves(moving_tile([same] * onset + [other] * (frames - onset)), *PATCHES)
    for name in PATCHES:
        at = broken[name].frames.index(onset)
        assert broken[name].values[at] > 3 * max(steady[name].values[SETTLED:]), name
        assert broken[name].values[:at] == pytest.approx(steady[name].values[:at], nan_ok=True)
        region = broken[name].regions[at]
        assert region is not None
        left = (48 + 3 * onset) / 256
        assert abs(region.x - left) <= SIDE / 256
        assert abs(region.y - 96 / 256) <= SIDE / 256
        assert abs(region.w - 0.25) <= 2 * SIDE / 256
        assert abs(region.h - 0.25) <= 2 * SIDE / 256
    after = onset + LAG  # the tile is its new self in the frame four before; in the first it is not
    assert broken["patch_lagged"].values[after - 1] < 0.3 * broken["patch_lagged"].values[onset - 1]
    assert broken["patch_first"].values[after - 1] > 0.9 * broken["patch_first"].values[onset - 1]


def test_a_still_picture_has_not_changed_and_one_that_pans_hardly() -> None:
    still = [picture(texture(256, 256, 1, blur=12.0))] * 7
    for curve in curves(still, *PATCHES).values():
        assert np.nanmax(curve.values) < 1e-5
    wide = texture(256, 512, 1, blur=24.0)  # seen through a window that moves a third of a patch a frame
    panned = [picture(wide[:, 5 * k : 5 * k + 256]) for k in range(9)]
    cut = [*panned[:6], *(each[::-1] for each in panned[6:])]
    for name, curve in curves(panned, *PATCHES).items():
        assert np.nanmax(curve.values) < 0.1 * curves(cut, name)[name].values[5], name


def test_what_has_no_past_says_nothing_yet() -> None:
    found = curves(pan(7, 2), *PATCHES)
    silent = {name: [math.isnan(value) for value in curve.values] for name, curve in found.items()}
    assert silent["patch_first"] == [False] * 6
    assert silent["patch_usual"] == [True] * (SETTLED - 1) + [False] * (7 - SETTLED)
    assert silent["patch_lagged"] == [True] * (LAG - 1) + [False] * (7 - LAG)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2048, 32), (32, 2048), (90, 160)])
def test_pictures_of_any_size_are_measured(width: int, height: int) -> None:
    rng = np.random.default_rng(width)
    noise = [np.asarray(rng.integers(0, 256, (height, width, 3)), np.uint8) for _ in range(6)]
    for curve in curves(noise, *LEARNED).values():
        assert np.isfinite(curve.values[LAG - 1 :]).all()
        assert (np.array(curve.values[LAG - 1 :]) >= 0).all()


# ---- the flow of a profile ---------------------------------------------------------------------------------------


def test_without_another_the_flow_is_dis_in_both_directions() -> None:
    pictures = pan(3, 4)
    for one, two, step in zip(pictures, pictures[1:], steps(numbered(pictures)), strict=False):
        gray = [np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.uint8) for each in (one, two)]
        matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        assert np.array_equal(step.flow, matcher.calc(gray[1], gray[0], None))  # type: ignore[call-overload]
        assert np.array_equal(step.forward, track(*gray))


def test_a_walk_takes_the_flow_it_is_given() -> None:
    def four_right(earlier: View, later: View) -> tuple[Plane, Plane]:
        plane = np.full((*later.gray.shape, 2), 4.0, np.float32)
        return plane, -plane

    walk = Walk(four_right)
    assert walk.step(0, pan(1, 0)[0]) is None
    step = walk.step(1, pan(1, 0)[0])
    assert step is not None
    assert (step.flow == 4).all()
    assert (step.forward == -4).all()


def test_light_is_the_same_beside_signals_that_see_another_flow() -> None:
    def none(earlier: View, later: View) -> tuple[Plane, Plane]:
        return (np.zeros((*later.gray.shape, 2), np.float32),) * 2

    pictures = moving_tile([texture(64, 64, 3)] * 5)
    alone, beside = curves(pictures, *LIGHT), curves(pictures, *LIGHT, *LEARNED, flow=none)
    assert set(alone) == set(PROFILES["light"].signals)
    for name, curve in alone.items():
        np.testing.assert_array_equal(beside[name].values, curve.values)
        assert beside[name].regions == curve.regions
    assert beside["raft_residual_global"].values[0] > 1.5 * alone["residual_global"].values[0]


@pytest.mark.parametrize("name", ["residual_local", "residual_global", "unmatched"])
def test_residuals_differ_by_their_flow_alone(name: str) -> None:
    found = curves(pan(4, 3), name, f"raft_{name}", flow=dis)
    assert found[f"raft_{name}"].values == found[name].values
    assert found[f"raft_{name}"].regions == found[name].regions


def test_a_profile_names_what_its_signals_need() -> None:
    for profile in PROFILES.values():
        kinds = [load({**LIGHT, **LEARNED}, "signal", name) for name in profile.signals]
        needed = {getattr(kind, word, None) for kind in kinds for word in ("flow", "weights")}
        assert needed - {None, "continuation"} == set(profile.networks)
        known = {(name, mode) for name, kind in zip(profile.signals, kinds, strict=True) for mode in kind.reads}
        assert set(profile.decides) <= known | {("standstill", "level")}


def test_a_network_that_nobody_gave_is_named() -> None:
    with pytest.raises(ValueError, match="a signal needs the network raft-small; got continuation"):
        measure([], ("raft_unmatched",), embedded_weights())


def test_a_copy_goes_on_from_where_it_is() -> None:
    pictures = moving_tile([texture(64, 64, 3)] * 7)
    networks = {"dinov2-small": describe, "raft-small": dis}
    measuring = Measuring(PATCHES, networks)
    for index in range(4):
        measuring.add(index, pictures[index])
    forked = copy.deepcopy(measuring)
    for index in range(4, 7):
        for going_on in (measuring, forked):
            going_on.add(index, pictures[index])
    np.testing.assert_equal(forked.curves(), measuring.curves())
