"""Learned networks by name: weights, sha256, licence; loaded once per process."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.records import FrameholdError, Picture

if TYPE_CHECKING:
    import torch

EXAMPLE_CLIP = "ViT-B-32/laion2b_s34b_b79k"
EMBEDDED_CLIP = "embedded"  # the one that comes with framehold, and knows what the procedural renderer draws
EMBEDDED_FOLDER = Path(__file__).parent / "assets" / "clip"
EMBEDDED_CONFIG, EMBEDDED_MERGES, EMBEDDED_WEIGHTS = (
    "open_clip_config.json",
    "merges.txt.gz",
    "open_clip_model.safetensors",
)
EMBEDDED_SHA256 = {
    "open_clip_config.json": "8bd3e3c867af140a03a8e724cf57809ee568e4cf48d20a004906e15711c25209",
    "merges.txt.gz": "1d0c36306dbc293e53904f20f4ea91d6f3f4fba79144c2742df3871d23a14be2",
    "open_clip_model.safetensors": "a201854008f0c63101e75a80b340aa9c053674aafae9d8d235ad9e33a1f7b444",
}
WEIGHT_FILES = {".safetensors", ".pt", ".pth", ".bin"}
# What torch and open_clip raise for a file that holds something else: they look for a state dict without checking.
NOT_WEIGHTS = (
    RuntimeError, ValueError, KeyError, EOFError, UnpicklingError, AttributeError, StopIteration, TypeError
)  # fmt: skip
BATCH = 16  # frames a forward: fixed, since the last bits of a product of matrices depend on its size


class WeightsAbsent(FrameholdError):
    """The weights of a network are not on this machine. The message holds the command that gets them."""


@dataclass(frozen=True)
class Weights:
    """A file of weights as found on this machine."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class ClipNetwork:
    """A CLIP of open_clip with its own preprocessing. Embeddings have unit length."""

    weights: Weights
    model: Any
    preprocess: Any
    tokenizer: Any
    device: str

    def embed_text(self, text: str) -> NDArray[np.float32]:
        """Embedding (d,) of one prompt; what exceeds the network's context is cut off, as CLIP does."""
        import torch

        with torch.inference_mode():
            tokens = self.tokenizer([text]).to(self.device)
            return np.asarray(self.model.encode_text(tokens, normalize=True)[0].float().cpu().numpy(), np.float32)


class ClipEmbedder:
    """Embeds the pictures of one clip as they come, a batch at a time, without keeping them."""

    def __init__(self, network: ClipNetwork) -> None:
        self.network = network
        self._waiting: list[torch.Tensor] = []
        self._embeddings: list[NDArray[np.float32]] = []

    def add(self, picture: Picture) -> None:
        """One more picture (height x width x 3, uint8, RGB)."""
        from PIL import Image

        self._waiting.append(self.network.preprocess(Image.fromarray(picture)))
        if len(self._waiting) == BATCH:
            self._flush()

    def finish(self) -> NDArray[np.float32]:
        """Embeddings of unit length (n, d), in the order of the pictures. Raises ValueError when there were none."""
        self._flush()
        if not self._embeddings:
            raise ValueError("expected at least one picture, got none")
        return np.concatenate(self._embeddings)

    def _flush(self) -> None:
        import torch

        if self._waiting:
            with torch.inference_mode():
                batch = torch.stack(self._waiting).to(self.network.device)
                embedded = self.network.model.encode_image(batch, normalize=True)
            self._embeddings.append(np.asarray(embedded.float().cpu().numpy(), np.float32))
            self._waiting.clear()


