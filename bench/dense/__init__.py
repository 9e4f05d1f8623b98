"""Dense networks: flow between two frames, features of each patch of one. To add one: a file, a line in DENSE, a test.

What DENSE names is a `Dense`: where the published weights lie, and what is made of them. Profiles name the networks
they need; signals are given what `load` made.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import torch

from bench.extractors.torch_extractor import chosen_device
from bench.extractors.weights import Origin, find_weights
from bench.networks import Weights, WeightsAbsent
from bench.records import FrameholdError
from bench.registry import load

DENSE: dict[str, str] = {
    "raft-small": "bench.dense.raft:RAFT_SMALL",
    "dinov2-small": "bench.dense.dinov2:DINOV2_SMALL",
}
DECISIVE = ("timm", "torch", "torchvision")
REVISION = 1  # of what is done to a picture before these networks: another gives other numbers


@dataclass(frozen=True)
class Dense:
    """A network as it is published, and what makes of its weights, on a device, what a signal is given."""

    name: str
    origin: Origin
    licence: str
    load: Callable[[Weights, str], Any]


def find_dense(names: Sequence[str], offline: bool = False) -> dict[str, Weights]:
    """The weights of the named networks, downloaded once unless `offline`, and checked by sha256.

    Raises WeightsAbsent naming all that are not here and cannot be had.
    """
    found, absent = {}, []
    for name in names:
        _check_packages(name)
        try:
            found[name] = find_weights(name, _dense(name).origin, None, offline, own="")
        except WeightsAbsent as error:
            absent.append(str(error))
    if absent:
        raise WeightsAbsent("; ".join(absent))
    return found


def open_dense(names: Sequence[str]) -> dict[str, Any]:
    """The named networks, each loaded once a process from what `find_dense` found before."""
    return {name: _opened(weights, chosen_device("auto")) for name, weights in find_dense(names, offline=True).items()}


def about_dense(names: Sequence[str]) -> dict[str, str]:
    """What decides their numbers beside the picture: weights (by sha256), libraries, and the device they run on."""
    weights = {name: _dense(name).origin.sha256 for name in names}
    libraries = {name: version(name) for name in DECISIVE}
    return weights | libraries | {"preprocessing": str(REVISION), "device": chosen_device("auto")}


@contextmanager
def steady(device: str) -> Iterator[None]:
    """Inference that gives the same numbers in every process.

    Sums depend on how they are split among threads, and a GPU, left alone, rounds what it convolves to 10 bits.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else threads)
    try:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=8)
def _opened(weights: Weights, device: str) -> Any:
    return _dense(weights.name).load(weights, device)


def _dense(name: str) -> Dense:
    dense: Dense = load(DENSE, "network", name)
    return dense


def _check_packages(name: str) -> None:
    for package in DECISIVE:
        if importlib.util.find_spec(package) is None:
            raise FrameholdError(f"{name} needs {package}: pip install framehold")
