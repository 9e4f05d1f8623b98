"""Curves + thresholds -> holds: the frame at which a clip stops being consistent with the frames before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.records import Curve, Detector, Hold, Mode, Moves, RateClass, Region

PAST = 8  # steps of its own past that a jump is held against
SETTLED = 3  # steps of past from which on a jump counts in full
TRACE = 0.5  # an excursion is followed back from the alarm while its evidence stays above this share of the threshold
PICTURE_SIZE = 256  # working pixels: the side of a square of the working area
MOST = 3.0  # thresholds; one that cannot raise an alarm adds no more than that, however loud it is
SLOWEST = 0.1  # distinct frames a second; what is slower is judged as if it were so
STATIC = "static"
NO_LINK, OLDER = "unmatched", "going_back"  # signals that together say that frames do not go on from one another
# Steps that have hardly anything older beside them, how many must follow, and how many tell where it begins.
UNSURE, LEAST_STEPS, RUN = 2, 3, 8
PADDED = 3  # container frames that a picture stays; fewer are a slow clip's own rate

Floats = NDArray[np.float64]
Curves = Mapping[str, Curve]


class Evidence(NamedTuple):
    """Evidence against each frame by each detector (detectors, frames); -inf where a detector says nothing."""

    detectors: tuple[Detector, ...]
    values: Floats

    @property
    def deciding(self) -> NDArray[np.intp]:
        """Rows of the detectors that can raise an alarm."""
        return np.flatnonzero([detector.decides for detector in self.detectors])

    @property
    def largest(self) -> float:
        """The most that any deciding detector has against any frame; 0 where none says anything."""
        return max(float(self.values[self.deciding].max(initial=0.0)), 0.0)

    @property
    def combined(self) -> Floats:
        """Of all detectors that count against each frame, in multiples of the threshold; -inf where none decides.

        From 1 on it is the largest of the deciding ones, m: one is enough for an alarm. Below, several that say a
        little say more than one: with their sum s, to which others add by their weight, the odds s : 1 - m, which are
        m : 1 - m where only one speaks, and never reach 1.

        >>> detector = Detector("flow", "level", 1.0, (), (0.0,), (1.0,), 1.0)
        >>> Evidence((detector, detector), np.array([[0.5, 0.5, 0.9, 1.2], [0.0, 0.5, -3.0, 0.3]])).combined.round(3)
        array([0.5  , 0.667, 0.9  , 1.2  ])
        """
        weights = np.array([1.0 if each.decides else each.adds for each in self.detectors])
        largest = self.values[self.deciding].max(axis=0, initial=-np.inf)
        total = weights @ np.clip(self.values, 0.0, MOST)
        below = np.isfinite(largest) & (largest < 1) & (total > 0)
        shares = total / np.where(below, total + 1.0 - np.maximum(largest, 0.0), 1.0)
        return np.asarray(np.where(below, shares, largest), np.float64)

    def against(self, threshold: float) -> Evidence:
        """The same in multiples of the threshold, or of a detector's own."""
        limits = np.array([detector.threshold or threshold for detector in self.detectors])
        return Evidence(self.detectors, self.values / limits[:, None])


class Motion(NamedTuple):
    """A clip's own motion, picture sizes a second: of the subject, of the camera, of the picture as a whole."""

    subject: float
    camera: float
    picture: float


class Judgement(NamedTuple):
    """What the rule says of one clip."""

    hold: Hold
    motion: Motion
    rate: int
    """Index of the rate class that judged it."""
    rate_ratio: float
    """The clip's distinct frames a second over those of the class."""
    evidence: tuple[tuple[int, float, str], ...]
    """(frame, evidence as a multiple of the threshold, its largest signal) of every frame that a detector speaks of."""
    redrawn: tuple[tuple[int, bool], ...]
    """(held frames, broke) under each other threshold that was asked for."""

    @property
    def peak(self) -> tuple[int, str] | None:
        """The first frame with the most evidence, alarm or not, and its signal; None where no detector speaks."""
        most = max(self.evidence, key=lambda point: point[1], default=None)
        return (most[0], most[2]) if most else None


def reading(curve: Curve, frames: int, mode: Mode, floor: float) -> Floats:
    """A curve as a detector reads it, one value a container frame; NaN where there is none.

    Jump: log value above the median of the last 8 before it. It needs one value before it and, until there are three,
    counts in proportion. A value below 0 reads as 0: nothing is more consistent than consistent.
    """
    logs = np.log(np.maximum(np.asarray(curve.values, float), 0.0) + floor)
    if mode == "jump":
        jumps = np.full(len(logs), np.nan)
        for step in range(1, len(logs)):
            past = logs[max(0, step - PAST) : step]
            past = past[np.isfinite(past)]
            if past.size:
                jumps[step] = (logs[step] - np.median(past)) * min(1.0, past.size / SETTLED)
        logs = jumps
    values = np.full(frames, np.nan)
    values[np.asarray(curve.frames, int)] = logs
    return values


