"""DINOv2 (Oquab et al. 2023) through timm: features of each patch of a frame at the working size."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch

from bench.dense import Dense, steady
from bench.extractors.preprocessing import as_tensor, standardise
from bench.extractors.weights import Origin, load_into, read_state
from bench.networks import Weights, torchvision_module
from bench.records import Picture
from bench.signals.planes import Plane
from bench.signals.views import View

ARCHITECTURE = "vit_small_patch14_dinov2"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Patches:
    """A vision transformer's last features of each patch; of each frame they are computed once."""

    name: str
    network: Any
    side: int
    """Pixels a side of a patch."""
    device: str

    def __call__(self, view: View) -> Plane:
        """Features of unit length (rows, columns, d); the frame is resized to whole patches, nothing is cut off."""
        if self.name not in view.patches:
            view.patches[self.name] = self._describe(view.picture)
        return view.patches[self.name]

    def _describe(self, picture: Picture) -> Plane:
        rows, columns = (max(1, round(length / self.side)) for length in picture.shape[:2])
        resized = cv2.resize(picture, (columns * self.side, rows * self.side), interpolation=cv2.INTER_LINEAR)
        x = standardise(as_tensor(np.asarray(resized, np.uint8)), MEAN, STD)[None]
        with steady(self.device):
            tokens = self.network.forward_features(x.to(self.device))[0, self.network.num_prefix_tokens :]
            unit = torch.nn.functional.normalize(tokens.float(), dim=1)
            return np.asarray(unit.cpu().numpy().reshape(rows, columns, -1), np.float32)

    def __deepcopy__(self, memo: dict[int, Any]) -> Patches:
        """Itself: it does not change, and copies of a scoring share it."""
        return self


def _load(weights: Weights, device: str) -> Patches:
    timm = importlib.import_module("timm", torchvision_module().__name__)
    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0, dynamic_img_size=True)
    load_into(network, read_state(weights.path), weights.path)
    return Patches(weights.name, network.eval().to(device), network.patch_embed.patch_size[0], device)


DINOV2_SMALL = Dense(
    "dinov2-small",
    Origin(
        "model.safetensors",
        repo="timm/vit_small_patch14_dinov2.lvd142m",
        sha256="04d27f3400d059fc0cfd7d17dd1909a75bf3ea8fb3eeb48b97cb99e57ee20081",
    ),
    "Apache-2.0 (Meta AI; trained on LVD-142M)",
    _load,
)
