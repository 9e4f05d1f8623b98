"""calibrate: real footage -> the thresholds of a profile, as a small JSON file that anyone can make from their own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.calibration import (
    STRANGE_TAIL,
    TAIL,
    Reads,
    Reference,
    fault_of,
    learn,
    least_sources,
    longest_length,
    rule,
)
from bench.executors import open_executor
from bench.records import (
    Calibration,
    FrameholdError,
    LeftOut,
    MissingClip,
    Picture,
    Profile,
    RateClass,
    canonical_json,
    counted,
    fingerprint,
)
from bench.run_folder import replace_text, unknown_key
from bench.signals import about, open_profile
from bench.signals.views import working_picture
from bench.stages import Crew, check_alpha
from bench.stages.align import with_alignment
from bench.stages.equip import find_networks
from bench.stages.score import DECISIVE, score_frames
from bench.stages.survey import clips_of, named_reason, no_videos
from bench.video import Frame, content_hash, frames_per_second, read_frames

RATES = (24.0, 12.0, 8.0, 4.0)
FASTER = 1.3  # a clip stands for a rate class up to this many times its own frame rate
LEAST_FRAMES = 8
MOST_FRAMES = 960  # of one reference clip; what comes after is not read
EXCUSED = 3  # sources that may lie above the threshold: it should not hang on the one strangest clip
SHARE = 0.9  # of the sources that must be long enough, where there are few
SIGNIFICANT = 6  # digits kept in the file


@dataclass(frozen=True)
class Job:
    """One reference clip, to be measured at every rate it can stand for."""

    path: str
    source: str
    profile: str


@dataclass(frozen=True)
class Measured:
    """A reference clip's curves, by rate class."""

    name: str
    source: str
    sha256: str
    windows: Mapping[float, Reference]


@dataclass(frozen=True)
class Learnt:
    """A calibration, and the footage that taught it nothing."""

    calibration: Calibration
    left_out: LeftOut


def calibrate(reference: Path, profile_name: str, alpha: float, crew: Crew, offline: bool = False) -> Learnt:
    """Thresholds from the videos in `reference`; those that cannot be read or are too short are left out, and told.

    Windows cut from one source belong together: a manifest.csv with columns file and source_id says which do. Raises
    FrameholdError when the footage is too little for the false-alarm level, WeightsAbsent without the networks.
    """
    profile = open_profile(profile_name)
    check_alpha(alpha)
    listed, need = clips_of(reference), least_sources(alpha)
    reasons = no_videos(path for path, _ in listed)
    sources = {source for path, source in listed if path.name not in reasons}
    if len(sources) < need:  # told before any clip is measured
        few = (
            f"--reference {reference}: a false-alarm level of {alpha:g} needs at least {need} sources, and there are "
            f"{len(sources)}: add footage, or allow more with --alpha"
        )
        raise FrameholdError(LeftOut(len(listed), reasons).after(few))
    networks = find_networks(profile.name, offline)
    footage, left_out = measure_footage(reference, profile, crew)
    try:
        classes = classes_from(footage, profile, alpha)
    except ValueError as error:
        raise FrameholdError(left_out.after(f"--reference {reference}: {error}")) from error
    idle = {each.name: reason for each in footage if (reason := _idle(each, classes))}
    calibration = Calibration(
        profile=profile.name,
        profile_version=profile.version,
        alpha=alpha,
        classes=classes,
        sources=tuple(f"{each.name} {each.sha256[:16]}" for each in footage if each.name not in idle),
        versions={name: version(name) for name in DECISIVE} | networks,
    )
    return Learnt(calibration, LeftOut(left_out.of, {**left_out.reasons, **idle}))


def _idle(each: Measured, classes: Sequence[RateClass]) -> str | None:
    """Why a clip that was measured taught no class; None where it taught one."""
    reached = [(rate, each.windows[rate.fps].frames) for rate in classes if rate.fps in each.windows]
    if any(frames >= rate.frames for rate, frames in reached):
        return None
    if not reached:
        return "no frame rate that it can stand for has enough sources"
    rate, frames = reached[0]
    return f"too short: {frames} of {counted(rate.frames, 'frame')} at {rate.fps:g} a second"


