"""I3D: the public names and shapes, published features, every form of weights, and the resizing of each mode."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from bench.distances.frechet import frechet_distance
from bench.extractors import Wanted
from bench.extractors.i3d import DDOF, PREPROCESS, i3d_400
from bench.extractors.i3d_network import I3D, _same
from bench.extractors.preprocessing import as_tensor, short_side, squash, squash_legacy
from bench.extractors.video_features import video_features
from bench.records import FrameholdError, Picture
from tests.extractors.network_files import FORMS, random_i3d, write_state

FACTS = Path(os.environ.get("FRAMEHOLD_FACTS", Path(__file__).parents[3] / "shared" / "facts"))
SHAPES = FACTS / "i3d_state_shapes.json"
needs_facts = pytest.mark.skipif(not SHAPES.is_file(), reason="no golden values here: set FRAMEHOLD_FACTS")
PUBLIC = Path(os.environ.get("FRAMEHOLD_I3D", "i3d_torchscript.pt"))
needs_weights = pytest.mark.skipif(not PUBLIC.is_file(), reason="no public weights here: set FRAMEHOLD_I3D to them")


def noise(*shape: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fvd_reference", FACTS / "fvd_reference.py")
    if spec is None or spec.loader is None:
        pytest.skip("no golden values here: set FRAMEHOLD_FACTS")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_state(tmp_path_factory.mktemp("i3d") / "state.pt", random_i3d())


# ---- published values --------------------------------------------------------------------------------------------


@needs_facts
def test_names_and_shapes_are_the_public_ones() -> None:
    published = json.loads(SHAPES.read_text())
    assert {name: list(tensor.shape) for name, tensor in I3D().state_dict().items()} == published


@needs_facts
@pytest.mark.slow
def test_features_of_case_a_from_its_clips(reference: ModuleType, tmp_path: Path) -> None:
    state = reference.pseudo_random_state(json.loads(SHAPES.read_text()))
    path = tmp_path / "pseudo-random.pt"
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, path)
    golden = np.load(FACTS / "fvd_case_a_features.npy")
    real = reference.patterns(1, 1, 16, 128, 128)
    assert video_features(real, "i3d-400", path, "styleganv") == pytest.approx(golden[0, :1], abs=1e-4)
    fake = reference.corrupt(reference.patterns(2, 1, 16, 128, 128), 3)
    assert video_features(fake, "i3d-400", path, "videogpt") == pytest.approx(golden[1, :1], abs=1e-4)


@needs_facts
@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("FRAMEHOLD_WHOLE_CASE"), reason="minutes of work: set FRAMEHOLD_WHOLE_CASE")
def test_distance_of_case_a_from_its_clips(reference: ModuleType, tmp_path: Path) -> None:
    state = reference.pseudo_random_state(json.loads(SHAPES.read_text()))
    path = tmp_path / "pseudo-random.pt"
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, path)
    found = [video_features(clips, "i3d-400", path, "videogpt") for clips in reference.case_a()]
    assert np.array(found) == pytest.approx(np.load(FACTS / "fvd_case_a_features.npy"), abs=1e-4)
    assert frechet_distance(*found) == pytest.approx(26.982253, rel=1e-4)


@needs_weights
@pytest.mark.slow
def test_published_value_of_the_public_weights() -> None:
    extractor = i3d_400(Wanted("i3d-400", weights=str(PUBLIC)))
    assert extractor.about.weights is not None
    assert extractor.about.weights.sha256.startswith("bec6519f66ea534e")

    def features(seed: int, clips: int) -> Any:
        draws = np.random.RandomState(seed).rand(clips, 16, 224, 224, 3).astype(np.float32)
        return np.concatenate([extractor.embed([torch.from_numpy(clip).permute(3, 0, 1, 2)]) for clip in draws])

    # the frames as drawn, 0 to 1, neither resized nor rescaled; one source counts 256 clips
    values = [frechet_distance(features(1, clips), features(2, clips)) for clips in (128, 256)]
    assert min(abs(value - 10.138084766713924) for value in values) < 1e-3


@needs_weights
@pytest.mark.slow
def test_published_value_of_black_against_white() -> None:
    black, white = np.zeros((8, 30, 64, 64, 3), np.uint8), np.full((8, 30, 64, 64, 3), 255, np.uint8)
    found = [video_features(clips, "i3d-400", PUBLIC, "videogpt") for clips in (black, white)]
    assert frechet_distance(*found) == pytest.approx(151.25648496845326, rel=1e-4)


# ---- weights -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_form_of_weights_gives_the_same_features(tmp_path: Path) -> None:
    network, clip = random_i3d(), noise(1, 9, 32, 32, 3)
    found = [video_features(clip, "i3d-400", write_state(tmp_path / form, network)) for form in FORMS]
    assert found[0].shape == (1, 400)
    assert found[0].dtype == np.float64
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


class Public(torch.nn.Module):
    """A TorchScript that takes what the public one takes, and whose parts are named otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 400)

    def forward(
        self, x: torch.Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False
    ) -> torch.Tensor:
        if rescale or resize or not return_features:
            return torch.zeros(1)
        return torch.as_tensor(self.layer(x.mean(dim=[2, 3, 4])))


