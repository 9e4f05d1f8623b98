"""Features on disk, by the content of the clip and what made them: a folder that may be deleted at any time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.run_folder import replace


@dataclass(frozen=True)
class ClipFeatures:
    """Features (windows, d) of one clip, or in `missing` why there are none. `frames` were read, no more."""

    name: str
    windows: NDArray[np.float32]
    frames: int = 0
    fps: float = 0.0
    missing: str | None = None


@dataclass(frozen=True)
class Cutting:
    """How a clip is cut: windows of `frames`, one every `step`, within the first `span` frames (all when None)."""

    frames: int
    step: int
    span: int | None = None

    @property
    def most(self) -> int | None:
        """Windows that fit into the span; None without one."""
        return None if self.span is None else max(0, (self.span - self.frames) // self.step + 1)


@dataclass(frozen=True)
class FeatureCache:
    """Features on disk, a file a clip; `folder` may be deleted at any time."""

    folder: Path
    mark: str
    """Fingerprint of what makes the features."""

    def path(self, content: str) -> Path:
        """Where the features of the clip with that hash of content lie."""
        return self.folder / self.mark[:16] / f"{content[:32]}.npz"

    def read(self, content: str, cutting: Cutting, name: str) -> ClipFeatures | None:
        """What is there, cut to the span; None where it is nothing, damaged, or ends before span and clip do."""
        try:
            with self.path(content).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                windows, facts = kept["windows"], kept["facts"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        frames, fps, ended = int(facts[0]), float(facts[1]), bool(facts[2])
        if not ended and (cutting.most is None or len(windows) < cutting.most):
            return None
        span = frames if cutting.span is None else min(frames, cutting.span)
        return ClipFeatures(name, windows[: cutting.most], span, fps)

    def write(self, content: str, features: ClipFeatures, ended: bool) -> None:
        """Keep them, atomically."""
        path = self.path(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = np.array([features.frames, features.fps, ended], np.float64)
        replace(path, lambda new: _save(new, features.windows, facts))


def _save(path: Path, windows: NDArray[np.float32], facts: NDArray[np.float64]) -> None:
    with path.open("wb") as file:
        np.savez(file, windows=windows, facts=facts)
