"""A distance as a picture (SVG): along the clip where that was asked for, else each distance at one number of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bench.records import counted

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 78, 16, 44, 54
INK, MODEL, REAL = "#222", "#b3361b", "#2a6f97"
STYLE = "font-family:system-ui,sans-serif;font-size:13px"


def figure(result: Mapping[str, Any]) -> str:
    """The SVG of what `framehold distance --json` prints."""
    along = result.get("along")
    body = _along(along) if along and along["windows"] else _same_size(result["distances"])
    features, first, second = result["features"], result["a"], result["b"]
    clips = counted(first["clips"], "clip")
    title = f"{first['name']} ({clips}) from {second['name']} ({second['clips']}), {features['name']}"
    head = f'<text x="{LEFT}" y="22" font-weight="600">{escape(_shortened(title))}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" style="{STYLE}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{head}{body}</svg>\n'
    )


def _along(along: Mapping[str, Any]) -> str:
    """The curve with its band, the floor under it, and where the distribution hold ends."""
    windows = along["windows"]
    ends = [window["end"] for window in windows]
    low = min(min(window["value"]["low"], window["reference"]["low"]) for window in windows)
    high = max(max(window["value"]["high"], window["floor"]) for window in windows)
    x, y = _scale(0, ends[-1], LEFT, WIDTH - RIGHT), _scale(low, high, HEIGHT - BOTTOM, TOP)
    band = [(x(end), y(w["value"]["high"])) for end, w in zip(ends, windows, strict=True)]
    band += [(x(end), y(w["value"]["low"])) for end, w in zip(ends[::-1], windows[::-1], strict=True)]
    hold = along["hold_frames"]["value"]
    return (
        _axes(y, low, high, "kernel distance")
        + f'<polygon points="{_points(band)}" fill="{MODEL}" opacity="0.15"/>'
        + _line([(x(end), y(w["floor"])) for end, w in zip(ends, windows, strict=True)], REAL, "6 4")
        + _line([(x(end), y(w["value"]["value"])) for end, w in zip(ends, windows, strict=True)], MODEL)
        + "".join(_dot(x(end), y(w["value"]["value"]), MODEL) for end, w in zip(ends, windows, strict=True))
        + "".join(_label(x(end), HEIGHT - BOTTOM + 18, str(end), "middle") for end in ends)
        + _label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "last frame of the window", "middle")
        + _line([(x(hold), TOP), (x(hold), HEIGHT - BOTTOM)], INK, "2 3")
        + _label(x(hold) + 4, TOP + 12, f"holds {hold:g} frames", "start" if hold < ends[-1] / 2 else "end")
        + _label(WIDTH - RIGHT, TOP - 8, "dashed: what the reference shows against itself", "end", REAL)
    )


def _same_size(distances: Mapping[str, Mapping[str, Any]]) -> str:
    """A row a distance: the sets against each other and the reference against itself, each on a scale of its own."""
    rows = [(name, found["same_size"]) for name, found in distances.items() if found["same_size"]]
    if not rows:
        return _label(LEFT, HEIGHT / 2, "too few clips to split the reference: nothing to show", "start")
    parts = []
    for number, (name, same) in enumerate(rows):
        middle = TOP + 40 + number * (HEIGHT - TOP - BOTTOM) / len(rows)
        sides = (same["samples"], MODEL, -8), (same["reference"], REAL, 8)
        low = min(0.0, *(side["low"] for side, _, _ in sides))
        x = _scale(low, max(side["high"] for side, _, _ in sides), LEFT + 40, WIDTH - RIGHT - 60)
        parts.append(_label(LEFT + 28, middle + 4, f"{name}, n {same['n']}", "end"))
        for side, colour, shift in sides:
            parts.append(_line([(x(side["low"]), middle + shift), (x(side["high"]), middle + shift)], colour))
            parts.append(_dot(x(side["value"]), middle + shift, colour))
            parts.append(_label(x(side["high"]) + 6, middle + shift + 4, f"{side['value']:.4g}", "start", colour))
    legend = _label(LEFT + 40, HEIGHT - 14, "the sets against each other", "start", MODEL)
    return "".join(parts) + legend + _label(WIDTH - RIGHT, HEIGHT - 14, "the reference against itself", "end", REAL)


def _scale(low: float, high: float, start: float, end: float) -> Any:
    """A function from numbers to places; the middle where there is no range."""
    if high <= low:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _axes(y: Any, low: float, high: float, name: str) -> str:
    frame = _line([(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], INK)
    ticks = "".join(_label(LEFT - 6, y(value) + 4, f"{value:.3g}", "end") for value in (low, (low + high) / 2, high))
    return frame + ticks + _label(LEFT - 60, TOP - 8, name, "start")


def _line(points: Sequence[tuple[float, float]], colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{_points(points)}" fill="none" stroke="{colour}" stroke-width="1.6"{dashed}/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>'


def _label(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _shortened(text: str, most: int = 92) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
