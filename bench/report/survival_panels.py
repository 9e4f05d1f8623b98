"""Survival curves, a small panel a model. Coordinates are per cent of the panel: 0 to 100 from left and from top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.records import counted
from bench.report.ranking import TableRow
from bench.report.spelling import percent
from bench.survival import Floats, SurvivalCurve, kaplan_meier


@dataclass(frozen=True)
class Whisker:
    """A share at the horizon with its exact interval, from the top."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Censored:
    """Clips that ended unbroken at one frame, before the horizon or at it."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One model's curve as SVG path data, its pointwise 95% band, and where clips ended unbroken."""

    row: TableRow
    line: str
    band: str
    censored: tuple[Censored, ...]
    end: Whisker | None
    spoken: str


def survival_panels(
    rows: Sequence[TableRow], holds: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> list[Panel]:
    """A panel for every model that has a judged clip, in the order of the table."""
    horizon = max(int(summary["horizon"]), 1)
    judged: dict[str, list[Mapping[str, Any]]] = {}
    for hold in holds:
        if hold["missing"] is None:
            judged.setdefault(hold["model"], []).append(hold)
    return [
        _panel(row, judged[row.model], horizon, whisker(summary["models"][row.model], horizon))
        for row in rows
        if row.model in judged
    ]


def whisker(block: Mapping[str, Any] | None, horizon: int) -> Whisker | None:
    """Held to the end, as a mark at the right edge; None where nobody was watched that long, or one prompt only."""
    if not block or not block["frames_held"] or block["frames_held"]["horizon"] < horizon:
        return None
    end = block["held_to_end"]
    if end["low"] is None:
        return None
    return Whisker(*(_down(end[key]) for key in ("value", "low", "high")))


def _panel(row: TableRow, holds: Sequence[Mapping[str, Any]], horizon: int, end: Whisker | None) -> Panel:
    held = np.array([hold["held_frames"] for hold in holds], float)
    broke = np.array([hold["broke"] for hold in holds], bool)
    curve = _before(kaplan_meier(held, broke), horizon)
    reach = horizon if curve.survival[-1] == 0 else min(float(held.max()), horizon)
    ends = Counter(min(float(frame), horizon) for frame in held[~broke])
    marks = tuple(
        Censored(_across(frame, horizon), _down(share_at(curve, frame)), _ended(number, frame, horizon))
        for frame, number in sorted(ends.items())
    )
    return Panel(
        row=row,
        line=_steps(curve.times, curve.survival, reach, horizon),
        band=_band(curve, reach, horizon),
        censored=marks,
        end=end,
        spoken=_spoken(curve, reach, horizon),
    )


def share_at(curve: SurvivalCurve, frame: float) -> float:
    """The share of clips still consistent at a frame."""
    return float(curve.survival[np.searchsorted(curve.times, frame, side="right") - 1])


def _before(curve: SurvivalCurve, horizon: int) -> SurvivalCurve:
    """What breaks at the horizon or after it has held to the end: it is no step of this figure."""
    keep = curve.times < horizon
    return SurvivalCurve(*(values[keep] for values in curve))


def _steps(times: Floats, shares: Floats, reach: float, horizon: int) -> str:
    corners = [f"M0 {_down(shares[0]):g}"]
    corners += [
        f"H{_across(time, horizon):g}V{_down(share):g}" for time, share in zip(times[1:], shares[1:], strict=True)
    ]
    return "".join(corners) + f"H{_across(reach, horizon):g}"


def _band(curve: SurvivalCurve, reach: float, horizon: int) -> str:
    """Along the upper limit, and back along the lower one; at 100% and at 0 there is no log-log interval."""
    some = int((curve.survival > 0).sum())
    if (curve.survival[:some] == 1).all():
        return ""
    until = reach if some == len(curve.times) else float(curve.times[some])
    there = _steps(curve.times[:some], curve.high[:some], until, horizon)
    back = f"V{_down(curve.low[some - 1]):g}"
    for step in range(some - 1, 0, -1):
        back += f"H{_across(curve.times[step], horizon):g}V{_down(curve.low[step - 1]):g}"
    return f"{there}{back}H0Z"


def _across(frame: float, horizon: int) -> float:
    return round(100 * frame / horizon, 2)


def _down(share: float) -> float:
    return round(100 * (1 - share), 2)


def _ended(number: int, frame: float, horizon: int) -> str:
    if frame >= horizon:
        return f"{counted(number, 'clip')} held to the horizon"
    return f"{counted(number, 'clip')} ended unbroken after {counted(int(frame), 'frame')}"


def _spoken(curve: SurvivalCurve, reach: float, horizon: int) -> str:
    frames = sorted({int(reach * quarter / 4) for quarter in range(1, 4)} - {0})
    shares = [f"{percent(share_at(curve, frame))} after {counted(frame, 'frame')}" for frame in frames]
    shares.append(f"{percent(float(curve.survival[-1]))} at {'the horizon' if reach == horizon else 'the last one'}")
    return f"Share of clips still consistent: {', '.join(shares)}."
