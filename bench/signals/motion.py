"""Motion: measured beside the breaks, because stillness must not pay and speed must not cost."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.planes import exceeded_by
from bench.signals.views import Step, View

CAMERA_ERROR = 0.2  # of the camera's speed; over stills that a camera pans across 99% of the flow errs by less


class Displacement:
    """How far the picture moved in one step, camera and subject together."""

    name, unit, floor = "displacement", "working pixels a step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def update(self, step: Step) -> Reading:
        """Mean length of the flow."""
        return Reading(step.displacement)


class SubjectMotion:
    """How far the fastest hundredth of the picture moved against the camera's own motion.

    Only where a texture gives the flow something to follow, for on a blank wall it follows noise, and only where the
    motion explains what changed. Flow errs in proportion to its length: what may be the error of a moving camera's is
    not counted, or a pan over a still would have a subject.
    """

    name, unit, floor = "subject_motion", "working pixels a step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def update(self, step: Step) -> Reading:
        """Flow left without the affine camera that 1% of the grid exceed; 0 where less than that is confirmed."""
        moved = step.subject_flow * step.trackable * (step.subject_flow > CAMERA_ERROR * step.camera.speed)
        return Reading(exceeded_by(moved, 0.01) if exceeded_by(moved * step.confirmed, 0.01) > 0 else 0.0)


class CameraMotion:
    """How far the camera moved the picture in one step."""

    name, unit, floor = "camera_motion", "working pixels a step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def update(self, step: Step) -> Reading:
        """Mean length of the affine flow."""
        return Reading(step.camera.speed)


class Shown:
    """The latest distinct frames of a clip, as `View.small`, a row each in whole levels."""

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0
        self._rows: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    def distances(self, step: Step) -> NDArray[np.float64]:
        """Mean absolute differences of a step's later frame from those before it, from the oldest to the last."""
        if not self._count:
            self._rows = np.empty((self._most, step.current.small.size), np.uint8)
            self._add(step.previous)
        now = np.asarray(step.current.small.reshape(-1), np.uint8)
        rows = self._rows[: self._count]
        differences = np.maximum(rows, now) - np.minimum(rows, now)
        sums = cv2.reduce(differences, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
        oldest = self._count % len(rows)
        self._add(step.current)
        return np.concatenate([sums[oldest:], sums[:oldest]]) / now.size

    def _add(self, view: View) -> None:
        self._rows[self._count % self._most] = view.small.reshape(-1)
        self._count += 1


class Novelty:
    """How far a frame is from the nearest of all it has shown lately, as a share of how far it is from the last.

    1 or more where a clip goes on, 0 where it shows again what it has shown: played to and fro, or over and over. On
    real footage of people who walk, juggle and skip rope it stays above 0.4.
    """

    name, unit, floor = "novelty", "share of the step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def __init__(self) -> None:
        self._shown = Shown(REMEMBERED)

    def update(self, step: Step) -> Reading:
        """Smallest mean difference from the frames before the last, over that from the last."""
        distances = self._shown.distances(step)
        if len(distances) < 2 or distances[-1] <= 0:
            return Reading(1.0)
        return Reading(min(1.0, float(distances[:-1].min() / distances[-1])))


class GoingBack:
    """How much nearer a frame is to an older one than to the last: time that runs backward or out of order.

    0 where a clip goes on. On real footage it hardly ever passes 1.
    """

    name, unit, floor = "going_back", "excess of the last step over the nearest older frame", 0.5
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "motion"

    def __init__(self) -> None:
        self._shown = Shown(LOOKED_BACK)

    def update(self, step: Step) -> Reading:
        """Mean difference from the last frame over the smallest from one before it, less 1, at least 0."""
        distances = self._shown.distances(step) + SMALLEST
        nearest = distances[:-1].min() if len(distances) > 1 else np.inf
        return Reading(max(0.0, float(distances[-1] / nearest) - 1.0))


def standstill(
    frames: int, distinct: Sequence[int], displacement: Sequence[float], novelty: Sequence[float] | None = None
) -> list[float]:
    """Motion missed while the clip stood still, in working pixels, for each of `frames` container frames.

    `distinct` are the container frames that differ from the one before (the first is 0), `displacement` the motion of
    each step between them, `novelty` what each step showed that was new. A regular hold (animation on twos, padding of
    the frame rate) is not held against a clip: only what exceeds its own usual hold by more than one frame counts, at
    the speed of its last steps. A frame that has been shown before is no progress: it counts as one that is held.
    """
    if not distinct or distinct[0] != 0 or len(displacement) != len(distinct) - 1:
        raise ValueError(
            f"expected one displacement between each of {len(distinct)} distinct frames, the first of them 0"
        )
    if novelty is not None:
        if len(novelty) != len(displacement):
            raise ValueError(f"expected the novelty of {len(displacement)} steps, got {len(novelty)}")
        new = [k for k, share in enumerate(novelty) if share >= STALE]
        distinct, displacement = [0, *(distinct[k + 1] for k in new)], [displacement[k] for k in new]
    curve = [0.0] * frames
    for number, start in enumerate(distinct):
        end = distinct[number + 1] if number + 1 < len(distinct) else frames
        gaps = np.diff(distinct[max(0, number - RECENT) : number + 1])
        if not len(gaps) or end - start < 2:
            continue
        usual = float(np.percentile(gaps, 80))
        speed = float(np.median(np.asarray(displacement[:number][-RECENT:]) / gaps))
        for frame in range(start + 1, end):
            curve[frame] = max(0.0, frame - start - usual) * speed
    return curve


STALE = 0.2  # of novelty, below which a frame shows nothing new
REMEMBERED = 192  # distinct frames, 4 kB each
LOOKED_BACK = 24  # distinct frames
SMALLEST = 0.1  # grey levels; smaller differences between frames mean nothing
RECENT = 12  # steps that say how fast a clip moves and how long it usually holds a frame
