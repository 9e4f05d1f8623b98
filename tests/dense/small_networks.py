"""Small networks with random weights, in the files and caches where the published ones are looked for."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from bench.dense import dinov2, raft
from bench.extractors.weights import Origin
from bench.networks import torchvision_module

COMMIT = "4" * 40
TINY_VIT = "test_vit"  # of timm: patches of 16 pixels, 64 dimensions


def flow_models() -> Any:
    torchvision_module()
    return importlib.import_module("torchvision.models.optical_flow")


def tiny_raft(weights: None = None) -> Any:
    """RAFT's small variant with few channels."""
    networks = importlib.import_module("torchvision.models.optical_flow.raft", torchvision_module().__name__)
    return networks._raft(
        feature_encoder_layers=(8, 8, 8, 8, 16),
        feature_encoder_block=networks.BottleneckBlock,
        feature_encoder_norm_layer=torch.nn.InstanceNorm2d,
        context_encoder_layers=(8, 8, 8, 8, 24),
        context_encoder_block=networks.BottleneckBlock,
        context_encoder_norm_layer=None,
        corr_block_num_levels=2,
        corr_block_radius=2,
        motion_encoder_corr_layers=(16,),
        motion_encoder_flow_layers=(16, 8),
        motion_encoder_out_channels=16,
        recurrent_block_hidden_state_size=16,
        recurrent_block_kernel_size=(3,),
        recurrent_block_padding=(1,),
        flow_head_hidden_size=16,
        use_mask_predictor=False,
    )


def tiny_vit() -> Any:
    timm = importlib.import_module("timm", torchvision_module().__name__)
    return timm.create_model(TINY_VIT, pretrained=False, num_classes=0, dynamic_img_size=True)


def make_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Have `raft-small` and `dinov2-small` mean the tiny networks, whose weights lie in the caches under `root`."""
    torch.manual_seed(0)
    monkeypatch.setenv("TORCH_HOME", str(root / "torch"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root / "hub"))
    monkeypatch.setattr(flow_models(), "tiny_raft", tiny_raft, raising=False)
    monkeypatch.setattr(raft, "ARCHITECTURE", "tiny_raft")
    monkeypatch.setattr(dinov2, "ARCHITECTURE", TINY_VIT)
    monkeypatch.setattr(raft, "UPDATES", 1)
    name = raft.RAFT_SMALL.origin.file
    flow = root / "torch" / "hub" / "checkpoints" / name
    flow.parent.mkdir(parents=True)
    torch.save(tiny_raft().state_dict(), flow)
    patches = _to_hub(root / "hub", dinov2.DINOV2_SMALL.origin, tiny_vit())
    sha256 = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (flow, patches)}
    for module, known, path in ((raft, "RAFT_SMALL", flow), (dinov2, "DINOV2_SMALL", patches)):
        published = getattr(module, known)
        origin = replace(published.origin, sha256=sha256[path])
        monkeypatch.setattr(module, known, replace(published, origin=origin))
    return {"raft-small": flow, "dinov2-small": patches}


def nothing_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches, and a network that must not be asked."""
    monkeypatch.setenv("TORCH_HOME", str(root / "torch"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root / "hub"))

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("nothing may be asked of the network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


def _to_hub(cache: Path, origin: Origin, network: Any) -> Path:
    repository = cache / f"models--{origin.repo.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    for place in (repository / "blobs", repository / "refs", snapshot):
        place.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, repository / "blobs" / "b")
    (repository / "refs" / "main").write_text(COMMIT)
    (snapshot / origin.file).symlink_to(Path("../../blobs") / "b")
    return snapshot / origin.file
