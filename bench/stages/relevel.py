"""relevel: thresholds learnt at one false-alarm level -> those of the same footage at another. Measures nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.calibration import at_level
from bench.records import Calibration, FrameholdError, LeftOut
from bench.stages import Crew, check_alpha
from bench.stages.calibrate import Learnt, calibrate, load_calibration


def calibrate_or_relevel(
    reference: str | Path | None,
    calibration: str | Path | None,
    profile_name: str,
    alpha: float,
    crew: Crew,
    offline: bool = False,
) -> Learnt:
    """Thresholds from a folder of real footage; without one, those there are at that level. See `relevel`."""
    if reference is not None and calibration is not None:
        raise FrameholdError("--reference and --calibration exclude each other: new footage, or another level of old")
    if reference is not None:
        return calibrate(Path(reference), profile_name, alpha, crew, offline)
    return Learnt(relevel(profile_name, alpha, None if calibration is None else str(calibration)), LeftOut())


def relevel(profile_name: str, alpha: float, path: str | None = None) -> Calibration:
    """The shipped calibration of a profile, or the file at `path`, at another level.

    The more real clips may raise an alarm, the more of what breaks does; what that costs, real footage shows in every
    table. Raises FrameholdError naming --alpha where the footage is too little for it.
    """
    check_alpha(alpha)
    calibration, _ = load_calibration(profile_name, path)
    try:
        classes = tuple(at_level(rate, alpha) for rate in calibration.classes)
    except ValueError as error:
        place = path or f"the thresholds that come with {profile_name}"
        raise FrameholdError(f"--alpha {alpha:g}: {place}: {error}; --reference DIR learns new ones") from error
    return replace(calibration, alpha=alpha, classes=classes)
