"""Distances on the page: the figure and its line, or the reason why there is none."""

from __future__ import annotations

from typing import Any

from bench.report.distance_panels import distance_panels


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 1, "high": value + 1}


def found(to_the_end: bool = False) -> dict[str, Any]:
    window = {"start": 0, "end": 8, "value": interval(2.0), "reference": interval(0.5), "floor": 1.5}
    kernel: dict[str, Any] = {"value": 2.0, "low": 1.0, "high": 3.0}
    kernel |= {"same_size": {"n": 12, "samples": interval(2.1), "reference": interval(0.4)}}
    return {
        "a": {"name": "<run>:one", "clips": 12},
        "b": {"name": "real", "clips": 40},
        "features": {"name": "embedded"},
        "distances": {"kernel": kernel},
        "along": {"windows": [window], "hold_frames": interval(8.0), "to_the_end": to_the_end, "level": 0.05},
        "notes": ["12 clips, too few."],
    }


def test_a_model_has_its_figure_and_its_numbers() -> None:
    (panel,) = distance_panels({"models": {"one": {"distance": found()}}})
    assert panel.figure is not None
    assert "&lt;run&gt;:one" in panel.figure
    assert "<run>" not in panel.figure
    assert panel.line == (
        "kernel distance 2 (1 to 3). With 12 clips on either side 2.1, the reference against itself 0.4. "
        "Distribution hold: 8 frames (7 to 9): so long the set is not told from reality at a level of 0.05. "
        "12 clips, too few."
    )


def test_a_set_that_holds_to_the_end_is_said_to() -> None:
    (panel,) = distance_panels({"models": {"one": {"distance": found(to_the_end=True)}}})
    assert "Distribution hold: 8 frames (7 to 9), to the end of what was looked at" in panel.line


def test_a_hold_that_cannot_be_had_says_why() -> None:
    refused = found() | {"along": {"windows": [], "hold_frames": None, "refused": "7 clips beside the reference"}}
    (panel,) = distance_panels({"models": {"one": {"distance": refused}}})
    assert "No distribution hold: 7 clips beside the reference." in panel.line


def test_a_refused_distance_says_why_and_an_absent_one_nothing() -> None:
    models = {"short": {"distance": {"refused": "2 clips are too few"}}, "unasked": {}}
    (panel,) = distance_panels({"models": models})
    assert (panel.model, panel.figure, panel.refused) == ("short", None, "2 clips are too few")
