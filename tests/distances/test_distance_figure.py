"""The figure: well-formed, escaped, and there also where there is little to show."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from bench.distances.figure import figure

SPREAD = {"value": 1.0, "low": 0.5, "high": 2.0}


def result(**more: Any) -> dict[str, Any]:
    same = {"n": 20, "samples": SPREAD, "reference": SPREAD | {"value": 0.7}, "floor": 1.5}
    return {
        "a": {"name": "<b>mine</b> & yours", "clips": 20},
        "b": {"name": "real", "clips": 40},
        "features": {"name": "embedded"},
        "distances": {name: {"same_size": same} for name in ("kernel", "frechet", "jedi")},
        **more,
    }


def along(windows: int) -> dict[str, Any]:
    rows = [
        {"start": 16 * w, "end": 16 * w + 16, "value": SPREAD, "reference": SPREAD, "floor": 1.5}
        for w in range(windows)
    ]
    return {"windows": rows, "hold_frames": {"value": 16.0}}


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def test_distances_at_one_number_of_clips() -> None:
    found = texts(figure(result()))
    assert found[0].startswith("<b>mine</b> & yours (20 clips) from real (40)")
    assert {"kernel, n 20", "frechet, n 20", "jedi, n 20"} <= set(found)


@pytest.mark.parametrize("windows", [1, 4])
def test_along_the_clip(windows: int) -> None:
    found = texts(figure(result(along=along(windows))))
    assert "holds 16 frames" in found
    assert str(16 * windows) in found


def test_nothing_to_show_says_so() -> None:
    empty = result(distances={"kernel": {"same_size": None}})
    assert any("too few clips" in text for text in texts(figure(empty)))
