"""Motion: measured beside the breaks, because stillness must not pay and speed must not cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.views import Step, exceeded_by


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

    Only where a texture gives the flow something to follow: on a blank wall it follows noise.
    """

    name, unit, floor = "subject_motion", "working pixels a step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def update(self, step: Step) -> Reading:
        """Flow left without the affine camera that 1% of the grid exceed; 0 where there is no counterpart."""
        return Reading(exceeded_by(step.subject_flow * step.trackable, 0.01))


class CameraMotion:
    """How far the camera moved the picture in one step."""

    name, unit, floor = "camera_motion", "working pixels a step", 0.1
    reads: tuple[Mode, ...] = ()
    family: Family = "motion"

    def update(self, step: Step) -> Reading:
        """Mean length of the affine flow."""
        return Reading(step.camera.speed)


def standstill(frames: int, distinct: Sequence[int], displacement: Sequence[float]) -> list[float]:
    """Motion missed while the picture stood still, in working pixels, for each of `frames` container frames.

    `distinct` are the container frames that differ from the one before (the first is 0), `displacement` the motion of
    each step between them. A regular hold (animation on twos, padding of the frame rate) is not held against a clip:
    only what exceeds its own usual hold by more than one frame counts, at the speed of its last steps.
    """
    if not distinct or distinct[0] != 0 or len(displacement) != len(distinct) - 1:
        raise ValueError(
            f"expected one displacement between each of {len(distinct)} distinct frames, the first of them 0"
        )
    curve = [0.0] * frames
    for number, start in enumerate(distinct):
        gaps = np.diff(distinct[: number + 1])[-RECENT:]
        if not len(gaps):
            continue
        usual = float(np.percentile(gaps, 80))
        speed = float(np.median(np.asarray(displacement[:number][-RECENT:]) / gaps))
        end = distinct[number + 1] if number + 1 < len(distinct) else frames
        for frame in range(start + 1, end):
            curve[frame] = max(0.0, frame - start - usual) * speed
    return curve


RECENT = 12  # steps that say how fast a clip moves and how long it usually holds a frame
