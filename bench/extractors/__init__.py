"""Extractors: windows of pictures -> features. To add one: a file here, a line in EXTRACTORS, a test.

What EXTRACTORS names is a function from `Wanted` to an `Extractor`. Each has its own preprocessing, so that a published
number can be matched; a name stands for network, weights and preprocessing together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.networks import Weights
from bench.records import FrameholdError, Picture, fingerprint
from bench.registry import load

EXTRACTORS: dict[str, str] = {
    "embedded": "bench.extractors.embedded:embedded",
    "i3d-400": "bench.extractors.i3d:i3d_400",
    "r3d_18": "bench.extractors.torchvision:r3d_18",
    "s3d": "bench.extractors.torchvision:s3d",
    "mvit_v2_s": "bench.extractors.torchvision:mvit_v2_s",
    "swin3d_t": "bench.extractors.torchvision:swin3d_t",
    "videomae": "bench.extractors.transformers:videomae",
    "vjepa2": "bench.extractors.transformers:vjepa2",
    "clip": "bench.extractors.clip:clip",
}


@dataclass(frozen=True)
class Wanted:
    """What is asked of an extractor: a mode of its preprocessing, weights of one's own, and where it is to run."""

    name: str
    mode: str | None = None
    weights: str | None = None
    offline: bool = False
    device: str = "auto"
    """auto, cpu, cuda, cuda:1"""

    def mode_of(self, modes: Sequence[str]) -> str:
        """The mode asked for, the first where none is. Raises FrameholdError naming those there are."""
        if self.mode is None:
            return modes[0]
        if self.mode not in modes:
            known = f"the modes {', '.join(modes)}" if len(modes) > 1 else f"one mode, {modes[0]}: leave --mode out"
            raise FrameholdError(f"--mode {self.mode}: {self.name} has {known}")
        return self.mode


@dataclass(frozen=True)
class About:
    """What a reader must know of features to compare them with others'."""

    name: str
    mode: str
    version: int
    """Of the preprocessing: another version gives other features."""
    frames: int
    """In a window, as it is usually applied."""
    least_frames: int
    any_length: bool
    """Whether a window may have another number of frames than `frames`."""
    licence: str
    weights: Weights | None = None
    ddof: int = 1
    """Of the covariances, in the code whose figures the mode stands for: 1 divides by n - 1, 0 by n."""
    libraries: tuple[str, ...] = ("av", "numpy")
    device: str = "cpu"


class Extractor(Protocol):
    """`frame` and `window` run beside each other in threads, `embed` in one. Windows are told in order."""

    @property
    def about(self) -> About:
        """What a reader must know of it."""
        ...

    def frame(self, picture: Picture) -> Any:
        """One picture, preprocessed."""
        ...

    def window(self, frames: Sequence[Any]) -> Any:
        """The preprocessed pictures of one window."""
        ...

    def embed(self, windows: Sequence[Any]) -> NDArray[np.float32]:
        """Features (windows, d)."""
        ...


def open_extractor(
    name: str,
    mode: str | None = None,
    weights: str | Path | None = None,
    offline: bool = False,
    device: str = "auto",
) -> Extractor:
    """The extractor of that name, with its weights. Raises FrameholdError naming the option at fault."""
    if not isinstance(name, str):
        raise FrameholdError(f"expected the name of an extractor ({', '.join(sorted(EXTRACTORS))}), got {name!r}")
    wanted = Wanted(name, mode, None if weights is None else str(weights), offline, device)
    extractor: Extractor = load(EXTRACTORS, "extractor", name)(wanted)
    return extractor


def features_fingerprint(about: About, frames: int, step: int) -> str:
    """What decides the features of a clip beside its bytes; `frames` and `step` say how windows are cut."""
    return fingerprint(
        [
            [about.name, about.mode, about.version, frames, step, about.device.partition(":")[0]],
            about.weights.sha256 if about.weights else None,
            {name: version(name) for name in about.libraries},
        ]
    )
