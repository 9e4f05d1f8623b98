"""Signals: frames -> curve, higher is less consistent. To add one: a file here, a line in SIGNALS, a test.

A signal is a class made anew for each clip and told of each step between distinct frames. It takes no arguments, unless
it names in `weights` the network it is made with. The flow of its steps is DIS, unless it names in `flow` another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bench.records import Curve, Family, FrameholdError, Mode, Picture, Profile, Region
from bench.registry import load
from bench.signals.views import Step, Walk

LIGHT: dict[str, str] = {
    "residual_local": "bench.signals.flow:ResidualLocal",
    "residual_global": "bench.signals.flow:ResidualGlobal",
    "residual_lagged": "bench.signals.lagged:ResidualLagged",
    "unmatched": "bench.signals.flow:Unmatched",
    "exposure_drift": "bench.signals.appearance:ExposureDrift",
    "colour_drift": "bench.signals.appearance:ColourDrift",
    "sharpness_drift": "bench.signals.appearance:SharpnessDrift",
    "noise_drift": "bench.signals.appearance:NoiseDrift",
    "surface_colour": "bench.signals.surface:SurfaceColour",
    "surface_texture": "bench.signals.surface:SurfaceTexture",
    "continuation": "bench.signals.continuation:Continuation",
    "warping_error": "bench.signals.published:WarpingError",
    "displacement": "bench.signals.motion:Displacement",
    "subject_motion": "bench.signals.motion:SubjectMotion",
    "camera_motion": "bench.signals.motion:CameraMotion",
    "novelty": "bench.signals.motion:Novelty",
    "going_back": "bench.signals.motion:GoingBack",
}

LEARNED: dict[str, str] = {  # these need networks whose weights are downloaded
    "raft_residual_local": "bench.signals.raft:RaftResidualLocal",
    "raft_residual_global": "bench.signals.raft:RaftResidualGlobal",
    "raft_unmatched": "bench.signals.raft:RaftUnmatched",
    "patch_first": "bench.signals.patches:PatchFirst",
    "patch_usual": "bench.signals.patches:PatchUsual",
    "patch_lagged": "bench.signals.patches:PatchLagged",
}

SIGNALS: dict[str, str] = {**LIGHT, **LEARNED}

LIGHT_DECIDES: tuple[tuple[str, Mode], ...] = (
    ("continuation", "level"),
    ("residual_local", "jump"),
    ("standstill", "level"),
)
LIGHT_STRANGE: tuple[tuple[str, Mode], ...] = (("residual_local", "jump"), ("residual_global", "jump"))
LIGHT_ADDS: tuple[tuple[str, Mode, float], ...] = (("residual_lagged", "level", 2.0),)

PROFILES: dict[str, Profile] = {
    "light": Profile(
        "light",
        6,
        tuple(LIGHT),
        LIGHT_DECIDES,
        LIGHT_STRANGE,
        LIGHT_ADDS,
        "OpenCV DIS flow at 256 x 256, a small network that comes with framehold; on a CPU, nothing to download",
    ),
    "standard": Profile(
        "standard",
        3,
        tuple(SIGNALS),  # the network of `continuation` was taught on DIS flow: what `light` measures stays as it is
        (
            *LIGHT_DECIDES,
            ("raft_residual_local", "jump"),
            ("patch_first", "level"),
            ("patch_usual", "level"),
            ("patch_lagged", "level"),
        ),
        (*LIGHT_STRANGE, ("raft_residual_local", "jump")),
        LIGHT_ADDS,
        "all of light, RAFT flow, and DINOv2 features of patches followed along it; 92 MB to download, a GPU helps",
        ("raft-small", "dinov2-small"),
    ),
}


class About(NamedTuple):
    """What a signal's curve is measured in, and the value below which differences mean nothing."""

    unit: str
    family: Family
    floor: float
    reads: tuple[Mode, ...]
    """How its curve can give a break away; nothing where it is only measured."""
    names: bool = True
    """Does it say what kind of break it is?"""