def displacement_by_frame(curves: Curves, frames: int) -> Floats:
    """Motion of the last step at each container frame, working pixels a step."""
    moved = np.full(frames, np.nan)
    if curve := curves.get("displacement"):  # a clip that never moves has no steps
        moved[np.asarray(curve.frames, int)] = curve.values
    last = np.maximum.accumulate(np.where(np.isnan(moved), -1, np.arange(frames)))
    return np.where(last >= 0, moved[np.maximum(last, 0)], 0.0)


def evidence(curves: Curves, frames: int, detectors: Sequence[Detector]) -> Evidence:
    """Evidence of every detector whose signal was measured: its excess over the usual, in usual largest excesses.

    Raises ValueError when no calibrated signal was measured.
    """
    present = tuple(detector for detector in detectors if detector.signal in curves)
    if not present:
        raise ValueError("no calibrated signal among the curves")
    moved = displacement_by_frame(curves, frames)
    rows = []
    for detector in present:
        values = reading(curves[detector.signal], frames, detector.mode, detector.floor)
        bins = np.digitize(moved, detector.edges)
        usual, spread = np.asarray(detector.medians)[bins], np.asarray(detector.spreads)[bins]
        rows.append((values - usual) / spread / detector.tail)
    table = np.stack(rows)
    return Evidence(present, np.where(np.isfinite(table), table, -np.inf))


def motion(curves: Curves, seconds: float) -> Motion:
    """Paths over the clip, in picture sizes a second; 0 for a single frame."""
    if seconds <= 0:
        return Motion(0.0, 0.0, 0.0)
    paths = (
        curves[name].values if name in curves else () for name in ("subject_motion", "camera_motion", "displacement")
    )
    return Motion(*(float(np.sum(path)) / PICTURE_SIZE / seconds for path in paths))


def is_static(moved: Motion, moves: Moves, rate: RateClass) -> bool:
    """Does the clip stay under what real footage shows of the motion its prompt asks for?"""
    if moves == "none":
        return False
    if moves == "camera":
        return moved.picture < rate.still_picture
    return moved.subject < rate.still_subject


def distinct_rate(curves: Curves, fps: float) -> float:
    """Distinct frames a second by a clip's usual hold, the median: a freeze at its end is a break and no other rate."""
    steps = curves.get("displacement")
    gaps = np.diff([0, *steps.frames]) if steps and steps.frames else np.ones(1)
    return max(fps / float(np.median(gaps)), SLOWEST)


def is_slideshow(curves: Curves, distinct_frames_per_second: float, classes: Sequence[RateClass]) -> bool:
    """Does it repeat each picture so often that it is slower than any footage the thresholds were learnt from?"""
    steps = curves.get("displacement")
    if not steps or not steps.frames:
        return False
    usual = float(np.median(np.diff([0, *steps.frames])))
    return usual >= PADDED and distinct_frames_per_second < min(rate.fps for rate in classes)


def unlinked(curves: Curves, frames: int) -> float:
    """How little the first `frames` frames go on from one another: 0 where they do, towards 1 where none does; NaN for
    fewer than 6 distinct ones.

    Mean over steps, from the third on, of the share of the picture without a match in the frame before, where the
    picture is no nearer to that frame than to an older one, and else of 0. What moves fast has no match but is nearest
    to the frame before; what swings to and fro is nearer to an older one but has a match.

    >>> shares = Curve("unmatched", (1, 2, 3, 4, 5), (0.9, 0.9, 0.75, 0.75, 0.9))
    >>> unlinked({"unmatched": shares, "going_back": Curve("going_back", (1, 2, 3, 4, 5), (0, 0, 0.4, 0.2, 0))}, 6)
    0.5
    """
    _, shares = _unlinked_shares(curves, frames)
    return float(shares.mean()) if len(shares) >= LEAST_STEPS else float("nan")


def _unlinked_shares(curves: Curves, frames: int) -> tuple[NDArray[np.intp], Floats]:
    """(container frames, shares) of the steps that `unlinked` averages over."""
    if NO_LINK not in curves or OLDER not in curves:
        return np.empty(0, np.intp), np.empty(0)
    steps = np.array([frame for frame in curves[NO_LINK].frames if frame < frames][UNSURE:], np.intp)
    shares = np.asarray(curves[NO_LINK].values[UNSURE : UNSURE + len(steps)], float)
    older = np.asarray(curves[OLDER].values[UNSURE : UNSURE + len(steps)], float) > 0
    told = np.isfinite(shares)
    return steps[told], np.where(older, shares, 0.0)[told]


def _unlinked_from(curves: Curves, frames: int, limit: float) -> int:
    """The first frame of an `unlinked` clip that does not go on, where the next 8 steps exceed half of the limit, on
    average. It is 1 where the clip's first 8 do: by chance the frame before is the nearest now and then.
    """
    steps, shares = _unlinked_shares(curves, frames)
    begin = next(k for k in range(len(shares)) if shares[k : k + RUN].mean() > limit / 2)
    return int(steps[begin + int(np.argmax(shares[begin:] > limit))]) if begin else 1


