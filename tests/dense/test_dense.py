"""RAFT and DINOv2: what they are given and give, their files, and what is said where these are not here."""

from __future__ import annotations

import copy
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.dense import DENSE, Dense, about_dense, find_dense, open_dense
from bench.dense.dinov2 import ARCHITECTURE, DINOV2_SMALL, MEAN, STD, Patches
from bench.dense.raft import RAFT_SMALL, Raft
from bench.networks import WeightsAbsent, torchvision_module
from bench.records import FrameholdError
from bench.registry import load
from bench.signals.views import View
from tests.dense.small_networks import flow_models, make_known, nothing_known, tiny_raft, tiny_vit
from tests.factory import picture, texture


@pytest.fixture
def raft() -> Raft:
    torch.manual_seed(1)
    return Raft(tiny_raft().eval(), "cpu")


@pytest.fixture
def patches() -> Patches:
    torch.manual_seed(1)
    return Patches("dinov2-small", tiny_vit().eval(), 16, "cpu")


def views(height: int, width: int) -> tuple[View, View]:
    wide = texture(height, width + 8, 5)
    return View(0, picture(wide[:, 8:])), View(1, picture(wide[:, :-8]))


# ---- RAFT --------------------------------------------------------------------------------------------------------


def test_flow_is_what_torchvision_gives_from_the_later_frame_and_back(raft: Raft) -> None:
    earlier, later = views(136, 200)
    first, second = (
        torch.from_numpy(view.picture).permute(2, 0, 1)[None].float() / 255 * 2 - 1 for view in (later, earlier)
    )
    with torch.inference_mode():
        there, back = (raft.network(*pair, num_flow_updates=12)[-1][0] for pair in ((first, second), (second, first)))
    backward, forward = raft(earlier, later)
    assert backward.shape == forward.shape == (136, 200, 2)
    np.testing.assert_allclose(backward, there.permute(1, 2, 0).numpy(), atol=1e-3)
    np.testing.assert_allclose(forward, back.permute(1, 2, 0).numpy(), atol=1e-3)
    assert np.abs(backward - forward).max() > 1e-2


@pytest.mark.parametrize(("height", "width"), [(192, 341), (32, 2048), (2048, 32), (256, 256), (40, 52)])
def test_flow_has_the_size_of_the_picture_whatever_the_network_takes(raft: Raft, height: int, width: int) -> None:
    backward, forward = raft(*views(height, width))
    assert backward.shape == forward.shape == (height, width, 2)
    assert np.isfinite(backward).all()
    assert backward.flags.c_contiguous  # as cv2.remap wants it


def test_numbers_do_not_depend_on_the_threads_of_torch(raft: Raft, patches: Patches) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            earlier, later = views(128, 136)
            found.append((*raft(earlier, later), patches(later)))
            assert torch.get_num_threads() == threads  # left as it was found
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_the_weights_are_those_that_torchvision_publishes() -> None:
    origin = RAFT_SMALL.origin
    assert origin.url == flow_models().Raft_Small_Weights.DEFAULT.url
    assert origin.url.endswith(origin.file)
    begins = origin.file.rpartition("-")[2].partition(".")[0]  # torchvision names a file by its sha256
    assert origin.sha256.startswith(begins)
    assert re.fullmatch(r"[0-9a-f]{64}", origin.sha256)


# ---- DINOv2 ------------------------------------------------------------------------------------------------------


def test_features_are_the_last_tokens_of_the_patches_of_unit_length(patches: Patches) -> None:
    shown = picture(texture(160, 96, 3))
    found = patches(View(0, shown))
    scaled = torch.from_numpy(shown).permute(2, 0, 1).float() / 255
    x = (scaled - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.inference_mode():
        tokens = patches.network.forward_features(x[None])[0, 1:].numpy()  # the first stands for the whole picture
    expected = (tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).reshape(10, 6, -1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "grid"), [(192, 341, (12, 21)), (2048, 32, (128, 2)), (256, 256, (16, 16))]
)
def test_whole_patches_cover_the_picture(patches: Patches, height: int, width: int, grid: tuple[int, int]) -> None:
    found = patches(View(0, picture(texture(height, width, 3))))
    assert found.shape == (*grid, 64)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-5)


def test_a_frame_is_looked_at_once(patches: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(0, picture(texture(64, 64)))
    first = patches(view)
    monkeypatch.setattr(patches.network, "forward_features", None)  # a second look would fail
    assert patches(view) is first


def test_the_published_network_is_the_one_that_is_built() -> None:
    timm = importlib.import_module("timm", torchvision_module().__name__)
    with torch.device("meta"):
        network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0, dynamic_img_size=True)
    assert sum(weight.numel() for weight in network.parameters()) == 22_056_192  # as timm's model card says: 22.1 M
    assert timm.get_pretrained_cfg(f"{ARCHITECTURE}.lvd142m").hf_hub_id == DINOV2_SMALL.origin.repo
    assert timm.get_pretrained_cfg(f"{ARCHITECTURE}.lvd142m").mean == MEAN
    assert timm.get_pretrained_cfg(f"{ARCHITECTURE}.lvd142m").std == STD


# ---- files -------------------------------------------------------------------------------------------------------


def test_networks_are_opened_from_the_caches_once_and_shared_by_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_known(tmp_path, monkeypatch)
    found = find_dense(("raft-small", "dinov2-small"), offline=True)
    assert {name: weights.path for name, weights in found.items()} == paths
    opened, again = open_dense(tuple(found)), open_dense(tuple(found))
    assert all(opened[name] is again[name] for name in found)
    assert all(copy.deepcopy(network) is network for network in opened.values())
    assert isinstance(opened["raft-small"], Raft)
    state = torch.load(paths["raft-small"], weights_only=True)
    loaded = opened["raft-small"].network.state_dict()
    assert all(torch.equal(state[name], tensor.cpu()) for name, tensor in loaded.items())


def test_what_is_not_here_is_named_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_known(tmp_path, monkeypatch)
    with pytest.raises(WeightsAbsent) as caught:
        find_dense(("raft-small", "dinov2-small"), offline=True)
    told = str(caught.value)
    assert "\n" not in told
    assert f"get {RAFT_SMALL.origin.url} where there is internet, save it as {tmp_path}/torch/hub/checkpoints/" in told
    assert "hf download timm/vit_small_patch14_dinov2.lvd142m model.safetensors" in told
    assert "--weights" not in told  # no option of these commands


@pytest.mark.parametrize("name", ["raft-small", "dinov2-small"])
def test_other_bytes_than_the_published_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = make_known(tmp_path, monkeypatch)[name]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.resolve().write_bytes(content)
    with pytest.raises(FrameholdError, match=f"is not what {name} needs"):
        find_dense((name,), offline=True)


def test_what_decides_the_numbers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = about_dense(("raft-small", "dinov2-small"))
    assert about["raft-small"] == RAFT_SMALL.origin.sha256
    assert about["dinov2-small"] == DINOV2_SMALL.origin.sha256
    assert {"torch", "torchvision", "timm", "device", "preprocessing"} <= about.keys()


@pytest.mark.parametrize("name", DENSE)
def test_every_name_stands_for_a_published_network(name: str) -> None:
    dense: Dense = load(DENSE, "network", name)
    assert dense.name == name
    assert dense.licence
    assert dense.origin.sha256