def measure_footage(reference: Path, profile: Profile, crew: Crew) -> tuple[list[Measured], LeftOut]:
    """Every video in the folder at every rate it can stand for, and why others cannot be measured."""
    jobs = [Job(str(path), source, profile.name) for path, source in clips_of(reference)]
    measured: dict[int, Measured] = {}
    failed: dict[int, str] = {}
    crew.progress("calibrate", 0, len(jobs))
    ended = open_executor(crew.executor)(measure_reference, jobs, crew.workers)
    for done, (index, outcome) in enumerate(ended, start=1):
        if outcome.result:
            measured[index] = outcome.result
        else:
            failed[index] = outcome.missing or ""
        crew.progress("calibrate", done, len(jobs))
    reasons = dict(named_reason(jobs[index].path, failed[index]) for index in sorted(failed))
    return [measured[index] for index in sorted(measured)], LeftOut(len(jobs), reasons)


def classes_from(
    footage: Sequence[Measured], profile: Profile, alpha: float, checked: bool = True
) -> tuple[RateClass, ...]:
    """The rule of every rate class that there is enough footage for; unchecked, without `reality`.

    Raises ValueError when there is too little for any.
    """
    signals = (*profile.signals, "standstill")
    weights = {(name, mode): weight for name, mode, weight in profile.adds}
    reads = [
        Reads(
            name,
            mode,
            about(name).floor,
            (name, mode) in profile.decides,
            weights.get((name, mode), 0.0),
            STRANGE_TAIL if (name, mode) in profile.strange else TAIL,
            about(name).names,
        )
        for name in signals
        for mode in about(name).reads
    ]
    by_rate = {rate: [each.windows[rate] for each in footage if rate in each.windows] for rate in RATES}
    counts = {rate: len({window.source for window in windows}) for rate, windows in by_rate.items()}
    need = least_sources(alpha)
    if max(counts.values()) < need:
        raise ValueError(
            f"a false-alarm level of {alpha:g} needs at least {need} sources, got {max(counts.values())} from "
            f"{len(footage)} clips: add footage, or allow more with --alpha"
        )
    how = learn if checked else rule
    return tuple(
        how(windows, reads, rate, _length(windows, alpha), alpha)
        for rate, windows in by_rate.items()
        if counts[rate] >= need
    )


def _length(windows: Sequence[Reference], alpha: float) -> int:
    """The longest length that enough sources reach."""
    lengths: dict[str, int] = {}
    for window in windows:
        lengths[window.source] = max(lengths.get(window.source, 0), window.frames)
    wanted = math.ceil(EXCUSED / alpha) - 1
    enough = wanted if len(lengths) >= wanted else max(math.ceil(SHARE * len(lengths)), least_sources(alpha))
    return longest_length(list(lengths.values()), enough)


def measure_reference(job: Job) -> Measured:
    """Curves of one reference clip at every rate it can stand for, by leaving out frames. Raises MissingClip."""
    path = Path(job.path)
    pictures: list[Picture] = []
    times: list[float] = []
    for frame in read_frames(path):
        pictures.append(working_picture(frame.picture))
        times.append(frame.time_seconds)
        if len(times) == MOST_FRAMES:
            break
    if len(times) < LEAST_FRAMES:
        raise MissingClip(f"{path}: {counted(len(times), 'frame')}, fewer than {LEAST_FRAMES}")
    fps, sha256 = frames_per_second(times), content_hash(path)
    windows = {}
    for rate in RATES:
        step = max(1, round(fps / rate))
        kept = pictures[::step]
        if rate > fps * FASTER or len(kept) < LEAST_FRAMES:
            continue
        frames = (Frame(index, index * step / fps, picture) for index, picture in enumerate(kept))
        curves = {curve.signal: curve for curve in score_frames(frames, job.profile, unseen=sha256).curves}
        windows[rate] = Reference(job.source, curves, len(kept), fps / step)
    if not windows:
        raise MissingClip(
            f"{path}: {len(times)} frames at {fps:.3g} a second: too short or too slow for every rate that is "
            f"calibrated ({', '.join(f'{rate:g}' for rate in RATES)})"
        )
    return Measured(path.name, job.source, sha256, windows)