CLIP_LEVEL: dict[str, About] = {  # curves of the whole clip, not of one step
    "standstill": About("working pixels of motion missed", "motion", 8.0, ("level",)),
    "alignment_loss": About("cosine", "alignment", 0.05, ("level",)),
    "embedding_drift": About("1 - cosine", "features", 0.05, ("level",)),
}


Weights = Mapping[str, Any]


class Reading(NamedTuple):
    """What a signal says of one step. NaN where it cannot say; `region` is where it is worst."""

    value: float
    region: Region | None = None


class Signal(Protocol):
    """What `About` says, as attributes; `update` is called once a step, in order."""

    name: str
    unit: str
    floor: float
    reads: tuple[Mode, ...]
    family: Family

    def update(self, step: Step) -> Reading:
        """What it says of this step."""
        ...


def about(name: str) -> About:
    """What is to be known of a signal by its name."""
    if name in CLIP_LEVEL:
        return CLIP_LEVEL[name]
    signal: Signal = load(SIGNALS, "signal", name)
    return About(signal.unit, signal.family, signal.floor, signal.reads, getattr(signal, "names", True))


def open_profile(name: str) -> Profile:
    """The profile of that name. Raises FrameholdError naming the known ones."""
    if name not in PROFILES:
        raise FrameholdError(f"unknown profile {name!r}: choose from {', '.join(PROFILES)}")
    return PROFILES[name]


class Measuring:
    """The named signals over distinct frames, told one at a time; memory does not grow but for the curves.

    `weights` are the networks that signals name, by name. A copy (`copy.deepcopy`) goes on from where this one is.
    """

    def __init__(self, names: Sequence[str], weights: Weights | None = None) -> None:
        networks = weights or {}
        self._signals = {name: _made(name, networks) for name in names}
        self._readings: dict[str, list[Reading]] = {name: [] for name in names}
        self._indices: list[int] = []
        flows = dict.fromkeys(map(_flow_of, self._signals.values())) or {None: None}
        self._walks = {flow: Walk(_network(flow, networks) if flow else None) for flow in flows}

    def add(self, index: int, picture: Picture) -> None:
        """The next distinct frame, by its container frame."""
        steps = {flow: step for flow, walk in self._walks.items() if (step := walk.step(index, picture))}
        if not steps:
            return
        self._indices.append(index)
        for name, signal in self._signals.items():
            self._readings[name].append(signal.update(steps[_flow_of(signal)]))

    def curves(self) -> tuple[Curve, ...]:
        """What the signals said so far. Fewer than two frames give empty curves."""
        return tuple(
            Curve(
                signal=name,
                frames=tuple(self._indices),
                values=tuple(reading.value for reading in readings),
                regions=tuple(reading.region for reading in readings),
            )
            for name, readings in self._readings.items()
        )


def measure(
    frames: Iterable[tuple[int, Picture]], names: Sequence[str], weights: Weights | None = None
) -> tuple[Curve, ...]:
    """The curves of the named signals over distinct frames, given as (container frame, picture), in one pass."""
    measuring = Measuring(names, weights)
    for index, picture in frames:
        measuring.add(index, picture)
    return measuring.curves()


def _made(name: str, weights: Weights) -> Signal:
    kind: Any = load(SIGNALS, "signal", name)
    needs: str | None = getattr(kind, "weights", None)
    signal: Signal = kind(_network(needs, weights)) if needs else kind()
    return signal


def _flow_of(signal: Signal) -> str | None:
    """The network that gives the flow of its steps; None is DIS."""
    name: str | None = getattr(signal, "flow", None)
    return name


def _network(name: str, weights: Weights) -> Any:
    if name not in weights:
        raise ValueError(f"a signal needs the network {name}; got {', '.join(weights) or 'none'}")
    return weights[name]
