"""relevel: the shipped thresholds, and one's own, at another false-alarm level, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.calibration import fault_of
from bench.records import FrameholdError, RealHold
from bench.stages import Crew
from bench.stages.calibrate import load_calibration, write_calibration
from bench.stages.relevel import calibrate_or_relevel, relevel


def test_the_shipped_thresholds_at_their_own_level_are_themselves() -> None:
    shipped, _ = load_calibration("light")
    assert relevel("light", shipped.alpha) == shipped


def test_a_higher_level_alarms_on_more_of_what_is_real_and_says_so() -> None:
    strict, keen = (relevel("light", alpha) for alpha in (0.05, 0.2))
    assert keen.alpha == 0.2
    for one, other in zip(strict.classes, keen.classes, strict=True):
        assert other.threshold < one.threshold
        assert (other.scores, other.detectors, other.unlinked) == (one.scores, one.detectors, one.unlinked)
        shares = [sum(real.broke for real in rate.reality) / len(rate.reality) for rate in (one, other)]
        assert shares[0] < 0.1 < shares[1] < 0.3
        held = [[real.held_frames for real in rate.reality] for rate in (one, other)]
        assert sum(held[1]) < sum(held[0])


def test_what_was_written_can_be_taken_back(tmp_path: Path) -> None:
    about = bench.calibrate(None, tmp_path / "keen.json", alpha=0.2)
    assert about["alpha"] == 0.2
    assert about["left_out"] == {"of": 0, "reasons": {}}
    bench.calibrate(None, tmp_path / "back.json", calibration=tmp_path / "keen.json")
    shipped, mark = load_calibration("light")
    assert load_calibration("light", str(tmp_path / "back.json")) == (shipped, mark)
    assert load_calibration("light", str(tmp_path / "keen.json"))[1] != mark  # runs under both are not compared unasked


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    def refused(alpha: float, **places: str) -> str:
        given = {"reference": None, "calibration": None, **places}
        with pytest.raises(FrameholdError) as caught:
            calibrate_or_relevel(given["reference"], given["calibration"], "light", alpha, Crew())
        return str(caught.value)

    assert refused(1.5).startswith("--alpha 1.5: expected a share between 0 and 1")
    with pytest.raises(FrameholdError, match=r"--alpha 0\.2: expected a share between 0 and 1"):
        bench.calibrate(None, tmp_path / "text.json", alpha="0.2")  # type: ignore[arg-type]
    assert refused(0.2, reference="a", calibration="b").startswith("--reference and --calibration exclude each other")
    few = refused(0.01)
    assert few.startswith(
        "--alpha 0.01: the thresholds that come with light: a false-alarm level of 0.01 needs at least"
    )
    assert few.endswith("--reference DIR learns new ones")
    shipped, _ = load_calibration("light")
    bare = (
        replace(rate, reality=tuple(replace(real, at_levels=()) for real in rate.reality)) for rate in shipped.classes
    )
    write_calibration(tmp_path / "old.json", replace(shipped, classes=tuple(bare)))
    old = refused(0.2, calibration=str(tmp_path / "old.json"))
    assert old.startswith(f"--alpha 0.2: {tmp_path}/old.json: what real sources hold at that level was not kept")
    with pytest.raises(FrameholdError, match="no calibration comes with"):
        relevel("standard", 0.2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"alpha": 9.0}, "alpha: expected a share between 0 and 1, got 9"),
        ({"alpha": 0.001}, "classes.0.scores: a false-alarm level of 0.001 needs at least 999 sources"),
        ({"classes": ()}, "classes: there are none"),
    ],
)
def test_a_file_that_judges_nothing_is_no_calibration(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    shipped, _ = load_calibration("light")
    write_calibration(tmp_path / "bad.json", replace(shipped, **change))
    with pytest.raises(FrameholdError, match=re.escape(f"{tmp_path}/bad.json: not a calibration: {told}")):
        load_calibration("light", str(tmp_path / "bad.json"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scores": ()}, "scores: expected numbers in order"),
        ({"scores": (2.0, 1.0)}, "scores: expected numbers in order"),
        ({"threshold": 0.0}, "threshold: expected a number above 0, got 0"),
        ({"threshold": float("nan")}, "threshold: expected a number above 0, got nan"),
        ({"fps": 0.0}, "fps, frames: expected a rate above 0 and 2 frames or more, got 0 and 25"),
        ({"detectors": ()}, "detectors: there are none"),
        (
            {"reality": (RealHold("a", 25, 12.0, 25, False, ((0.2, 9), (0.1, 25))),)},
            "reality: a: expected levels in order and frames up to 25",
        ),
        (
            {"reality": (RealHold("a", 25, 12.0, 25, False, ((0.1, 26),)),)},
            "reality: a: expected levels in order and frames up to 25",
        ),
    ],
)
def test_a_class_that_judges_nothing_is_named(change: dict[str, Any], told: str) -> None:
    shipped, _ = load_calibration("light")
    one, other, *more = shipped.classes
    assert fault_of(shipped) is None
    assert fault_of(replace(shipped, classes=(one, replace(other, **change), *more))) == f"classes.1.{told}"