def about_learnt(learnt: Learnt) -> dict[str, Any]:
    """What `framehold calibrate` tells: the thresholds' level and footage, and what was left out of it."""
    return about_calibration(learnt.calibration) | {"left_out": asdict(learnt.left_out)}


def about_calibration(calibration: Calibration) -> dict[str, Any]:
    """What a reader should know of the thresholds: their level, footage, and false alarms on sources held out."""
    classes = []
    for rate in calibration.classes:
        alarms = sum(real.broke for real in rate.reality)
        about = {"fps": rate.fps, "frames": rate.frames, "sources": len(rate.scores)}
        classes.append(about | {"false_alarms": alarms, "tested_sources": len(rate.reality)})
    return {"alpha": calibration.alpha, "classes": classes}


# ---- the file ----------------------------------------------------------------------------------------------------


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Replace a calibration file atomically; numbers to six significant digits."""
    replace_text(path, canonical_json(_rounded(asdict(calibration))).replace('},{"', '},\n{"') + "\n")


def _rounded(content: object) -> object:
    if isinstance(content, float):
        return float(f"{content:.{SIGNIFICANT}g}")
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return content


def has_calibration(profile: Profile) -> bool:
    """Does a calibration of it come with framehold?"""
    return _shipped(profile).is_file()


def no_calibration(profile: Profile) -> str:
    """What to do where none comes with it."""
    return (
        f"--profile {profile.name}: no calibration comes with version {profile.version} of it: make one from your own "
        f"real footage with `framehold calibrate --reference DIR --profile {profile.name}` and pass it with "
        "--calibration; --profile light has one"
    )


def _shipped(profile: Profile) -> Traversable:
    return files("bench") / "assets" / "calibrations" / f"{profile.name}-{profile.version}.json"


def load_calibration(
    profile_name: str, path: str | None = None, clip_model: str | None = None
) -> tuple[Calibration, str]:
    """The calibration of a profile and the hash of its content: the shipped one, or the file at `path`.

    With a CLIP whose alignment is calibrated, alignment is one of its detectors.
    Raises FrameholdError when there is none, it cannot be read, or it was made for another profile or version.
    """
    profile = open_profile(profile_name)
    shipped = _shipped(profile)
    if not path and not shipped.is_file():
        raise FrameholdError(no_calibration(profile))
    place = path or str(shipped)
    try:
        text = Path(path).read_text(encoding="utf-8") if path else shipped.read_text(encoding="utf-8")
        calibration = TypeAdapter(Calibration).validate_json(text)
    except FileNotFoundError as error:
        raise FrameholdError(
            f"{place}: no calibration of profile {profile.name} {profile.version}: make one from real footage with "
            f"`framehold calibrate --reference DIR --profile {profile.name}`"
        ) from error
    except OSError as error:
        raise FrameholdError(f"{place}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FrameholdError(f"{place}: not a calibration file: not UTF-8 text at byte {error.start}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise FrameholdError(
            f"{place}: not a calibration file: {where}: {fault['msg'].lower()}; make one with `framehold calibrate`"
        ) from error
    if key := unknown_key(json.loads(text), asdict(calibration)):
        raise FrameholdError(f"{place}: not a calibration file: unknown key {key!r}; written by another version?")
    made_for = (calibration.profile, calibration.profile_version)
    if made_for != (profile.name, profile.version):
        raise FrameholdError(
            f"{place}: made for profile {made_for[0]} version {made_for[1]}, this is {profile.name} version "
            f"{profile.version}: make it again with `framehold calibrate`"
        )
    if unsound := fault_of(calibration):
        raise FrameholdError(f"{place}: not a calibration: {unsound}; make one with `framehold calibrate`")
    calibration = with_alignment(calibration, clip_model)
    return calibration, fingerprint(asdict(calibration))
