"""RAFT (Teed and Deng 2020) as torchvision publishes it: flow between two frames at the working size."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from bench.dense import Dense, steady
from bench.extractors.preprocessing import as_tensor
from bench.extractors.weights import Origin, load_into, read_state
from bench.networks import Weights, torchvision_module
from bench.signals.planes import Plane
from bench.signals.views import View

UPDATES = 12  # of the flow, torchvision's default
LEAST_SIDE, MULTIPLE = 128, 8  # pixels: the network takes no other sizes
PUBLISHED = "https://download.pytorch.org/models/"
ARCHITECTURE = "raft_small"
FILE = "raft_small_C_T_V2-01064c6d.pth"


@dataclass(frozen=True)
class Raft:
    """Flow of two frames of one size, backward and forward, in one forward of two pairs."""

    network: Any
    device: str

    def __call__(self, earlier: View, later: View) -> tuple[Plane, Plane]:
        """(backward, forward), each (height, width, 2), working pixels."""
        height, width = later.gray.shape
        pair = torch.stack([as_tensor(view.picture) for view in (later, earlier)]) / 127.5 - 1
        right, below = (_padding(side) for side in (width, height))
        with steady(self.device):
            first = functional.pad(pair.to(self.device), (0, right, 0, below), mode="replicate")
            flows = self.network(first, first.flip(0), num_flow_updates=UPDATES)[-1]
            found = flows[..., :height, :width].permute(0, 2, 3, 1).float().cpu().numpy()
        backward, forward = (np.ascontiguousarray(flow, np.float32) for flow in found)
        return backward, forward

    def __deepcopy__(self, memo: dict[int, Any]) -> Raft:
        """Itself: it does not change, and copies of a scoring share it."""
        return self


def _padding(side: int) -> int:
    return max(-(-side // MULTIPLE) * MULTIPLE, LEAST_SIDE) - side


def _load(weights: Weights, device: str) -> Raft:
    models = importlib.import_module("torchvision.models.optical_flow", torchvision_module().__name__)
    network = getattr(models, ARCHITECTURE)(weights=None)
    load_into(network, read_state(weights.path), weights.path)
    return Raft(network.eval().to(device), device)


RAFT_SMALL = Dense(
    "raft-small",
    Origin(FILE, url=PUBLISHED + FILE, sha256="01064c6dba73b0fc9fc8edf772248560a00a3acfd62ac6677e9eeebad9680e27"),
    "BSD-3-Clause (torchvision); trained on FlyingChairs and FlyingThings3D",
    _load,
)