def test_the_public_script_is_run_as_it_is_on_pictures_prepared_here(tmp_path: Path) -> None:
    path, network = tmp_path / "public.pt", Public()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(str(path))  # type: ignore[no-untyped-call]
    white = np.full((1, 9, 16, 16, 3), 255, np.uint8)
    with torch.inference_mode():
        expected = network.layer(torch.ones(1, 3)).numpy()  # white is 1 in -1 to 1
    assert video_features(white, "i3d-400", path) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda state: state.pop("logits.conv3d.bias"), "another network, without logits.conv3d.bias"),
        (lambda state: state.update({"head": torch.zeros(1)}), "another network, with head"),
        (lambda state: state.update({"logits.conv3d.bias": torch.zeros(600)}), r"bias is \(600,\), expected \(400,\)"),
    ],
)
def test_weights_of_another_network_are_refused_by_name(
    weights: Path, tmp_path: Path, change: Any, complaint: str
) -> None:
    state = torch.load(weights, weights_only=True)
    change(state)
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(FrameholdError, match=f"other.pt: .*{complaint}"):
        i3d_400(Wanted("i3d-400", weights=str(tmp_path / "other.pt")))


def test_counters_of_batch_norm_may_be_absent(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    kept = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    torch.save({"state_dict": kept}, tmp_path / "nested.pt")
    assert i3d_400(Wanted("i3d-400", weights=str(tmp_path / "nested.pt"))).about.name == "i3d-400"


@pytest.mark.parametrize("device", ["cuda:99", "meta", "toaster"])
def test_a_device_that_is_not_there_is_named(weights: Path, device: str) -> None:
    with pytest.raises(FrameholdError, match=f"--device {device}: torch cannot use it here; try auto or cpu"):
        i3d_400(Wanted("i3d-400", weights=str(weights), device=device))


# ---- frames ------------------------------------------------------------------------------------------------------


def test_too_few_frames_are_refused_by_name(weights: Path) -> None:
    with pytest.raises(FrameholdError, match="clip 0: 8 frames, fewer than the 9 that i3d-400 takes"):
        video_features(noise(2, 8, 16, 16, 3), "i3d-400", weights)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"), [(16, 7, 2, (2, 3)), (9, 7, 2, (3, 3)), (5, 3, 1, (1, 1))]
)
def test_padding_is_tensorflows(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    assert _same(size, kernel, stride) == pads


def test_modes_say_how_covariances_are_divided() -> None:
    assert DDOF == {"styleganv": 0, "videogpt": 1, "tf": 1}


def test_an_unknown_mode_names_those_there_are(weights: Path) -> None:
    with pytest.raises(FrameholdError, match="--mode crop: i3d-400 has the modes styleganv, videogpt, tf"):
        i3d_400(Wanted("i3d-400", "crop", str(weights)))


def test_pictures_are_prepared_as_each_mode_does() -> None:
    wide: Picture = np.zeros((112, 200, 3), np.uint8)
    wide[:, 44:156] = 255  # the square in the middle
    square: Picture = noise(224, 224, 3)
    assert {mode: tuple(made(wide).shape) for mode, made in PREPROCESS.items()} == dict.fromkeys(DDOF, (3, 224, 224))
    assert PREPROCESS["videogpt"](wide)[:, :, 2:-2].min() == 1  # only the square is left
    assert PREPROCESS["styleganv"](wide).min() == PREPROCESS["tf"](wide).min() == -1
    for made in PREPROCESS.values():  # of the right size already: nothing but the range changes
        assert made(square).numpy() == pytest.approx(square.transpose(2, 0, 1) / 127.5 - 1, abs=1e-5)


def test_the_two_bilinear_forms_by_hand() -> None:
    row = as_tensor(np.array([[[0], [100]], [[0], [100]]], np.uint8).repeat(3, axis=2))
    # between centres of pixels: new centres at -1/4, 1/4, 3/4, 5/4 of the old ones
    assert squash(row, 4)[0, 0].tolist() == pytest.approx([0, 25, 75, 100])
    # between upper left corners: 0, 1/2, 1, 3/2
    assert squash_legacy(row, 4)[0, 0].tolist() == pytest.approx([0, 50, 100, 100])


@pytest.mark.parametrize(
    ("height", "width", "size"), [(90, 160, (224, 399)), (160, 91, (394, 224)), (64, 64, (224, 224))]
)
def test_the_longer_side_is_rounded_up(height: int, width: int, size: tuple[int, int]) -> None:
    assert tuple(short_side(torch.zeros(3, height, width), 224).shape[1:]) == size
