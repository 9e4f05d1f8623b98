"""An extractor made of a torch network and what is done to a picture before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.extractors import About
from bench.records import FrameholdError, Picture


@dataclass(frozen=True)
class TorchExtractor:
    """`network` takes (n, 3, t, h, w), or (n, t, 3, h, w) where `time_first`, and gives (n, d)."""

    about: About
    network: Callable[[Tensor], Tensor]
    preprocess: Callable[[Picture], Tensor]
    time_first: bool = False

    def frame(self, picture: Picture) -> Tensor:
        """(3, height, width), of the size that the network takes."""
        return self.preprocess(picture)

    def window(self, frames: Sequence[Tensor]) -> Tensor:
        """(3, t, h, w) or (t, 3, h, w)."""
        return torch.stack(list(frames), 0 if self.time_first else 1)

    def embed(self, windows: Sequence[Tensor]) -> NDArray[np.float32]:
        """Features (windows, d), in one forward."""
        # Left alone, a GPU rounds what it convolves to 10 bits of mantissa: too few to match a published number.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            features = self.network(torch.stack(list(windows)).to(self.about.device))
        return np.asarray(features.float().cpu().numpy(), np.float32)


def chosen_device(wanted: str) -> str:
    """`auto` is a GPU where torch can use one. Raises FrameholdError for a device that is not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        there = device.type == "cpu" or torch.empty(1, device=device).cpu() is not None
    except (RuntimeError, AssertionError, NotImplementedError):  # an unknown name, a torch without it, no such card
        there = False
    if not there:
        raise FrameholdError(f"--device {wanted}: torch cannot use it here; try auto or cpu")
    return wanted
