"""Curves of real footage -> thresholds, by conformal prediction on each clip's largest evidence.

The threshold is the ceil((n + 1)(1 - alpha))-th largest evidence among n real sources, each measured by what is usual
among the *other* sources (cross-conformal prediction, Vovk 2015; split conformal, Lei et al. 2018, would spend half of
the footage on either purpose). A new real clip of that length then raises any alarm with probability of about alpha,
over all its frames and all signals together; `reality` holds the check of it on sources that took no part.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.holds import (
    Evidence,
    Motion,
    displacement_by_frame,
    evidence,
    find_hold,
    motion,
    reading,
    unlinked,
)
from bench.records import Calibration, Curve, Detector, Mode, RateClass, RealHold

BINS: dict[Mode, int] = {"level": 4, "jump": 1}  # of motion, equally filled; a jump is held against its own clip
TAIL, STRANGE_TAIL = 0.9, 0.98
"""Quantile over clips of their largest reading: a scale does not hang on the strangest clips. Where those are far from
all others (they leap, or are shaken) it does, or they would set the threshold for every detector."""
USUAL, LARGE = 0.5, 0.9  # quantiles whose distance is the spread of a reading
SMALLEST_SPREAD = 0.05
SMALLEST_SHARE = 0.02  # of the picture; fewer parts without a match are no more than chance
INNER_FOLDS, OUTER_FOLDS = 5, 6
LEVEL_DIGITS = 1e-5  # a level may have been rounded when it was written


@dataclass(frozen=True)
class Reference:
    """One window of real footage, measured at the frame rate of a class."""

    source: str
    curves: Mapping[str, Curve]
    frames: int
    fps: float

    def first(self, frames: int) -> Reference:
        """The opening `frames` frames of it: what every causal curve would have been, had the clip ended there."""
        if frames >= self.frames:
            return self
        curves = {}
        for name, curve in self.curves.items():
            keep = sum(frame < frames for frame in curve.frames)
            curves[name] = replace(
                curve, frames=curve.frames[:keep], values=curve.values[:keep], regions=curve.regions[:keep]
            )
        return replace(self, curves=curves, frames=frames)

    @property
    def motion(self) -> Motion:
        """Its own motion, picture sizes a second."""
        return motion(self.curves, (self.frames - 1) / self.fps)


@dataclass(frozen=True)
class Reads:
    """How a signal is read for breaks: below `floor` differences of its value mean nothing. See `Detector`."""

    signal: str
    mode: Mode
    floor: float
    decides: bool = True
    adds: float = 0.0
    tail: float = TAIL
    names: bool = True


def conformal_rank(count: int, alpha: float) -> int:
    """Rank of the threshold among `count` sorted scores: ceil((count + 1)(1 - alpha)). Raises ValueError when too few.

    >>> conformal_rank(39, 0.05)
    38
    """
    rank = math.ceil((count + 1) * (1 - alpha) - 1e-9)
    if rank > count:
        need = math.ceil(1 / alpha - 1e-9) - 1
        raise ValueError(
            f"a false-alarm level of {alpha:g} needs at least {need} sources for the threshold, got {count}"
        )
    return rank


def threshold_at(scores: Sequence[float], alpha: float) -> float:
    """The threshold that sorted scores of real sources set. Raises ValueError where they are too few, or it is not > 0.

    >>> threshold_at([0.0] * 30 + [1.0] * 3 + [2.0] * 3 + [3.0] * 3, 0.1)
    2.0
    """
    threshold = scores[conformal_rank(len(scores), alpha) - 1]
    if threshold <= 0:
        differ = sum(score > 0 for score in scores) / (len(scores) + 1)
        raise ValueError(f"no more than {differ:.1%} of the clips ever differ from what is usual: does anything move?")
    return threshold


def least_sources(alpha: float) -> int:
    """Sources without which there is no threshold at that level that can also be checked on sources held out.

    >>> least_sources(0.05)
    23
    """
    count = need = math.ceil(1 / alpha - 1e-9) - 1
    while count - math.ceil(count / OUTER_FOLDS) < max(need, 2):
        count += 1
    return count


def longest_length(lengths: Sequence[int], least_sources: int) -> int:
    """The longest length that at least `least_sources` sources reach. Raises ValueError when there are not so many."""
    if len(lengths) < least_sources:
        raise ValueError(f"expected at least {least_sources} sources, got {len(lengths)}")
    return sorted(lengths, reverse=True)[least_sources - 1]


def learn(references: Sequence[Reference], reads: Sequence[Reads], fps: float, frames: int, alpha: float) -> RateClass:
    """The rule of one rate class from real windows, all cut to `frames`; `reality` has each source's out-of-fold hold.

    Raises ValueError when too few sources are long enough for the false-alarm level.
    """
    usable = [window.first(frames) for window in references if window.frames >= frames]
    learnt = rule(usable, reads, fps, frames, alpha)
    reality = []
    for others, tested in _folds(usable, OUTER_FOLDS):
        other = rule(others, reads, fps, frames, alpha)
        for window in tested:
            table = evidence(window.curves, window.frames, other.detectors)
            hold = find_hold(window.curves, table, other.threshold, limit=other.unlinked)
            levels = _at_levels(window, table, other)
            reality.append(RealHold(window.source, window.frames, window.fps, hold.held_frames, hold.broke, levels))
    return replace(learnt, reality=tuple(sorted(reality, key=lambda hold: hold.source)))


def _at_levels(window: Reference, table: Evidence, other: RateClass) -> tuple[tuple[float, int], ...]:
    """What a window holds under each threshold that the other sources could set, where that changes."""
    found: list[tuple[float, int]] = []
    count = len(other.scores)
    for rank in range(count, 0, -1):
        if other.scores[rank - 1] <= 0:
            break
        held = find_hold(window.curves, table, other.scores[rank - 1], limit=other.unlinked).held_frames
        if not found or held != found[-1][1]:
            found.append((1 - rank / (count + 1), held))
    return tuple(found)


def at_level(rate: RateClass, alpha: float) -> RateClass:
    """The rule at another false-alarm level, from the same footage: its threshold, and what real sources hold under it.

    Limits of stillness and of unlinked frames stay. Raises ValueError where the footage is too little for that level,
    or what its sources hold at other levels was not kept.
    """
    threshold, reality = threshold_at(rate.scores, alpha), []
    for real in rate.reality:
        held = [frames for level, frames in real.at_levels if level <= alpha + LEVEL_DIGITS]
        if not held:
            kept = f"none below {real.at_levels[0][0]:.3g}" if real.at_levels else "none"
            raise ValueError(f"what real sources hold at that level was not kept ({kept})")
        reality.append(replace(real, held_frames=held[-1], broke=held[-1] < real.frames))
    return replace(rate, threshold=threshold, reality=tuple(reality))


def fault_of(calibration: Calibration) -> str | None:
    """What makes a calibration one that nothing can be judged by; None for a sound one."""
    if not 0 < calibration.alpha < 1:
        return f"alpha: expected a share between 0 and 1, got {calibration.alpha:g}"
    if not calibration.classes:
        return "classes: there are none"
    for number, rate in enumerate(calibration.classes):
        if fault := _fault_of_class(rate, calibration.alpha) or _fault_of_reality(rate):
            return f"classes.{number}.{fault}"
    return None


def _fault_of_class(rate: RateClass, alpha: float) -> str | None:
    if not (0 < rate.fps < math.inf and rate.frames > 1):
        return f"fps, frames: expected a rate above 0 and 2 frames or more, got {rate.fps:g} and {rate.frames}"
    if not rate.detectors:
        return "detectors: there are none"
    if not rate.scores or list(rate.scores) != sorted(rate.scores) or not all(map(math.isfinite, rate.scores)):
        return "scores: expected numbers in order"
    if not 0 < rate.threshold < math.inf:
        return f"threshold: expected a number above 0, got {rate.threshold:g}"
    try:
        conformal_rank(len(rate.scores), alpha)
    except ValueError as error:
        return f"scores: {error}"
    return None


def _fault_of_reality(rate: RateClass) -> str | None:
    for real in rate.reality:
        levels = [level for level, _ in real.at_levels]
        if levels != sorted(levels) or not all(0 <= held <= real.frames for _, held in real.at_levels):
            return f"reality: {real.source}: expected levels in order and frames up to {real.frames}"
    return None


def rule(references: Sequence[Reference], reads: Sequence[Reads], fps: float, frames: int, alpha: float) -> RateClass:
    """What `learn` learns, without the check of it on sources that took no part.

    Detectors from all windows; scores, and with them the threshold, each from detectors of the other sources.
    """
    windows = [window.first(frames) for window in references if window.frames >= frames]
    scores = []
    for others, tested in _folds(windows, INNER_FOLDS):
        detectors = [_detector(others, how) for how in reads]
        scores += [evidence(window.curves, window.frames, detectors).largest for window in tested]
    scores.sort()
    threshold = threshold_at(scores, alpha)
    moved = [window.motion for window in _one_each(windows)]
    lowest = math.floor((len(moved) + 1) * alpha + 1e-9) - 1
    return RateClass(
        fps=fps,
        frames=frames,
        detectors=tuple(_detector(windows, how) for how in reads),
        scores=tuple(scores),
        threshold=threshold,
        still_subject=sorted(each.subject for each in moved)[lowest],
        still_picture=sorted(each.picture for each in moved)[lowest],
        unlinked=_unlinked(windows),
    )


def _unlinked(windows: Sequence[Reference]) -> float:
    """Halfway, by ratio, from the least linked real clip to one in which nothing has a match."""
    shares = [share for window in windows if math.isfinite(share := unlinked(window.curves, window.frames))]
    return math.sqrt(max(*shares, SMALLEST_SHARE)) if shares else 1.0


def _folds(windows: Sequence[Reference], folds: int) -> Iterator[tuple[list[Reference], list[Reference]]]:
    """(windows of all other sources, one window of each source of the fold), for each fold; sources are never split."""
    sources = sorted({window.source for window in windows}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    for fold in range(folds):
        tested = set(sources[fold::folds])
        inside = [window for window in windows if window.source in tested]
        yield [window for window in windows if window.source not in tested], _one_each(inside)


def _detector(windows: Sequence[Reference], how: Reads) -> Detector:
    """What is usual for one reading, by motion, and how large it grows in a clip."""
    readings = [reading(window.curves[how.signal], window.frames, how.mode, how.floor) for window in windows]
    moved = [displacement_by_frame(window.curves, window.frames) for window in windows]
    values, motions = np.concatenate(readings), np.concatenate(moved)
    present = np.isfinite(values)
    if not present.any():
        raise ValueError(f"no clip gives a reading of {how.signal}: does anything move in them?")
    count = BINS[how.mode] if how.names else 1  # a network that weighs everything has weighed the motion too
    edges = np.quantile(motions[present], np.arange(1, count) / count)
    bins = np.digitize(motions, edges)
    medians, spreads = [], []
    for number in range(count):
        inside = values[present & (bins == number)]
        usual, large = np.quantile(inside if inside.size else values[present], [USUAL, LARGE])
        medians.append(float(usual))
        spreads.append(max(float(large - usual), SMALLEST_SPREAD))
    unscaled = Detector(how.signal, how.mode, how.floor, _floats(edges), tuple(medians), tuple(spreads), 1.0)
    highest = [evidence(window.curves, window.frames, [unscaled]).largest for window in windows]
    tail = max(float(np.quantile(highest, how.tail)), 1.0)
    return replace(unscaled, tail=tail, decides=how.decides, adds=how.adds, names=how.names)


def own_level(signal: str, floor: float, highest: float, least_seconds: float = 0.0) -> Detector:
    """A detector with a threshold of its own: it raises an alarm where the value, not standardised, exceeds `highest`.

    Raises ValueError where `highest` is not above 0.
    """
    if highest <= 0:
        raise ValueError(f"expected a threshold above 0, got {highest:g}")
    usual = math.log(floor)
    own = math.log(highest + floor) - usual
    return Detector(signal, "level", floor, (), (usual,), (1.0,), 1.0, threshold=own, least_seconds=least_seconds)


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _one_each(windows: Sequence[Reference]) -> list[Reference]:
    """The first window of each source: windows of one source are not independent."""
    first: dict[str, Reference] = {}
    for window in windows:
        first.setdefault(window.source, window)
    return list(first.values())
