"""What only a GPU can show: one seed is one clip there too, memory that runs out, and the same numbers as on a CPU."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import bench
from bench.backends.local.backend import _held, drop_held
from bench.dense.dinov2 import ARCHITECTURE, Patches
from bench.dense.raft import Raft
from bench.networks import torchvision_module
from bench.signals.views import View, working_picture
from tests.backends.local.tiny import opened, pictures, requests
from tests.dense.small_networks import flow_models

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    yield
    drop_held()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_one_seed_gives_one_clip_in_any_order(dtype: str) -> None:
    backend = opened("diffusers", device="cuda", dtype=dtype, weights="random", size="tiny")
    asked = requests(backend, "modelscope")
    first = [pictures(backend.fetch(request)) for request in asked]
    assert _held[0].device.startswith("cuda")
    drop_held()
    again = [pictures(backend.fetch(request)) for request in reversed(asked)]
    for one, other in zip(first, reversed(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({one.tobytes() for one in first}) == len(first)


def test_the_peak_of_a_clip_is_in_its_row() -> None:
    backend = opened("text2video-zero", device="cuda", weights="random", size="tiny")
    facts = backend.fetch(requests(backend, "sd-1.5")[0]).facts
    assert facts["measured"]["peak_memory_gb"] > 0
    assert facts["offload"] == "none"
    assert facts["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offloaded_the_same_clip_comes_but_for_last_digits(offload: str) -> None:
    made = []
    for how in ("none", offload):
        backend = opened("diffusers", device="cuda", weights="random", size="tiny", offload=how)
        clip = backend.fetch(requests(backend, "modelscope")[0])
        assert clip.facts["offload"] == how
        made.append(pictures(clip).astype(int))
        drop_held()
    assert np.abs(made[0] - made[1]).max() <= 2


def test_the_networks_of_standard_say_there_what_they_say_on_a_cpu() -> None:
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(0, 256, (30, 50, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    one, two = (View(k, working_picture(texture[:, 6 * k : 6 * k + 360])) for k in range(2))
    timm = importlib.import_module("timm", torchvision_module().__name__)
    torch.manual_seed(0)
    raft = flow_models().raft_small(weights=None).eval()
    vit = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0, dynamic_img_size=True).eval()
    told = {}
    for device in ("cpu", "cuda"):
        flows = Raft(raft.to(device), device)(one, two)
        patches = Patches(device, vit.to(device), vit.patch_embed.patch_size[0], device)(one)
        told[device] = (*flows, patches)
    for cpu, cuda in zip(*told.values(), strict=True):
        np.testing.assert_allclose(cuda, cpu, atol=2e-3 * np.abs(cpu).max())


def test_features_are_the_same_there(tmp_path: Path) -> None:
    torch.manual_seed(0)
    video = importlib.import_module("torchvision.models.video", torchvision_module().__name__)
    save_file(video.r3d_18(weights=None).state_dict(), tmp_path / "r3d.safetensors")
    clips = np.random.default_rng(0).integers(0, 256, (3, 16, 64, 64, 3), np.uint8)
    cpu, cuda = (
        bench.video_features(clips, "r3d_18", tmp_path / "r3d.safetensors", device=device) for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(cuda, cpu, rtol=1e-3, atol=1e-4 * np.abs(cpu).max())