def rate_class(classes: Sequence[RateClass], distinct_frames_per_second: float) -> int:
    """Index of the class whose frame rate is nearest by ratio."""
    return min(range(len(classes)), key=lambda k: abs(np.log(classes[k].fps / distinct_frames_per_second)))


def judge(
    curves: Curves,
    frames: int,
    fps: float,
    moves: Moves,
    classes: Sequence[RateClass],
    *,
    thresholds: Sequence[Sequence[float]] = (),
) -> Judgement:
    """Judge a clip of `frames` container frames at `fps` (0 for a single one) by the class of its distinct frame rate.

    `thresholds` holds, for each class, others to judge it by as well. Raises ValueError on a clip without a frame.
    """
    moved = motion(curves, (frames - 1) / fps if fps else 0.0)
    distinct = distinct_rate(curves, fps)
    number = rate_class(classes, distinct)
    rate = classes[number]
    static = is_static(moved, moves, rate)
    speaking = [one for one in rate.detectors if long_enough(frames, fps, one.least_seconds)]
    table = evidence(curves, frames, speaking)
    most = frames
    if moves != "none" and is_slideshow(curves, distinct, classes):
        most = len(curves["displacement"].frames) + 1
    hold = _at_most(most, find_hold(curves, table, rate.threshold, static, rate.unlinked))
    found = (
        find_hold(curves, table, threshold, static, rate.unlinked)
        for threshold in (thresholds[number] if thresholds else ())
    )
    others = (_at_most(most, other) for other in found)
    redrawn = tuple((other.held_frames, other.broke) for other in others)
    return Judgement(hold, moved, number, distinct / rate.fps, _highest(table.against(rate.threshold)), redrawn)


def long_enough(frames: int, fps: float, seconds: float) -> bool:
    """Do so many frames last so long, to half a frame?"""
    return frames + 0.5 >= seconds * fps


def find_hold(curves: Curves, table: Evidence, threshold: float, static: bool = False, limit: float = math.inf) -> Hold:
    """The first frame with evidence over the threshold raises the alarm; the onset is where that excursion began.

    A static clip held one frame. One whose frames are `unlinked` up to there by more than the limit held until that
    began, mostly one frame: each of them is a cut, and none stands out from the others.
    """
    table, frames = table.against(threshold), table.values.shape[1]
    largest = max(float(table.combined.max(initial=0.0)), 0.0)
    if static:
        return Hold(1, True, min(1, frames - 1), cause=STATIC, evidence=largest)
    hold = _first_alarm(curves, table, largest)
    apart = unlinked(curves, hold.held_frames) / limit
    if not apart > 1:
        return hold
    onset = _unlinked_from(curves, hold.held_frames, limit)
    return Hold(onset, True, onset, onset, NO_LINK, evidence=max(largest, apart))


def _first_alarm(curves: Curves, table: Evidence, largest: float) -> Hold:
    frames, deciding = table.values.shape[1], table.deciding
    over = np.flatnonzero((table.values[deciding] > 1.0).any(axis=0))
    if not over.size:
        return Hold(frames, False, evidence=largest)
    alarm = int(over[0])
    row = int(deciding[table.values[deciding, alarm].argmax()])
    onset = _trace_back(table.values[row], alarm, TRACE)
    region = _region(curves[table.detectors[row].signal], alarm)
    return Hold(onset, True, onset, alarm, _cause(table, row, onset, alarm), region, largest)


def _at_most(frames: int, hold: Hold) -> Hold:
    """A slideshow holds no more frames than it shows different ones."""
    return hold if hold.held_frames <= frames else Hold(frames, True, frames, cause=STATIC, evidence=hold.evidence)


def _cause(table: Evidence, row: int, onset: int, alarm: int) -> str:
    """The signal that says most between onset and alarm, of those that say what kind of break it is."""
    naming = [k for k, detector in enumerate(table.detectors) if detector.names]
    if not naming:
        return table.detectors[row].signal
    worst = table.values[naming, onset : alarm + 1].max(axis=1)
    return table.detectors[naming[int(worst.argmax())]].signal if worst.max() > 0 else table.detectors[row].signal


def _trace_back(scores: Floats, alarm: int, floor: float) -> int:
    """First frame of the excursion that raised the alarm; frames without a reading are passed over."""
    onset = alarm
    for frame in range(alarm - 1, 0, -1):
        if scores[frame] == -np.inf:
            continue
        if scores[frame] <= floor:
            break
        onset = frame
    return onset


def _region(curve: Curve, frame: int) -> Region | None:
    if not curve.regions or frame not in curve.frames:
        return None
    return curve.regions[curve.frames.index(frame)]


def _highest(table: Evidence) -> tuple[tuple[int, float, str], ...]:
    values, combined = table.values[table.deciding], table.combined
    worst = table.deciding[values.argmax(axis=0)]
    return tuple(
        (int(frame), max(float(combined[frame]), 0.0), table.detectors[worst[frame]].signal)
        for frame in np.flatnonzero(np.isfinite(combined))
    )
