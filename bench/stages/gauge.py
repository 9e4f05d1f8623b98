"""gauge: two contenders and real footage -> which of them lies further from it, or why that is not known."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.distances.estimate import Sample
from bench.distances.kernel import PolynomialKernel
from bench.distances.paired import apart_gap, paired_gap
from bench.extractors import About, Extractor, open_extractor
from bench.extractors.cache import Cutting
from bench.extractors.features import ClipSource
from bench.records import FrameholdError, Interval, counted
from bench.stages import Crew
from bench.stages.clip_sets import LEAST_CLIPS, ClipSet, Seen, open_set, rates_differ, seen_sets
from bench.stages.pair import Contender, Pairing
from bench.verdict import Difference, DistanceDifference, Measured

SAME = ("name", "mode", "version", "dimensions", "frames", "step", "windows", "weights")
"""What two measurements must have alike to be two values of one distance."""


@dataclass(frozen=True)
class Gauge:
    """The difference of the two distances, where there is one, and what must be said of it or of its absence."""

    found: DistanceDifference | None = None
    notes: tuple[str, ...] = ()


def gauge(pairing: Pairing, reference: str | Path | None, features: str, offline: bool, crew: Crew) -> Gauge:
    """Measured now against `reference`, or without one taken from both summaries.

    Raises FrameholdError where the reference cannot be read; what else is in the way is told as a note.
    """
    if reference is None:
        return _from_summaries(pairing)
    footage = open_set(str(reference))
    extractor = open_extractor(features, offline=offline)
    try:
        return _measured_now(pairing, footage, extractor, crew)
    except FrameholdError as error:
        return Gauge(notes=(f"The distance from {footage.name} is not compared: {error}.",))


# ---- measured now ------------------------------------------------------------------------------------------------


def _measured_now(pairing: Pairing, footage: ClipSet, extractor: Extractor, crew: Crew) -> Gauge:
    """Over the pairs of which both clips are there, and as many frames as the shortest of them has."""
    pairs = [key for key, *both in zip(pairing.asked, *pairing.judged(), strict=True) if all(both)]
    span = min((clip.frames for side in pairing.sides()[:2] for clip in side), default=0)
    about: About = extractor.about
    cutting = _cutting(about, span)
    seen = [
        seen_sets((_set_of(side, pairs), footage), extractor, cutting, crew, cache=_cache_of(side))
        for side in (pairing.baseline, pairing.candidate)
    ]
    windows = min(len(one.windows) for pair in seen for one in pair)  # a window is the same, however many follow it
    first, second = _of_common_prompts(*(pair[0].sample(cutting, windows) for pair in seen))
    gap = paired_gap(PolynomialKernel, first, second, seen[0][1].sample(cutting, windows))
    one, other = _measured(gap.first, len(first.features)), _measured(gap.second, len(second.features))
    prompts = len(set(first.groups))
    found = DistanceDifference(
        footage.name,
        f"{about.name} {about.mode}, {windows} x {cutting.frames} frames",
        one,
        other,
        _difference(one, other, gap.difference, prompts),
        _told(gap.difference),
        paired=True,
    )
    refused = [f"No interval of the distance: {gap.refused}."] if gap.refused else []
    return Gauge(found, (_said(found), *refused, *_caveats([seen[0][0], seen[1][0], seen[0][1]])))


def _caveats(sets: Sequence[Seen]) -> list[str]:
    """What was left out of the three sets, and whether they run at one rate."""
    notes = []
    left_out = {name: why for each in sets for name, why in each.refused.items()}
    if left_out:
        name, why = next(iter(left_out.items()))
        notes.append(f"Left out of the distance: {counted(len(left_out), 'clip')}, the first {name}: {why}.")
    if rates_differ(*sets):
        listed = ", ".join(f"{each.fps:.3g}" for each in sets if each.fps)
        notes.append(f"Frame rates differ ({listed} a second): the distances hold that difference.")
    return notes


def _of_common_prompts(one: Sample, other: Sample) -> list[Sample]:
    """Both without the prompts of which the other has no clip that could be read."""
    common = set(one.groups) & set(other.groups)
    kept = []
    for each in (one, other):
        rows = [number for number, group in enumerate(each.groups) if group in common]
        if len(rows) < LEAST_CLIPS:
            usable = counted(len(rows), "clip")
            raise FrameholdError(f"{usable} of {each.name} can be paired, a distance needs {LEAST_CLIPS}")
        kept.append(Sample(each.features[rows], tuple(each.groups[row] for row in rows), each.name))
    return kept


def _cutting(about: About, span: int) -> Cutting:
    """Windows end to end within the frames that every clip has."""
    frames = min(about.frames, span) if about.any_length else about.frames
    if span < max(frames, about.least_frames):
        shortest = counted(span, "frame")
        raise FrameholdError(f"the shortest clip has {shortest}, {about.name} takes {about.least_frames} or more")
    return Cutting(frames, frames, span)


def _set_of(side: Contender, pairs: list[tuple[str, int]]) -> ClipSet:
    root, rows = side.run.folder.root, [side.rows[key] for key in pairs]
    return ClipSet(
        f"{root}:{side.model}",
        tuple(ClipSource(row.clip_id, root / str(row.file), fps=row.fps) for row in rows),
        tuple(row.prompt_id for row in rows),
        {},
    )


def _cache_of(side: Contender) -> Path | None:
    """The run's own, where it may be written; else the user's."""
    folder = side.run.folder.cache_folder
    return folder / "features" if folder.is_dir() and os.access(folder, os.W_OK) else None


# ---- from two summaries ------------------------------------------------------------------------------------------


def _from_summaries(pairing: Pairing) -> Gauge:
    """What `run --reference` measured of each, put together as if independent."""
    sides = (pairing.baseline, pairing.candidate)
    blocks = [side.run.folder.summary()["models"].get(side.model, {}).get("distance") for side in sides]
    if not any(blocks):
        return Gauge()
    if why := _not_alike(sides, blocks):
        return Gauge(notes=(f"The distance from real footage is not compared: {why}.",))
    kernels = [block["distances"]["kernel"] for block in blocks]
    one, other = (Measured(each["value"], each["low"], each["high"], each["n"]) for each in kernels)
    difference: Interval | float = other.value - one.value
    limits = [_interval(each) for each in (one, other)]
    if limits[0] and limits[1]:
        difference = apart_gap(limits[0], limits[1])
    features = blocks[0]["features"]
    prompts = min(block["a"]["independent"] for block in blocks)
    found = DistanceDifference(
        Path(blocks[0]["b"]["name"]).name,
        f"{features['name']} {features['mode']}, {features['windows']} x {features['frames']} frames",
        one,
        other,
        _difference(one, other, difference, prompts),
        _told(difference),
        paired=False,
    )
    return Gauge(found, (_said(found),))


def _not_alike(sides: tuple[Contender, Contender], blocks: list[Mapping[str, Any] | None]) -> str | None:
    """Why two blocks of two summaries are not two values of one distance; None where they are."""
    again = "measure both with compare --reference DIR"
    for name, side, block in zip(("baseline", "candidate"), sides, blocks, strict=True):
        if not block:
            return f"the {name} was not measured against any; {again}"
        if refused := block.get("refused"):
            return f"{side.run.folder.root} has none: {refused}"
    one, other = (block for block in blocks if block)
    if one["b"]["name"] != other["b"]["name"] or one["b"]["clips"] != other["b"]["clips"]:
        references = " and ".join(f"{block['b']['name']} ({block['b']['clips']} clips)" for block in (one, other))
        return f"the runs were measured against {references}; {again}"
    if differing := [key for key in SAME if one["features"].get(key) != other["features"].get(key)]:
        return f"the runs' features differ in {', '.join(differing)}; {again}"
    return None


# ---- what is said ------------------------------------------------------------------------------------------------


def _measured(value: Interval | float, clips: int) -> Measured:
    if isinstance(value, Interval):
        return Measured(value.value, value.low, value.high, clips)
    return Measured(value, None, None, clips)


def _interval(measured: Measured) -> Interval | None:
    if measured.low is None or measured.high is None:
        return None
    return Interval(measured.value, measured.low, measured.high)


def _difference(one: Measured, other: Measured, gap: Interval | float, prompts: int) -> Difference:
    low, high = (gap.low, gap.high) if isinstance(gap, Interval) else (None, None)
    return Difference(
        one.value, other.value, other.value - one.value, low, high, None, prompts, min(one.clips, other.clips)
    )


def _told(gap: Interval | float) -> bool | None:
    return not gap.low <= 0 <= gap.high if isinstance(gap, Interval) else None


def _said(found: DistanceDifference) -> str:
    """Both distances with their intervals, and whether they can be told apart."""
    sides = [
        f"{name} {each.value:.4g}" + ("" if each.low is None else f" ({each.low:.4g} to {each.high:.4g})")
        for name, each in (("baseline", found.baseline), ("candidate", found.candidate))
    ]
    head = f"Kernel distance from {found.reference}: {', '.join(sides)}"
    if found.told is None:
        return f"{head}; too few clips to say whether they differ."
    if not found.told:
        how = "" if found.paired else ", taken as independent; compare --reference DIR pairs them"
        return f"{head}; the difference cannot be told from 0{how}."
    return f"{head}; the candidate lies {'further away' if found.difference.value > 0 else 'nearer'}."
