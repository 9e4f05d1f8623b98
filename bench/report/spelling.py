"""Numbers, names and links as the page prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from bench.records import counted
from bench.signals import CLIP_LEVEL, SIGNALS, about

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Text that HTML and UTF-8 can hold; what they cannot becomes the replacement character."""
    return UNPRINTABLE.sub("\ufffd", text)


def one_way(text: str) -> str:
    """Printable text without marks of direction, for places that cannot isolate them as the page does.

    >>> one_way("x\\u202egnp.exe")
    'x\ufffdgnp.exe'
    """
    return DIRECTION.sub("\ufffd", printable(text))


def percent(share: float) -> str:
    """A share in whole per cent; only all is 100% and only none is 0%.

    >>> percent(0.25), percent(0.999), percent(0.001), percent(1.0000000000000002)
    ('25%', '>99%', '<1%', '100%')
    """
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def watched(block: Mapping[str, Any], horizon: int) -> str:
    """Over how many frames the numbers of a row are, where none of its clips lasts to the horizon; else nothing.

    >>> watched({"frames_held": {"horizon": 49}}, 97), watched({"frames_held": {"horizon": 97}}, 97)
    ('first 49 frames', '')
    """
    frames = block["frames_held"]
    return f"first {counted(int(frames['horizon']), 'frame')}" if frames and frames["horizon"] < horizon else ""


def row_name(name: str, block: Mapping[str, Any], horizon: int) -> str:
    """The name of a row and over how many frames it is, where a table has one cell for both.

    >>> row_name("real footage", {"frames_held": {"horizon": 49}}, 97)
    'real footage, first 49 frames'
    """
    return ", ".join(filter(None, (name, watched(block, horizon))))


def unit(signal: str) -> str | None:
    """The unit of a signal's curve; None for a plug-in's, which is not imported for the page."""
    return about(signal).unit if signal in SIGNALS or signal in CLIP_LEVEL else None


def relative_link(path: str | None) -> str | None:
    """A quoted link to a file of the run folder; None for what leads out of it.

    >>> relative_link("clips/a b?.mp4"), relative_link("../secret"), relative_link("javascript:alert(1)")
    ('clips/a%20b%3F.mp4', None, 'javascript%3Aalert%281%29')
    """
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path.replace("\\", "/")).parts:
        return None
    return quote(path, errors="replace")
