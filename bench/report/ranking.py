"""The table of the page: a row a model, longest hold first, and the two reference rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.records import FROZEN, REAL
from bench.report.spelling import percent, unit, watched
from bench.report.words import cause_label

REFERENCES = {REAL: "the ceiling", FROZEN: "the floor"}
ALL_MISSING = "no number: all clips are missing"
ONE_PROMPT = "no interval: it is taken over prompts, and there is only one"
UNSEEN = "no number: every clip ended, unbroken, before the horizon"
SHOWN_CAUSES = 3


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval as text; None is a dash, and `why` tells the reader the reason."""

    value: str | None
    low: str | None
    high: str | None
    why: str = ""


@dataclass(frozen=True)
class Bar:
    """Where a value and its interval lie on a track that is the horizon, in per cent; `end` is how far was watched."""

    value: float
    low: float | None
    high: float | None
    end: float


@dataclass(frozen=True)
class Truth:
    """What the clips of a drawn model truly hold, and where on its track that is, in per cent."""

    value: str
    place: float


@dataclass(frozen=True)
class Cause:
    """What broke clips, and the share of clips that it broke before the horizon."""

    label: str
    share: str
    unit: str | None


@dataclass(frozen=True)
class TableRow:
    """A row of the table. `watched` says over how many frames it is, where no clip lasts to the horizon."""

    model: str
    anchor: str
    role: str
    frames_held: Estimate
    seconds_held: Estimate
    held_to_end: Estimate
    bar: Bar | None
    truth: Truth | None
    watched: str
    causes: tuple[Cause, ...]
    nothing: str
    """Said in place of causes."""
    counts: Mapping[str, int]
    missing_reasons: Mapping[str, int]

    @property
    def shown_causes(self) -> tuple[Cause, ...]:
        """The most frequent causes."""
        return self.causes[:SHOWN_CAUSES]

    @property
    def other_causes(self) -> tuple[Cause, ...]:
        """The causes that stand in a tooltip."""
        return self.causes[SHOWN_CAUSES:]


def ranked_rows(summary: Mapping[str, Any]) -> list[TableRow]:
    """Models by frames held, then by seconds, then by name; those whose clips are all missing come last."""
    ranked = sorted(summary["models"].items(), key=_rank)
    return [
        _row(name, block, summary["horizon"], anchor=f"model-{place}") for place, (name, block) in enumerate(ranked, 1)
    ]


def reference_rows(summary: Mapping[str, Any]) -> list[TableRow]:
    """Real footage and a frozen frame; none when no clip could be judged."""
    return [
        _row(name, block, summary["horizon"], role=REFERENCES.get(name, "reference"))
        for name, block in summary["reference"].items()
    ]


def _rank(item: tuple[str, Mapping[str, Any]]) -> tuple[float, float, str]:
    name, block = item
    if block["frames_held"] is None:
        return (1.0, 0.0, name)
    return (-block["frames_held"]["value"], -block["seconds_held"]["value"], name)


def _row(name: str, block: Mapping[str, Any], horizon: int, anchor: str = "", role: str = "") -> TableRow:
    frames = block["frames_held"]
    shares = sorted(block["by_cause"].items(), key=lambda item: (-item[1], item[0]))
    return TableRow(
        model=name,
        anchor=anchor,
        role=role,
        frames_held=_estimate(frames, "{:.1f}".format, ONE_PROMPT),
        seconds_held=_estimate(block["seconds_held"], "{:.2f}".format, ONE_PROMPT),
        held_to_end=_estimate(block["held_to_end"], percent, UNSEEN),
        bar=_bar(frames, horizon) if frames else None,
        truth=_truth(block.get("truly_held"), horizon),
        watched=watched(block, horizon),
        causes=tuple(Cause(cause_label(cause), percent(share), unit(cause)) for cause, share in shares if share > 0),
        nothing=_nothing(block),
        counts={key: block[key] for key in ("clips", "broke", "censored", "missing", "static")},
        missing_reasons=block.get("missing_reasons", {}),
    )


def _estimate(block: Mapping[str, Any] | None, spell: Callable[[float], str], why_missing: str) -> Estimate:
    if block is None:
        return Estimate(None, None, None, ALL_MISSING)
    if block["value"] is None:
        return Estimate(None, None, None, why_missing)
    if block["low"] is None:
        return Estimate(spell(block["value"]), None, None, why_missing)
    return Estimate(spell(block["value"]), spell(block["low"]).rstrip("%"), spell(block["high"]))


def _bar(frames: Mapping[str, Any], horizon: int) -> Bar:
    value, low, high, end = (
        None if frames[key] is None else round(100 * frames[key] / horizon, 2)
        for key in ("value", "low", "high", "horizon")
    )
    return Bar(value or 0.0, low, high, end or 0.0)


def _truth(frames: float | None, horizon: int) -> Truth | None:
    return None if frames is None else Truth(f"{frames:.1f}", round(100 * frames / horizon, 2))


def _nothing(block: Mapping[str, Any]) -> str:
    if block["frames_held"] is None:
        return ALL_MISSING
    return "nothing before the horizon" if block["broke"] else "nothing"
