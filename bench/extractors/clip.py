"""clip: CLIP of single frames, averaged over the window. Sees what is shown, not in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.extractors import About, Wanted
from bench.networks import BATCH, EXAMPLE_CLIP, ClipNetwork, find_clip, load_clip
from bench.records import Picture


@dataclass(frozen=True)
class ClipExtractor:
    """Mean of unit embeddings, times the root of their dimension, so that a kernel's x.y / d is about their cosine."""

    about: About
    network: ClipNetwork

    def frame(self, picture: Picture) -> Tensor:
        """The picture through CLIP's own preprocessing (3, height, width)."""
        from PIL import Image

        tensor: Tensor = self.network.preprocess(Image.fromarray(picture))
        return tensor

    def window(self, frames: Sequence[Tensor]) -> Tensor:
        """(t, 3, height, width)."""
        return torch.stack(list(frames))

    def embed(self, windows: Sequence[Tensor]) -> NDArray[np.float32]:
        """Features (windows, d)."""
        return np.stack([self._mean(window) for window in windows])

    def _mean(self, window: Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            parts = [
                self.network.model.encode_image(part.to(self.network.device), normalize=True)
                for part in torch.split(window, BATCH)
            ]
            mean = torch.cat(parts).float().mean(0)
        return np.asarray(mean.cpu().numpy() * np.sqrt(len(mean)), np.float32)


def clip(wanted: Wanted) -> ClipExtractor:
    """A CLIP of open_clip: `--weights` is ARCH/TAG, ARCH/FILE, or a file of weights of the default architecture."""
    mode = wanted.mode_of(("open_clip",))
    name = wanted.weights or EXAMPLE_CLIP
    if Path(name).is_file():
        name = f"{EXAMPLE_CLIP.partition('/')[0]}/{name}"
    network = load_clip(find_clip(name, wanted.offline), wanted.device)
    about = About(
        name=f"clip {name.partition('/')[0]}",
        mode=mode,
        version=1,
        frames=16,
        least_frames=1,
        any_length=True,
        licence="of the weights chosen (LAION's ViT-B-32: MIT)",
        weights=network.weights,
        libraries=("av", "numpy", "open_clip_torch", "pillow", "torch", "torchvision"),
        device=network.device,
    )
    return ClipExtractor(about, network)
