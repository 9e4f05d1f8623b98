"""The evidence against each frame of a clip as a small line. Coordinates are per cent, from left and from top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bench.holds import STATIC
from bench.report.words import cause_label

CEILING = 2.5  # thresholds; what lies higher is cut and its height is told, so that a freeze does not flatten the rest
MOST_POINTS = 400  # of a line: longer clips show the largest of each stretch of frames
THRESHOLD = 100 * (1 - 1 / CEILING)

Point = tuple[int, float, str]


@dataclass(frozen=True)
class Mark:
    """A frame and where it lies."""

    frame: int
    x: float


@dataclass(frozen=True)
class EvidenceLine:
    """The line as SVG path data, its marks, and the frame with the most evidence."""

    path: str
    last: int
    peak: Mark
    peak_value: float
    peak_signal: str
    onset: Mark | None
    alarm: Mark | None
    true_break: Mark | None
    shown: tuple[Mark, ...]
    """The frames of the filmstrip."""

    @property
    def cut(self) -> bool:
        """Does the peak stand above what is drawn?"""
        return self.peak_value > CEILING


def evidence_by_clip(table: pa.Table) -> dict[str, list[Point]]:
    """(frame, evidence as a multiple of the threshold, signal) of each clip, by frame."""
    points: dict[str, list[Point]] = {}
    columns = (table[name].to_pylist() for name in ("clip_id", "frame", "evidence", "signal"))
    for clip_id, *point in zip(*columns, strict=True):
        points.setdefault(clip_id, []).append((point[0], point[1], point[2]))
    return {clip_id: sorted(own) for clip_id, own in points.items()}


def evidence_line(
    points: Sequence[Point], hold: Mapping[str, Any], true_break: int | None, shown: Sequence[int] = ()
) -> EvidenceLine | None:
    """The line of one judged clip; None where no signal speaks of any frame."""
    if not points:
        return None
    last = max(int(hold["frames"]) - 1, 0)
    frame, value, signal = max(points, key=lambda point: point[1])

    def mark(at: int | None) -> Mark | None:
        return None if at is None or not 0 <= at <= last else Mark(at, _across(at, last))

    drawn = [f"{_across(at, last):g} {_down(height):g}" for at, height, _ in _thinned(points)]
    path = f"M{'L'.join(drawn)}" + ("h0" if len(drawn) == 1 else "")  # a lone point is a dot
    return EvidenceLine(
        path=path,
        last=last,
        peak=Mark(frame, _across(frame, last)),
        peak_value=value,
        peak_signal=cause_label(signal),
        onset=mark(break_frame(hold)),
        alarm=mark(hold["alarm_frame"]),
        true_break=mark(true_break),
        shown=tuple(Mark(at, _across(at, last)) for at in shown),
    )


def break_frame(hold: Mapping[str, Any]) -> int | None:
    """The frame at which a break began; a static clip held 1 frame by rule, and nothing began there."""
    frame: int | None = hold["onset_frame"]
    return None if hold["cause"] == STATIC else frame


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    stretch = -(-len(points) // MOST_POINTS)
    if stretch == 1:
        return points
    return [max(points[at : at + stretch], key=lambda point: point[1]) for at in range(0, len(points), stretch)]


def _across(frame: int, last: int) -> float:
    return round(100 * frame / max(last, 1), 2)


def _down(evidence: float) -> float:
    return round(100 * (1 - min(max(evidence, 0.0), CEILING) / CEILING), 1)
