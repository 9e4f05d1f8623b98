"""Networks of torchvision, transformers and open_clip with random weights: dimensions, transforms, refusals."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.extractors import EXTRACTORS, Wanted, features_fingerprint, open_extractor
from bench.extractors import transformers as through_transformers
from bench.extractors.clip import clip
from bench.extractors.torchvision import HEADS, _transformed, import_torchvision
from bench.extractors.video_features import video_features
from bench.networks import Weights, open_clip_module
from bench.records import FrameholdError
from bench.registry import load

# frames, dimensions, side of the picture
SIZES = {"r3d_18": (1, 512, 112), "s3d": (14, 1024, 224), "mvit_v2_s": (16, 768, 224), "swin3d_t": (2, 768, 224)}


needs_transformers = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")


def noise(*shape: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_name_stands_for_something(name: str) -> None:
    assert callable(load(EXTRACTORS, "extractor", name))


def test_an_unknown_name_names_those_there_are() -> None:
    with pytest.raises(FrameholdError, match="unknown extractor 'resnet': choose from clip, embedded, i3d-400"):
        open_extractor("resnet")


# ---- torchvision -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIZES)
def test_torchvision_networks_up_to_their_last_layer_have_their_dimensions(name: str) -> None:
    frames, dimensions, side = SIZES[name]
    import_torchvision()
    with torch.device("meta"):  # shapes alone: nothing is computed
        network = importlib.import_module("torchvision.models").get_model(name, weights=None).eval()
        setattr(network, HEADS[name], torch.nn.Identity())
        assert network(torch.zeros(2, 3, frames, side, side)).shape == (2, dimensions)


@pytest.mark.slow
def test_a_torchvision_network_from_weights_to_features(tmp_path: Path) -> None:
    import_torchvision()
    torch.manual_seed(0)
    network = importlib.import_module("torchvision.models").get_model("r3d_18", weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "r3d.pt")
    clip = noise(1, 2, 60, 80, 3)
    found = video_features(clip, "r3d_18", tmp_path / "r3d.pt")
    assert found.shape == (1, 512)
    transforms = importlib.import_module("torchvision.models").get_model_weights("r3d_18").DEFAULT.transforms()
    with torch.inference_mode():
        logits = network(transforms(torch.from_numpy(clip[0]).permute(0, 3, 1, 2))[None])
        ours = network.fc(torch.from_numpy(found).float())
    assert ours.numpy() == pytest.approx(logits.numpy(), abs=1e-4)


@needs_transformers
@pytest.mark.slow
def test_a_clip_too_short_for_a_network_of_fixed_length_is_refused_by_name(tmp_path: Path) -> None:
    path = tiny_videomae(tmp_path / "tiny")
    with pytest.raises(FrameholdError, match=r"clip 0: 3 frames, fewer than the 4 of a window \(videomae\)"):
        video_features(noise(1, 3, 16, 16, 3), "videomae", path)


def test_the_transforms_are_those_of_the_public_weights() -> None:
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    picture = noise(60, 80, 3)
    for name, side in (("r3d_18", 112), ("mvit_v2_s", 224)):
        transforms = models.get_model_weights(name).DEFAULT.transforms()
        theirs = transforms(torch.from_numpy(np.stack([picture, picture])).permute(0, 3, 1, 2))
        ours = _transformed(transforms, picture)
        assert ours.shape == (3, side, side)
        assert torch.equal(ours, theirs[:, 0])


# ---- transformers ------------------------------------------------------------------------------------------------


def tiny_videomae(folder: Path) -> Path:
    """VideoMAE of 4 frames of 32 x 32, as `save_pretrained` writes it."""
    import_torchvision()
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    config = transformers.VideoMAEConfig(
        image_size=32, num_frames=4, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    transformers.VideoMAEModel(config).save_pretrained(folder)
    return folder


def tiny_vjepa2(folder: Path) -> Path:
    """V-JEPA 2 of 4 frames of 32 x 32."""
    import_torchvision()
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    config = transformers.VJEPA2Config(
        crop_size=32,
        frames_per_clip=4,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        pred_hidden_size=24,
        pred_num_hidden_layers=1,
        pred_num_attention_heads=2,
    )
    transformers.VJEPA2Model(config).save_pretrained(folder)
    return folder


@needs_transformers
@pytest.mark.slow
@pytest.mark.parametrize(("name", "make"), [("videomae", tiny_videomae), ("vjepa2", tiny_vjepa2)])
def test_transformers_networks_average_their_tokens(name: str, make: Any, tmp_path: Path) -> None:
    clips = noise(2, 8, 40, 56, 3)
    found = video_features(clips, name, make(tmp_path / "tiny"))
    assert found.shape == (2, 24)
    halves = [video_features(clips[:, start : start + 4], name, tmp_path / "tiny") for start in (0, 4)]
    assert found == pytest.approx((halves[0] + halves[1]) / 2, abs=1e-6)  # windows of 4 frames, averaged
    assert video_features(clips[:, ::-1], name, tmp_path / "tiny") != pytest.approx(found, abs=1e-4)


@needs_transformers
@pytest.mark.slow
def test_the_modes_of_videomae_prepare_pictures_differently(tmp_path: Path) -> None:
    path = tiny_videomae(tmp_path / "tiny")
    white = np.full((48, 64, 3), 255, np.uint8)
    own, cdfvd = (open_extractor("videomae", mode, path).frame(white) for mode in ("videomae", "cdfvd"))
    assert own.amax((1, 2)).tolist() == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert cdfvd.unique().tolist() == [1.0]
    assert own.shape == cdfvd.shape == (3, 32, 32)


@needs_transformers
@pytest.mark.slow
def test_weights_that_lack_a_part_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = tiny_videomae(tmp_path / "tiny") / "model.safetensors"
    state = load_file(path)
    del state[next(name for name in state if name.endswith("layernorm_before.weight"))]
    save_file(state, path)
    with pytest.raises(FrameholdError, match=r"model.safetensors: weights of another network, without .*layernorm"):
        open_extractor("videomae", weights=path)


def test_without_transformers_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("bench.extractors.transformers.import_torchvision", lambda: None)
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(FrameholdError, match=r'vjepa2 needs transformers: pip install "framehold\[transformers\]"'):
        through_transformers.vjepa2(Wanted("vjepa2", offline=True))


# ---- open_clip ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_clip(tmp_path: Path) -> str:
    """ARCH/FILE of a CLIP with random weights, of 32 x 32 pictures and 16 dimensions."""
    open_clip = open_clip_module()
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
    }
    (tmp_path / "tiny-test.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-test.json")
    torch.manual_seed(0)
    torch.save(open_clip.create_model("tiny-test").state_dict(), tmp_path / "tiny.pt")
    return f"tiny-test/{tmp_path / 'tiny.pt'}"


@pytest.mark.slow
def test_clip_averages_its_frames_and_knows_no_order(tiny_clip: str) -> None:
    clips = noise(2, 20, 40, 40, 3)  # more frames than one batch has
    extractor = clip(Wanted("clip", weights=tiny_clip))
    windows = [extractor.window([extractor.frame(picture) for picture in pictures]) for pictures in clips]
    found = extractor.embed(windows)
    assert found.shape == (2, 16)
    backward = extractor.embed([window.flip(0) for window in windows])
    assert backward == pytest.approx(found, abs=1e-5)
    alone = [extractor.embed([window[at : at + 1]])[0] for window in windows[:1] for at in range(20)]
    assert [float(np.linalg.norm(one)) for one in alone] == pytest.approx([4.0] * 20, rel=1e-5)  # root of 16
    assert found[0] == pytest.approx(np.mean(alone, axis=0), abs=1e-5)


# ---- what decides features ---------------------------------------------------------------------------------------


def test_the_fingerprint_tells_apart_what_makes_other_features() -> None:
    about = open_extractor("embedded").about
    plain = features_fingerprint(about, 16, 16)
    others = {
        features_fingerprint(replace(about, mode="other"), 16, 16),
        features_fingerprint(replace(about, version=2), 16, 16),
        features_fingerprint(replace(about, weights=Weights("x", Path("x"), "0" * 64)), 16, 16),
        features_fingerprint(replace(about, device="cuda:0"), 16, 16),
        features_fingerprint(about, 32, 16),
        features_fingerprint(about, 16, 8),
    }
    assert len(others | {plain}) == 7
    assert features_fingerprint(about, 16, 16) == plain
