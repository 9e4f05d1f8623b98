"""What the embedded networks are taught with: visitors, restless cameras, wrecks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench.records import Picture
from bench.signals.views import working_size
from tools.clip_wrecks import WRECKS, wrecked
from tools.continuation_visits import Path, Visitor, Wave, visited
from tools.continuation_whips import whipped


def textured(seed: int, height: int = 96, width: int = 128) -> Picture:
    rough = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def visitor(path: Path, *, blurs: bool = False) -> Visitor:
    waves = (Wave(2, 0.1, 0.4, 1.0),)
    return Visitor(path, 20.0, 1.2, waves, (1.0, 1.2), 0.3, 0.2, 1.0, 0, plays=True, zoom=0.8, blurs=blurs)


def test_a_visitor_comes_in_from_outside_covers_what_is_there_and_goes() -> None:
    start, middle, end = (np.array(place) for place in ((-40.0, 50.0), (64.0, 48.0), (170.0, 40.0)))
    path = Path(start, middle, end, 2.0, 20.0, 0.4)
    assert [path.share(time) for time in (1.0, 2.0, 12.0, 22.0, 23.0)] == [None, None, 0.5, None, None]
    guest = visitor(path)
    still, other = textured(1), [textured(k) for k in (2, 3)]
    frames = [guest.over(still, number, other) for number in range(30)]
    covered = [float(np.mean(np.any(frame != still, axis=2))) for frame in frames]
    assert covered[:3] + covered[22:] == [0.0] * 11, "before and after its visit"
    assert covered[12] == pytest.approx(np.pi * 20**2 * 1.1**2 / still[..., 0].size, rel=0.15)
    first = next(k for k, share in enumerate(covered) if share)
    columns = np.flatnonzero(np.any(frames[first] != still, axis=(0, 2)))
    assert columns[0] == 0, "what is seen of it first lies at the side it comes from"
    assert columns[-1] < 64


def test_a_blurred_visitor_is_the_mean_over_its_exposures() -> None:
    start, middle, end = (np.array(place) for place in ((-60.0, 48.0), (64.0, 48.0), (190.0, 48.0)))
    path = Path(start, middle, end, 0.0, 12.0, 0.0)
    sharp, soft = visitor(path), visitor(path, blurs=True)
    black, white = np.zeros((96, 128, 3), np.uint8), [np.full((96, 128, 3), 255, np.uint8)]
    rims = [
        np.count_nonzero((one.over(black, 6, white) > 20) & (one.over(black, 6, white) < 235)) for one in (sharp, soft)
    ]
    assert rims[1] > 1.5 * rims[0]
    assert soft.over(black, 6, white).mean() == pytest.approx(sharp.over(black, 6, white).mean(), rel=0.05)


def test_visits_hang_on_the_seed_alone_and_leave_the_clip_as_it_was() -> None:
    clip, other = [textured(k) for k in range(12)], [textured(k) for k in range(20, 26)]
    before = [picture.copy() for picture in clip]
    one, two, three = (visited(clip, other, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)
    assert len(one) == len(clip)
    assert np.array_equal(clip, before)


def test_a_restless_camera_sees_parts_of_the_picture_at_the_working_size() -> None:
    clip = [textured(1, 180, 320)] * 24
    seen = [whipped(clip, np.random.default_rng(seed)) for seed in range(8)]
    wide, high = working_size(320, 180)
    assert {picture.shape for frames in seen for picture in frames} == {(high, wide, 3)}
    steps = [float(np.abs(np.diff(np.array(frames, np.float32), axis=0)).mean(axis=(1, 2, 3)).max()) for frames in seen]
    assert min(steps) > 1, "it moves over a picture that does not"
    assert np.array_equal(seen[0], whipped(clip, np.random.default_rng(0)))


def test_a_wreck_changes_a_part_of_the_picture_and_no_more() -> None:
    picture = textured(3, 112, 112)
    for seed in range(20):
        changed = np.any(wrecked(picture, np.random.default_rng(seed)) != picture, axis=2)
        assert 0.01 < changed.mean() < 0.6
    one, two = (wrecked(picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("way", WRECKS)
def test_no_wreck_reaches_beyond_its_window(way: object) -> None:
    assert callable(way)
    picture, window = textured(5, 112, 112), np.zeros((112, 112), np.float32)
    window[30:60, 40:80] = 1
    changed = way(picture, window, (60.0, 45.0), np.random.default_rng(0))
    difference = np.abs(changed.astype(int) - picture)
    assert difference[window == 0].max() == 0
    assert difference[window == 1].mean() > 3
