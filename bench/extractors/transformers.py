"""VideoMAE and V-JEPA 2 through transformers: the mean of the encoder's tokens."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bench.extractors import About, Wanted
from bench.extractors.preprocessing import as_tensor, centre, short_side, squash, standardise
from bench.extractors.torch_extractor import TorchExtractor, chosen_device
from bench.extractors.torchvision import import_torchvision
from bench.extractors.weights import Origin, find_weights, from_hub, read_state
from bench.networks import Weights
from bench.records import FrameholdError, Picture

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CONFIG = "config.json"
VIDEOMAE = Origin("model.safetensors", repo="MCG-NJU/videomae-base", beside=(CONFIG,))
VJEPA2 = Origin("model.safetensors", repo="facebook/vjepa2-vitl-fpc64-256", beside=(CONFIG,))


def videomae(wanted: Wanted) -> TorchExtractor:
    """VideoMAE (Tong et al. 2022), 16 frames. Mode `cdfvd` takes pictures as the code of Ge et al. 2024 does."""
    mode = wanted.mode_of(("videomae", "cdfvd"))
    network, weights = _network(wanted, VIDEOMAE, "VideoMAE")
    side, frames = network.config.image_size, network.config.num_frames
    preprocess = partial(_zero_to_one, side=side) if mode == "cdfvd" else partial(_videomae, side=side)
    about = _about(wanted, mode, frames, "CC-BY-NC-4.0 (not for commercial use)", weights)
    return TorchExtractor(about, _Tokens(network).to(about.device), preprocess, time_first=True)


def vjepa2(wanted: Wanted) -> TorchExtractor:
    """V-JEPA 2 (Assran et al. 2025), ViT-L, 64 frames of 256 x 256."""
    mode = wanted.mode_of(("vjepa2",))
    network, weights = _network(wanted, VJEPA2, "VJEPA2")
    side, frames = network.config.crop_size, network.config.frames_per_clip
    about = _about(wanted, mode, frames, "MIT (V-JEPA 2)", weights)
    return TorchExtractor(
        about, _Tokens(network, skip_predictor=True).to(about.device), partial(_vjepa2, side=side), time_first=True
    )


def _about(wanted: Wanted, mode: str, frames: int, licence: str, weights: Weights) -> About:
    return About(
        name=wanted.name,
        mode=mode,
        version=1,
        frames=frames,
        least_frames=frames,
        any_length=False,
        licence=licence,
        weights=weights,
        libraries=("av", "numpy", "torch", "transformers"),
        device=chosen_device(wanted.device),
    )


class _Tokens(nn.Module):
    """(n, t, 3, h, w) -> mean of the last tokens (n, d)."""

    def __init__(self, network: Any, **options: Any) -> None:
        super().__init__()
        self.network, self.options = network, options

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, d)."""
        tokens: Tensor = self.network(x, **self.options).last_hidden_state
        return tokens.mean(1)


def _network(wanted: Wanted, origin: Origin, kind: str) -> tuple[Any, Weights]:
    """The encoder with its weights. A config.json beside them says its sizes; without one it has the public ones."""
    transformers = _transformers(wanted.name)
    weights = find_weights(wanted.name, origin, _file(wanted.weights, origin.file), wanted.offline)
    beside = weights.path.parent / CONFIG
    if wanted.weights is None:
        beside = from_hub(wanted.name, origin, CONFIG, wanted.offline)
    config = getattr(transformers, f"{kind}Config")(**(_settings(beside) if beside.is_file() else {}))
    try:
        with _quiet(transformers):
            network, info = getattr(transformers, f"{kind}Model").from_pretrained(
                None, config=config, state_dict=read_state(weights.path), output_loading_info=True
            )
    except (RuntimeError, ValueError) as error:
        raise FrameholdError(f"{weights.path}: not weights of {wanted.name}: {str(error).splitlines()[0]}") from error
    if absent := sorted(map(str, info["missing_keys"])):
        raise FrameholdError(f"{weights.path}: weights of another network, without {absent[0]}")
    return network.eval(), weights


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without its table of keys that fit and do not: what matters of it is told in one line."""
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _file(given: str | None, file: str) -> str | None:
    """The file of weights in a folder as `save_pretrained` writes it; a file as it is."""
    return str(Path(given) / file) if given is not None and Path(given).is_dir() else given


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise FrameholdError(f"{path}: not a configuration: {error}") from error
    return {key: value for key, value in settings.items() if key not in {"architectures", "model_type"}}


def _transformers(name: str) -> Any:
    import_torchvision()
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise FrameholdError(f'{name} needs transformers: pip install "framehold[transformers]"') from error


def _videomae(picture: Picture, side: int) -> Tensor:
    return standardise(centre(short_side(as_tensor(picture), side, antialias=True), side), MEAN, STD)


def _vjepa2(picture: Picture, side: int) -> Tensor:
    larger = int(side * 256 / 224)
    return standardise(centre(short_side(as_tensor(picture), larger, antialias=True), side), MEAN, STD)


def _zero_to_one(picture: Picture, side: int) -> Tensor:
    return squash(as_tensor(picture) / 255.0, side)
