"""Weights of networks for tests: random ones, written in every form they may come in."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from bench.extractors.i3d_network import I3D

FORMS = ("state.pt", "state.safetensors", "script.pt")


def write_state(path: Path, network: Any) -> Path:
    """In the form that the name of `path` stands for (one of FORMS)."""
    if path.name == "script.pt":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing is deprecated, and fixes the padding to these sizes
            torch.jit.trace(network, torch.zeros(1, 3, 9, 224, 224), check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
    elif path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    else:
        torch.save(network.state_dict(), path)
    return path


def random_i3d(seed: int = 0) -> I3D:
    """Weights that keep the size of what passes through."""
    torch.manual_seed(seed)
    network = I3D().eval()
    for name, weight in network.named_parameters():
        if name.endswith("conv3d.weight"):
            torch.nn.init.kaiming_normal_(weight)
    return network
