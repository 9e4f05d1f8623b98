"""How far each model's clips lie from reality, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.distances.figure import figure


@dataclass(frozen=True)
class DistancePanel:
    """A model's figure with a line on it, or why there is none."""

    model: str
    figure: Markup | None
    line: str
    refused: str = ""


def distance_panels(summary: Mapping[str, Any]) -> list[DistancePanel]:
    """A panel a model, where distances were asked for."""
    return [_panel(model, block["distance"]) for model, block in summary["models"].items() if block.get("distance")]


def _panel(model: str, found: Mapping[str, Any]) -> DistancePanel:
    if "distances" not in found:
        return DistancePanel(model, None, "", found["refused"])
    drawn = Markup(figure(found))  # noqa: S704 - every text in it is escaped there
    return DistancePanel(model, drawn, " ".join([*_numbers(found), *found["notes"]]))


def _numbers(found: Mapping[str, Any]) -> list[str]:
    """The kernel distance, what it would be between two halves of the reference, and how long the set holds."""
    kernel, along = found["distances"]["kernel"], found["along"]
    said = []
    if kernel["value"] is not None:
        interval = f" ({kernel['low']:.4g} to {kernel['high']:.4g})" if kernel["low"] is not None else ""
        said.append(f"kernel distance {kernel['value']:.4g}{interval}.")
    if same := kernel["same_size"]:
        said.append(
            f"With {same['n']} clips on either side {same['samples']['value']:.4g}, the reference against itself "
            f"{same['reference']['value']:.4g}."
        )
    if hold := along["hold_frames"]:
        until = ", to the end of what was looked at" if along["to_the_end"] else ""
        said.append(
            f"Distribution hold: {hold['value']:g} frames ({hold['low']:g} to {hold['high']:g}){until}: so long the "
            f"set is not told from reality at a level of {along['level']:g}."
        )
    elif along.get("refused"):
        said.append(f"No distribution hold: {along['refused']}.")
    return said
