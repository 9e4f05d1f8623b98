"""The misses of a study as a page: of every family the worst, untouched frames beside broken ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.records import counted
from bench.report.miss_sheet import Card, Cell, Section, miss_sheet
from bench.report.spelling import relative_link
from bench.report.words import cause_label

TITLE = "What the hold misses"
TOLD = {
    "premature alarms": "alarms before the failure began",
    "false alarms": "alarms on unbroken clips",
    "controls": "alarms on clips that are hard but consistent",
    "clips made to please": "held to their end",
}
EXPLAIN = (
    "Untouched frames stand above the broken ones, on a narrow screen beside them. A border marks the frame at which "
    "the failure begins, or that of the alarm; a box marks where a local failure differs most from the untouched clip. "
    "Frames are numbered from 0.",
    "Of each family the plainest misses come first: by how visible they are, in grey levels by which a block of "
    "16 x 16 pixels differs from the untouched clip within half a second, and from different clips while there are. "
    "Then come onsets that were named wrongly: by more than 2 frames where a failure is sudden, by more than 5 where "
    "it grows. Evidence is the share of the threshold that framehold reached: an alarm goes off above 100%.",
)


def study_misses_page(study: Mapping[str, Any], out: Path) -> str:
    """The HTML of the misses of a study whose folder is `out`; strips that are not there are left out."""
    sections = [_section(its, out) for its in study.get("misses", ()) if its["misses"]]
    clean = [_words(its["name"]) for its in study.get("misses", ()) if not its["misses"]]
    lede = (
        f"A study over {counted(study['clips'], 'clip')} of {counted(study['sources'], 'source')}, {study['trials']} "
        f"failures laid on them at known frames. Thresholds: {study['thresholds']}."
    )
    spotless = (f"Nothing to show, as nothing went wrong: {', '.join(clean)}.",) if clean else ()
    return miss_sheet(TITLE, lede, (*EXPLAIN, *spotless), sections)


def _section(its: Mapping[str, Any], out: Path) -> Section:
    told = TOLD.get(its["name"], "missed, or their onset named wrongly")
    return Section(
        _words(its["name"]).capitalize(),
        f"{its['misses']} of {its['trials']} {told}{_rest(its)}.",
        tuple(_card(miss, out) for miss in its["shown"]),
    )


def _rest(its: Mapping[str, Any]) -> str:
    """How many of the misses are shown, where that is not all."""
    shown = len(its["shown"])
    if shown == its["misses"]:
        return ""
    if not shown and its["name"] == "premature alarms":
        return ": the unbroken clips raise the same ones, see false alarms"
    return {0: "; none is shown", 1: "; the worst is shown"}.get(shown, f"; the worst {shown} are shown")


def _card(miss: Mapping[str, Any], out: Path) -> Card:
    pictures = miss["pictures"]
    strip = _content(out, miss["strip"])
    lines = (*_done(miss), _said(miss))
    if not strip:
        lines += (f"No pictures: {miss['undrawn'] or 'the strip is not in the folder of the study'}.",)
    return Card(
        _title(miss),
        lines,
        miss["clip"],
        strip,
        1 + max((picture["place"] for picture in pictures), default=0),
        tuple(_cell(miss, picture) for picture in pictures),
        paired=any(picture["clip"] == "untouched" for picture in pictures),
    )


def _content(out: Path, file: str) -> bytes:
    if relative_link(file) is None:
        return b""
    try:
        return (out / file).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""


def _title(miss: Mapping[str, Any]) -> str:
    parts = [_words(miss["name"]) or "unbroken"]
    if miss["severity"]:
        parts.append(miss["severity"])
    if 0 < miss["share"] < 1:
        parts.append(f"{miss['share']:.0%} of the picture")
    return ", ".join(parts)


def _done(miss: Mapping[str, Any]) -> Sequence[str]:
    if not miss["severity"]:
        return (
            f"{counted(miss['frames'], 'frame')}, unbroken."
            if miss["kind"] != "adversary"
            else f"{miss['frames']} frames.",
        )
    return (f"Begins at frame {miss['onset']} of {miss['frames']}, visible by {miss['visibility']:.0f} grey levels.",)


def _said(miss: Mapping[str, Any]) -> str:
    share = miss["evidence"]
    evidence = f"{share:.0%} of the threshold" if share < 2 else f"{share:.1f} times the threshold"
    if miss["alarm"] is None:
        most = f", most at frame {miss['peak'][0]} ({cause_label(miss['peak'][1])})" if miss["peak"] else ""
        held = "all frames" if miss["held_frames"] == miss["frames"] else counted(miss["held_frames"], "frame")
        return f"framehold: no alarm, {held} held. Evidence {evidence}{most}."
    cause = f", {cause_label(miss['cause'])}" if miss["cause"] else ""
    off = miss["named"] - miss["onset"]
    away = f", {counted(abs(off), 'frame')} {'late' if off > 0 else 'early'}" if miss["severity"] and off else ""
    return (
        f"framehold: broke at frame {miss['named']}{away}{cause}; alarm at frame {miss['alarm']}. Evidence {evidence}."
    )


def _cell(miss: Mapping[str, Any], picture: Mapping[str, Any]) -> Cell:
    frame, laid = picture["frame"], picture["clip"] == "laid"
    alone = not any(other["clip"] == "untouched" for other in miss["pictures"])
    what = (
        ""
        if alone
        else " broken"
        if laid and miss["severity"]
        else f" {_words(miss['name'])}"
        if laid
        else " untouched"
    )
    return Cell(picture["place"], f"{frame}{what}", _mark(miss, frame) if laid else "", picture["region"])


def _mark(miss: Mapping[str, Any], frame: int) -> str:
    """What begins at this frame of the clip that was judged."""
    if miss["severity"] and frame == miss["onset"]:
        return "begins"
    if frame == miss["alarm"]:
        return "alarm"
    return "break" if frame == miss["named"] else ""


def _words(name: str) -> str:
    return name.replace("_", " ")
