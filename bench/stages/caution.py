"""caution: judged clips and their calibration -> where its guarantee does not reach, a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from bench.holds import LEAST_STEPS, UNSURE, Judgement
from bench.records import Calibration, ScoredRow
from bench.stages.calibrate import LEAST_FRAMES

FAR = 1.6  # a frame rate further than this, by ratio, from every class is outside the calibration


def cautions(clips: Sequence[tuple[ScoredRow, Judgement]], calibration: Calibration) -> list[str]:
    """What a reader must know of clips that are longer than the footage, or of another frame rate."""
    notes = []
    lengths = [calibration.classes[judged.rate].frames for _, judged in clips]
    beyond = [frames for (row, _), frames in zip(clips, lengths, strict=True) if row.distinct_frames > frames]
    if beyond:
        notes.append(
            f"{_who(len(beyond), len(clips))} longer than the footage behind the threshold "
            f"({', '.join(map(str, sorted(set(beyond))))} frames): there a false alarm has a chance of about "
            f"{calibration.alpha:.0%} per that many frames, not per clip."
        )
    far = sum(bool(row.fps) and not 1 / FAR <= judged.rate_ratio <= FAR for row, judged in clips)
    if far:
        rates = ", ".join(f"{rate.fps:g}" for rate in calibration.classes)
        notes.append(
            f"{_who(far, len(clips))} of a frame rate far from all that were calibrated ({rates} distinct frames a "
            "second): judged by the nearest, without a guarantee."
        )
    if short := sum(row.frames < LEAST_FRAMES for row, _ in clips):
        notes.append(
            f"{_who(short, len(clips))} shorter than {LEAST_FRAMES} frames: little can be told of breaks there; of "
            f"fewer than {LEAST_STEPS + UNSURE + 1} not even whether the frames go on from one another."
        )
    return notes


def not_aligned(some: int, every: int, reason: str) -> str:
    """That clips were not held against their prompt, and why."""
    return f"Alignment to the prompt is not scored for {some} of {every} clips: {reason}."


def _who(some: int, every: int) -> str:
    if every == 1:
        return "The clip is"
    return f"{some} of {every} clips {'is' if some == 1 else 'are'}"
