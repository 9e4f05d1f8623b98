"""Filmstrips: which of them the page holds, and each picture of them with its frame, its border and its region."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.report.spelling import relative_link

Item = TypeVar("Item")
MOST_STRIPS = 200
MOST_BYTES = 14_000_000  # of JPEG: a third more as text, and the page stays under 20 MB
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG markers that say how large the picture is
ALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG markers without a length


@dataclass(frozen=True)
class Box:
    """A region in per cent of its picture."""

    left: str
    top: str
    width: str
    height: str


@dataclass(frozen=True)
class StripPicture:
    """One picture of a strip: its container frame, where it lies in the strip (per cent), and what marks it."""

    frame: int
    position: str
    onset: bool
    box: Box | None


@dataclass(frozen=True)
class Filmstrip:
    """A strip as a data URI with its pictures; `aspect` is of one picture, width over height."""

    uri: str
    aspect: str
    pictures: tuple[StripPicture, ...]

    @property
    def frames(self) -> str:
        """The frames shown, as text."""
        return ", ".join(str(picture.frame) for picture in self.pictures)


def embedded(
    root: Path, groups: Iterable[Sequence[str]], rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[bytes, float]]:
    """Content and aspect of the strips that fit into the page: the first clips of every group, then the second ones.

    `groups` holds clip ids in the order of the page, `rows` the rows of strips.jsonl. Absent and damaged files
    have none.
    """
    chosen: dict[str, tuple[bytes, float]] = {}
    room = MOST_BYTES
    for clip_id in turn_by_turn(groups):
        if clip_id not in rows or (content := _content(root, rows[clip_id])) is None:
            continue
        if len(chosen) == MOST_STRIPS or len(content) > room:
            break
        if size := jpeg_size(content):
            room -= len(content)
            chosen[clip_id] = (content, size[0] / len(rows[clip_id]["frames"]) / size[1])
    return chosen


def turn_by_turn(groups: Iterable[Sequence[Item]]) -> Iterator[Item]:
    """The first of every group, then the second of every group, and so on."""
    waiting = [list(group) for group in groups]
    for turn in range(max((len(group) for group in waiting), default=0)):
        yield from (group[turn] for group in waiting if turn < len(group))


def _content(root: Path, row: Mapping[str, Any]) -> bytes | None:
    if relative_link(row["file"]) is None or not row["frames"]:
        return None
    strip = root / str(row["file"])
    try:
        return strip.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG from its header; None for what is none."""
    at = 2
    if content[:2] != b"\xff\xd8":
        return None
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in SIZES:
            height, width = (int.from_bytes(content[at + side : at + side + 2], "big") for side in (5, 7))
            return (width, height) if width and height else None
        at += 2 if marker in ALONE else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def filmstrip(
    content: bytes, aspect: float, frames: Sequence[int], onset: int | None, region: Sequence[float] | None
) -> Filmstrip:
    """The pictures of a strip; the onset has a border, and in it the region a box."""
    last = max(len(frames) - 1, 1)
    box = box_of(region) if region is not None else None
    pictures = tuple(
        StripPicture(frame, f"{100 * place / last:.3f}", frame == onset, box if frame == onset else None)
        for place, frame in enumerate(frames)
    )
    return Filmstrip(f"data:image/jpeg;base64,{base64.b64encode(content).decode()}", f"{aspect:.4f}", pictures)


def box_of(region: Sequence[float]) -> Box | None:
    """The region cut to the picture; None where nothing of it is inside."""
    if len(region) != 4 or not all(math.isfinite(side) for side in region):
        return None
    x, y, w, h = region
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in (x, y, x + w, y + h))
    if right <= left or bottom <= top:
        return None
    return Box(*(f"{100 * side:.2f}" for side in (left, top, right - left, bottom - top)))
