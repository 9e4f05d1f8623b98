"""A profile's own word on its readings reaches the rule that is learnt from footage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.calibration import STRANGE_TAIL, TAIL, Reference
from bench.holds import evidence
from bench.records import Detector, Mode, Profile
from bench.signals import about, open_profile
from bench.stages.calibrate import Measured, classes_from
from tests.factory import curve

PROFILE = Profile(
    "small",
    1,
    ("residual_local", "residual_global", "residual_lagged"),
    decides=(("residual_local", "jump"), ("standstill", "level")),
    strange=(("residual_local", "jump"),),
    adds=(("residual_lagged", "level", 0.5),),
)


def measured(number: int, frames: int = 24) -> Measured:
    rng = np.random.default_rng(number)
    curves = {
        name: curve(name, rng.gamma(2, 1, frames - 1).tolist())
        for name in (*PROFILE.signals, "standstill", "displacement", "subject_motion")
    }
    return Measured(f"{number}.mp4", str(number), "0" * 64, {24.0: Reference(str(number), curves, frames, 24.0)})


def learnt(profile: Profile) -> dict[tuple[str, str], Detector]:
    (rate,) = classes_from([measured(number) for number in range(30)], profile, 0.1, checked=False)
    return {(one.signal, one.mode): one for one in rate.detectors}


def test_only_what_decides_raises_an_alarm_and_only_what_adds_has_a_weight() -> None:
    detectors = learnt(PROFILE)
    assert {key for key, one in detectors.items() if one.decides} == set(PROFILE.decides)
    assert {key: one.adds for key, one in detectors.items() if one.adds} == {("residual_lagged", "level"): 0.5}


@pytest.mark.parametrize("strange", [(), PROFILE.strange])
def test_a_strange_reading_has_the_scale_of_the_strange_clips(strange: tuple[tuple[str, Mode], ...]) -> None:
    found = learnt(replace(PROFILE, strange=strange))["residual_local", "jump"]
    windows = [measured(number).windows[24.0] for number in range(30)]
    largest = [evidence(window.curves, 24, [replace(found, decides=True)]).largest for window in windows]
    assert np.quantile(largest, STRANGE_TAIL if strange else TAIL) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["light", "standard"])
def test_a_profile_names_readings_that_it_has(name: str) -> None:
    profile = open_profile(name)
    for signal, mode in (*profile.decides, *profile.strange, *((one, mode) for one, mode, _ in profile.adds)):
        assert signal in (*profile.signals, "standstill")
        assert mode in about(signal).reads
