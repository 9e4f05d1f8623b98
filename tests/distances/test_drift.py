"""Along the clip: a set that drifts is caught where it drifts, one that does not holds to the end."""

from __future__ import annotations

import numpy as np
import pytest

from bench.distances.estimate import Plan
from bench.distances.samples import Floats
from bench.distances.windows import Drift, drift

FRAMES = [(start, start + 8) for start in range(0, 48, 8)]
QUICK = Plan(replicates=60, splits=60)


def clips(n: int, seed: int, from_window: int = 6, apart: float = 0.0) -> Floats:
    """(windows, n, 4): a clip's own content in all of its windows, noise in each, and a drift from one window on."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((1, n, 4)) + 0.5 * rng.standard_normal((6, n, 4))
    features[from_window:] += apart
    return features


def labels(n: int, m: int) -> tuple[list[str], list[str]]:
    return [f"a{clip}" for clip in range(n)], [f"b{clip}" for clip in range(m)]


def drifted(from_window: int, apart: float, seed: int = 0) -> Drift:
    sets = clips(60, seed, from_window, apart), clips(140, 100 + seed)
    return drift(*sets, FRAMES, labels(60, 140), QUICK)


def test_it_holds_until_the_window_in_which_it_drifts() -> None:
    found = drifted(3, 2.0)
    assert [window.above for window in found.windows] == [False] * 3 + [True] * 3
    assert (found.hold_frames.value, found.to_the_end) == (24, False)
    assert found.hold_frames.low <= 24 <= found.hold_frames.high
    assert {window.n for window in found.windows} == {60}
    assert all(window.since_opening.low > 0 for window in found.windows[3:])
    assert found.windows[0].since_opening == (0, 0, 0)


def test_a_set_apart_from_the_start_holds_nothing() -> None:
    found = drifted(0, 2.0)
    assert (found.hold_frames.value, found.to_the_end) == (0, False)
    assert max(abs(window.since_opening.value) for window in found.windows) < found.windows[0].value.value / 2


@pytest.mark.slow
def test_real_sets_are_called_drifting_at_the_level_over_all_windows_together() -> None:
    alarms = sum(not drifted(6, 0.0, seed).to_the_end for seed in range(60))
    assert alarms <= 8  # 3 expected at most; more than 8 has a chance of 1 in 300


def test_the_floor_is_higher_for_more_windows_together() -> None:
    sets = clips(60, 0), clips(140, 1)
    all_windows = drift(*sets, FRAMES, labels(60, 140), QUICK).windows[0].floor
    alone = drift(sets[0][:1], sets[1][:1], FRAMES[:1], labels(60, 140), QUICK).windows[0].floor
    assert all_windows > alone


def test_windows_that_do_not_match_and_references_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="as many windows"):
        drift(clips(20, 0)[:3], clips(20, 1), FRAMES, labels(20, 20), QUICK)
    with pytest.raises(ValueError, match="without a common clip or source have 7 clips each: a floor needs 8"):
        drift(clips(20, 0), clips(14, 1), FRAMES, labels(20, 14), QUICK)