def check_clip_name(name: str) -> None:
    """Raises FrameholdError unless `name` is `embedded`, ARCH/TAG or ARCH/FILE of open_clip. Downloads nothing."""
    if name == EMBEDDED_CLIP:
        return
    architecture, _, tag = name.partition("/")
    if not tag:
        raise FrameholdError(
            f"--clip {name!r}: expected {EMBEDDED_CLIP}, or ARCH/TAG or ARCH/FILE as in {EXAMPLE_CLIP}"
        )
    open_clip = open_clip_module()
    if architecture not in open_clip.list_models():
        known = difflib.get_close_matches(architecture, open_clip.list_models(), n=3)
        raise FrameholdError(
            f"--clip {name!r}: open_clip knows no {architecture!r}; near it: {', '.join(known) or EXAMPLE_CLIP}"
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if Path(tag).suffix not in WEIGHT_FILES and tag not in tags:
        raise FrameholdError(
            f"--clip {name!r}: open_clip has no such weights of {architecture}; it has {', '.join(tags)}"
        )


def find_clip(name: str, offline: bool = False) -> Weights:
    """The weights that `embedded`, `ARCH/TAG` or `ARCH/FILE` names, downloaded once unless `offline`, and hash-checked.

    Raises FrameholdError on an unknown name, WeightsAbsent when the weights are not here and cannot be had.
    """
    check_clip_name(name)
    if name == EMBEDDED_CLIP:
        return _embedded()
    architecture, _, tag = name.partition("/")
    file = Path(tag)
    if file.suffix in WEIGHT_FILES:
        if not file.is_file():
            raise WeightsAbsent(f"--clip {name!r}: there is no file {file}")
        return Weights(name, file, _sha256(file))
    address = open_clip_module().get_pretrained_cfg(architecture, tag).get("hf_hub") or ""
    path = _from_hub(name, address, offline)
    return Weights(name, path, _checked_sha256(path))


def _embedded() -> Weights:
    """The weights in bench/assets/clip, once all that decides an embedding is the file it should be."""
    for name, expected in EMBEDDED_SHA256.items():
        path = EMBEDDED_FOLDER / name
        found = _sha256(path) if path.is_file() else "no file"
        if found != expected:
            raise FrameholdError(f"bench/assets/clip/{name}: not the file it should be: install framehold again")
    return Weights(EMBEDDED_CLIP, EMBEDDED_FOLDER / EMBEDDED_WEIGHTS, EMBEDDED_SHA256[EMBEDDED_WEIGHTS])


def unknown_words(prompt: str) -> tuple[str, ...]:
    """The words of a prompt that the embedded CLIP was never taught. Where there are any, it has nothing to say.

    >>> unknown_words("A unicorn trots along a beach")
    ('unicorn',)
    """
    known = _embedded_words()
    return tuple(dict.fromkeys(word for word in re.findall(r"[^\W_]+", prompt.lower()) if word not in known))


@lru_cache(maxsize=1)
def _embedded_words() -> frozenset[str]:
    config = json.loads((EMBEDDED_FOLDER / EMBEDDED_CONFIG).read_text(encoding="utf-8"))
    return frozenset(config["words"])


def _from_hub(name: str, address: str, offline: bool) -> Path:
    """The safetensors file of a hub repository (`owner/repo/` or `owner/repo/file`), from the cache or downloaded."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    owner, _, rest = address.partition("/")
    repo, _, file = rest.partition("/")
    if not repo:
        raise FrameholdError(f"--clip {name!r} has no safetensors on the hub: download it and pass ARCH/FILE")
    repo_id, file = f"{owner}/{repo}", file or "open_clip_model.safetensors"
    if not file.endswith(".safetensors"):
        file = "open_clip_model.safetensors"
    cached = try_to_load_from_cache(repo_id, file)  # hf_hub_download asks the network even for local files only
    if isinstance(cached, str):
        return Path(cached)
    absent = WeightsAbsent(
        f"--clip {name}: the weights are not on this machine; get them where there is internet with: "
        f"hf download {repo_id} {file}"
    )
    if offline:
        raise absent
    try:
        return Path(hf_hub_download(repo_id, file))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise absent from error


def _checked_sha256(path: Path) -> str:
    """The hash of a hub file, which must be the name its cache gives the blob. Raises FrameholdError when it is not."""
    found, promised = _sha256(path), path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", promised) and found != promised:
        raise FrameholdError(
            f"{path} is damaged (sha256 {found[:12]}, promised {promised[:12]}): delete it and run again"
        )
    return found


@lru_cache(maxsize=4)
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def load_clip(weights: Weights, device: str = "auto") -> ClipNetwork:
    """Build the architecture and load the weights, without pickle. Raises FrameholdError when they do not fit."""
    import torch
    from safetensors import SafetensorError

    open_clip = open_clip_module()
    architecture, _, tag = weights.name.partition("/")
    trained = open_clip.get_pretrained_cfg(architecture, tag)  # of a file nothing is known: the architecture's own
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if weights.name == EMBEDDED_CLIP:
        source = f"local-dir:{weights.path.parent}"
        model, _, preprocess = open_clip.create_model_and_transforms(source, device=chosen)
        tokenizer = open_clip.get_tokenizer(source, bpe_path=str(weights.path.parent / EMBEDDED_MERGES))
        return ClipNetwork(weights, model.eval(), preprocess, tokenizer, chosen)
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            architecture,
            pretrained=str(weights.path),
            device=chosen,
            weights_only=True,
            force_quick_gelu=trained.get("quick_gelu", False),
            **{f"image_{name}": trained.get(name) for name in ("mean", "std", "interpolation", "resize_mode")},
        )
    except (*NOT_WEIGHTS, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
        raise FrameholdError(
            f"--clip {weights.name!r}: {weights.path} does not hold weights of {architecture}: {reason}"
        ) from error
    return ClipNetwork(weights, model.eval(), preprocess, open_clip.get_tokenizer(architecture), chosen)


@lru_cache(maxsize=1)
def open_clip_module() -> Any:
    """open_clip itself, also beside a torch without CUDA."""
    torchvision_module()
    return importlib.import_module("open_clip")


@lru_cache(maxsize=1)
def torchvision_module() -> Any:
    """torchvision itself, also beside a torch without CUDA.

    torchvision's published wheel is built for CUDA: beside a CPU build of torch its compiled operators do not load, and
    the import fails on declaring shapes for them. Nothing here calls them, so their names are declared and no more.
    """
    import torch

    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for operator in ("nms", "qnms"):
            torch.library.define(
                f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
    return importlib.import_module("torchvision")
