"""distance: two sets of clips -> how far apart they are, over the whole clip and along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.distances import DISTANCES
from bench.distances.estimate import FEW, Plan, Sample, estimate
from bench.distances.frechet import Frechet
from bench.distances.infinite import infinite_distance
from bench.distances.windows import drift
from bench.extractors import About, open_extractor
from bench.extractors.cache import Cutting
from bench.records import FrameholdError, Interval, counted
from bench.registry import load
from bench.stages import Crew
from bench.stages.clip_sets import ClipSet, Seen, open_set, rates_differ, seen_sets
from bench.stages.foresee import declared_frames, refuse_empty_figure, refuse_short

COSTLY = 512  # dimensions from which a Fréchet distance is drawn again a quarter as often
LOWEST_LEVEL = 0.001  # a floor at a lower one would need more splits of the reference than are worth drawing


@dataclass(frozen=True)
class Request:
    """What a distance depends on beside the clips. None leaves the choice to the extractor, or to the clips."""

    features: str = "embedded"
    mode: str | None = None
    weights: str | None = None
    frames: int | None = None
    step: int | None = None
    span: int | None = None
    windows: bool = False
    infinite: bool = False
    level: float = 0.05
    seed: int = 1
    offline: bool = False
    device: str = "auto"
    batch: int | None = None
    cache: Path | None = None
    figure: bool = False
    """Whether there must be something to draw."""


def distance(first: str, second: str, request: Request, crew: Crew) -> dict[str, Any]:
    """How far the clips of `first` lie from those of `second`, the reference; plain data for JSON.

    Each is a folder of videos, a run folder, or either with :MODEL. Raises FrameholdError where nothing can be said.
    """
    _check(request)
    sets = open_set(first), open_set(second)
    if request.figure:
        refuse_empty_figure(*((one.name, one.groups) for one in sets))
    extractor = open_extractor(request.features, request.mode, request.weights, request.offline, request.device)
    cutting = _cutting(extractor.about, request, sets)
    if request.span:
        refuse_short(sets, request.span)
    seen, reference = seen_sets(
        sets,
        extractor,
        cutting,
        crew,
        least=cutting.most or 1 if request.span else 1,
        batch=request.batch,
        cache=request.cache,
    )
    if request.figure:  # clips may have been left out since
        refuse_empty_figure(*((one.name, one.groups) for one in (seen, reference)))
    plan = Plan(level=request.level, seed=request.seed, splits=max(100, int(np.ceil(1 / request.level))))
    whole, other = seen.sample(cutting), reference.sample(cutting)
    dimensions = whole.features.shape[1]
    found = {
        name: asdict(estimate(_made(name, extractor.about), whole, other, _fewer(plan, name, dimensions)))
        for name in DISTANCES
    }
    result = {
        "a": _about_set(seen),
        "b": _about_set(reference),
        "features": _about_features(extractor.about, cutting, len(seen.windows), dimensions),
        "distances": found,
        "notes": _notes(seen, reference, extractor.about) + _short(seen, reference, cutting),
    }
    if request.infinite:
        result["infinite"] = _infinite(extractor.about, whole, other, request.seed)
    if request.windows:
        result["along"] = _along(seen, reference, cutting, plan)
    plain: dict[str, Any] = _plain(result)
    return plain


def _check(request: Request) -> None:
    """Raises FrameholdError naming the option that can be meant by nobody."""
    if not LOWEST_LEVEL <= request.level < 1:
        raise FrameholdError(f"--level {request.level:g}: expected a share from {LOWEST_LEVEL:g} to 1, such as 0.05")
    for option, value in (("frames", request.frames), ("step", request.step), ("batch", request.batch)):
        if value is not None and value < 1:
            raise FrameholdError(f"--{option} {value}: expected 1 or more")
    if request.seed < 0:
        raise FrameholdError(f"--seed {request.seed}: expected 0 or more")
    window = request.frames or 1
    if request.span is not None and request.span < window:
        least = f"at least the window's {window} frames" if request.frames else "1 or more"
        raise FrameholdError(f"--span {request.span}: expected {least}")
    if request.frames and request.frames % (request.step or request.frames):
        raise FrameholdError(f"--step {request.step}: expected a divisor of the window's {request.frames} frames")


def _cutting(about: About, request: Request, sets: tuple[ClipSet, ClipSet]) -> Cutting:
    """Windows as asked for. Without a span they end with the shortest clip; until that is known, with the first."""
    frames = request.frames or about.frames
    if frames != about.frames and not about.any_length:
        raise FrameholdError(f"--frames {frames}: {about.name} takes {about.frames} frames and no other number")
    if frames < about.least_frames:
        raise FrameholdError(f"--frames {frames}: {about.name} takes {about.least_frames} or more")
    step = request.step or frames
    if step < 1 or frames % step:
        raise FrameholdError(f"--step {step}: expected a divisor of the window's {frames} frames")
    if request.span is not None and request.span < frames:
        raise FrameholdError(f"--span {request.span}: expected at least the window's {frames} frames")
    lengths = [length for one in sets if (length := _length_of_first(one, frames))]
    return Cutting(frames, step, request.span or min(lengths, default=None))


def _length_of_first(one: ClipSet, least: int) -> int | None:
    """What the first clip of that length or more says of its length; None where it says nothing."""
    for clip in one.clips:
        length = declared_frames(clip)
        if length is None or length >= least:
            return length
    return None


# ---- numbers -----------------------------------------------------------------------------------------------------


def _made(name: str, about: About) -> Any:
    """What builds the distance from a pool; a Fréchet distance divides covariances as the code behind the mode does."""
    kind = load(DISTANCES, "distance", name)
    return (lambda pool: Frechet(pool, about.ddof)) if kind is Frechet else kind


def _fewer(plan: Plan, name: str, dimensions: int) -> Plan:
    if name != Frechet.name or dimensions < COSTLY:
        return plan
    return replace(plan, replicates=plan.replicates // 4, splits=max(plan.splits // 4, int(np.ceil(1 / plan.level))))


def _infinite(about: About, sample: Sample, reference: Sample, seed: int) -> dict[str, Any]:
    try:
        return {"frechet": infinite_distance(_made("frechet", about), sample, reference, seed), "refused": None}
    except ValueError as error:
        return {"frechet": None, "refused": str(error)}


def _along(seen: Seen, reference: Seen, cutting: Cutting, plan: Plan) -> dict[str, Any]:
    frames = [(start, start + cutting.frames) for start in range(0, len(seen.windows) * cutting.step, cutting.step)]
    try:
        found = drift(seen.windows, reference.windows, frames, (seen.groups, reference.groups), plan)
        return asdict(found) | {"refused": None}
    except ValueError as error:
        return {"windows": [], "hold_frames": None, "to_the_end": None, "level": plan.level, "refused": str(error)}


# ---- what is said of it ------------------------------------------------------------------------------------------


def _about_set(seen: Seen) -> dict[str, Any]:
    clips = seen.windows.shape[1]
    return {
        "name": seen.name,
        "clips": clips,
        "independent": len(set(seen.groups)),
        "fps": seen.fps,
        "refused": dict(seen.refused),
    }


def _about_features(about: About, cutting: Cutting, windows: int, dimensions: int) -> dict[str, Any]:
    return {
        "name": about.name,
        "mode": about.mode,
        "version": about.version,
        "dimensions": dimensions,
        "frames": cutting.frames,
        "step": cutting.step,
        "windows": windows,
        "covariance": "1/n" if about.ddof == 0 else "1/(n-1)",
        "weights": about.weights and {"file": about.weights.path.name, "sha256": about.weights.sha256},
        "licence": about.licence,
        "device": about.device,
    }


def _notes(seen: Seen, reference: Seen, about: About) -> list[str]:
    """What a reader must know before trusting the numbers, a sentence each."""
    notes = []
    counts = [one.windows.shape[1] for one in (seen, reference)]
    dimensions = seen.windows.shape[2]
    if min(counts) < FEW:
        notes.append(f"{counted(min(counts), 'clip')} in the smaller set, fewer than {FEW}: too few to rank models by.")
    if min(counts) <= dimensions:
        notes.append(
            f"Fewer clips than the {dimensions} dimensions of the features: the Fréchet distance is mostly sampling "
            "error; read it only beside the reference against itself at the same n."
        )
    if rates_differ(seen, reference):
        notes.append(
            f"Frame rates differ ({seen.fps:.3g} and {reference.fps:.3g} a second): the distance holds that difference."
        )
    if shared := len(_content(seen) & _content(reference)):
        notes.append(
            f"{shared} clips of {seen.name} show exactly what one of {reference.name} shows: the distance is lower "
            "than that of clips the reference does not hold."
        )
    for one in (seen, reference):
        copies = one.windows.shape[1] - len(np.unique(one.windows[0], axis=0))
        if copies:
            notes.append(f"{one.name}: {copies} clips show exactly what another shows; copies are no further clips.")
        if one.refused:
            notes.append(f"{one.name}: {len(one.refused)} clips are left out, each by name under `refused`.")
    if "NC" in about.licence:
        notes.append(f"The weights of {about.name} are licensed {about.licence}.")
    return notes


def _short(seen: Seen, reference: Seen, cutting: Cutting) -> list[str]:
    """That one short clip has ended the windows of all."""
    if cutting.most is None or len(seen.windows) >= cutting.most:
        return []
    name, frames = min(seen.shortest, reference.shortest, key=lambda shortest: shortest[1])
    end = (len(seen.windows) - 1) * cutting.step + cutting.frames
    return [
        f"Only the opening {end} frames are looked at, as {name} has {frames}: --span {cutting.span} looks further and "
        "leaves shorter clips out."
    ]


def _content(seen: Seen) -> set[bytes]:
    """What tells the clips of a set from others: their features in the first window."""
    return {row.tobytes() for row in seen.windows[0]}


def _plain(content: Any) -> Any:
    """Intervals as value, low, high; the rest as JSON has it."""
    if isinstance(content, Interval):
        return {key: _plain(value) for key, value in content._asdict().items()}
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return content
