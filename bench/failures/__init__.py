"""Failures of a known kind at a known frame, laid on unbroken clips: for `framehold validate` and for training.

To add one: a function in this folder, a line in FAILURES, a test. A failure takes the frames of a clip at the working
size, the frame it begins at, a severity of 0 to 1 and a generator, and gives back as many frames; those before the
onset are untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.failures.place import Scene
from bench.records import Picture
from bench.registry import load

Kind = Literal["abrupt", "gradual"]
Failing = Callable[[Scene, float, np.random.Generator], list[Picture]]

SEVERITIES: dict[str, float] = {"weak": 0.25, "middle": 0.5, "strong": 1.0}
SHARES = (0.05, 0.10, 0.25)
"""Of the picture, for what is local."""


@dataclass(frozen=True)
class Failure:
    """A way to break. `local` ones cover a share of the picture and travel with the surface they lie on."""

    name: str
    kind: Kind
    local: bool
    where: str
    """module:function"""

    def apply(self, scene: Scene, severity: float, rng: np.random.Generator) -> list[Picture]:
        """All frames of the clip, broken from the scene's onset on."""
        function: Failing = load({self.name: self.where}, "failure", self.name)
        return [*scene.pictures[: scene.onset], *function(scene, severity, rng)]


def _table(kind: Kind, local: bool, module: str, *names: str) -> dict[str, Failure]:
    return {name: Failure(name, kind, local, f"bench.failures.{module}:{name}") for name in names}


FAILURES: dict[str, Failure] = (
    _table("abrupt", False, "order", "cut", "frame_jump", "shuffle", "reverse", "freeze", "zoom_pop")
    | _table("abrupt", False, "look", "flicker")
    | _table("abrupt", True, "objects", "patch_replaced", "mirrored", "vanish", "identity_swap", "pop_in")
    | _table("gradual", False, "look", "noise", "blur", "exposure", "colour", "recompression")
    | _table("gradual", False, "shape", "elastic_morph", "texture_melt", "ghosting")
    | _table("gradual", True, "shape", "local_wobble", "local_melt", "local_freeze", "hue_drift")
)


def visibility(untouched: Sequence[Picture], broken: Sequence[Picture], onset: int, frames: int) -> float:
    """Largest difference of a 16 x 16 block within `frames` frames of the onset, mean over its pixels, grey levels."""
    return max((float(block_difference(a, b).max()) for a, b in _pairs(untouched, broken, onset, frames)), default=0.0)


def block_difference(first: Picture, second: Picture) -> NDArray[np.float32]:
    """Mean absolute difference of 8 x 8 blocks averaged over 2 x 2 of them, grey levels (rows, columns)."""
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16)).mean(axis=2)
    rows, columns = difference.shape[0] // 8, difference.shape[1] // 8
    blocks = difference[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).mean(axis=(1, 3))
    padded = np.pad(blocks, ((0, 1), (0, 1)), mode="edge")
    means = (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4
    return np.asarray(means, np.float32)


def _pairs(
    untouched: Sequence[Picture], broken: Sequence[Picture], onset: int, frames: int
) -> zip[tuple[Picture, Picture]]:
    return zip(untouched[onset : onset + frames], broken[onset : onset + frames], strict=True)
