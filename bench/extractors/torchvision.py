"""Networks of torchvision trained on Kinetics-400, with the transforms that come with their weights."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.extractors import About, Wanted
from bench.extractors.torch_extractor import TorchExtractor, chosen_device
from bench.extractors.weights import Origin, find_weights, load_into, read_state
from bench.networks import open_clip_module
from bench.records import Picture

HEADS = {"r3d_18": "fc", "s3d": "classifier", "mvit_v2_s": "head", "swin3d_t": "head"}  # the last layers
LICENCE = "BSD-3-Clause (torchvision); trained on Kinetics-400, whose videos have terms of their own"


def r3d_18(wanted: Wanted) -> TorchExtractor:
    """3D ResNet-18 (Tran et al. 2018): 512 dimensions, 16 frames of 112 x 112."""
    return _extractor(wanted, frames=16, least_frames=1, any_length=True)


def s3d(wanted: Wanted) -> TorchExtractor:
    """S3D (Xie et al. 2018): 1024 dimensions, 224 x 224, 14 frames or more."""
    return _extractor(wanted, frames=16, least_frames=14, any_length=True)


def mvit_v2_s(wanted: Wanted) -> TorchExtractor:
    """MViT v2 small (Li et al. 2022): 768 dimensions, 16 frames of 224 x 224."""
    return _extractor(wanted, frames=16, least_frames=16, any_length=False)


def swin3d_t(wanted: Wanted) -> TorchExtractor:
    """Video Swin tiny (Liu et al. 2022): 768 dimensions, 224 x 224; trained on 32 frames."""
    return _extractor(wanted, frames=32, least_frames=2, any_length=True)


def _extractor(wanted: Wanted, frames: int, least_frames: int, any_length: bool) -> TorchExtractor:
    """The network up to its last layer."""
    mode = wanted.mode_of(("torchvision",))
    models = importlib.import_module("torchvision.models", import_torchvision().__name__)
    public = models.get_model_weights(wanted.name).DEFAULT
    file = public.url.rpartition("/")[2]
    origin = Origin(file, url=public.url, sha256=file.rpartition("-")[2].partition(".")[0])
    weights = find_weights(wanted.name, origin, wanted.weights, wanted.offline)
    network = models.get_model(wanted.name, weights=None)
    load_into(network, read_state(weights.path), weights.path)
    setattr(network, HEADS[wanted.name], nn.Identity())
    device = chosen_device(wanted.device)
    about = About(
        name=wanted.name,
        mode=mode,
        version=1,
        frames=frames,
        least_frames=least_frames,
        any_length=any_length,
        licence=LICENCE,
        weights=weights,
        libraries=("av", "numpy", "torch", "torchvision"),
        device=device,
    )
    return TorchExtractor(about, network.eval().to(device), partial(_transformed, public.transforms()))


def _transformed(transforms: Any, picture: Picture) -> Tensor:
    """A picture as a video of one frame, through the transforms of the weights."""
    video = torch.from_numpy(picture).permute(2, 0, 1)[None]
    tensor: Tensor = transforms(video)[:, 0]
    return tensor


def import_torchvision() -> Any:
    """torchvision; what lets it load beside a torch without CUDA is done where open_clip is opened."""
    open_clip_module()
    return importlib.import_module("torchvision")
