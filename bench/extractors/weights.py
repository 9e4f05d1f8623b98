"""Weights on disk: found, downloaded once, checked by sha256, read without pickle."""

from __future__ import annotations

import hashlib
import re
import sys
import warnings
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from bench.networks import Weights, WeightsAbsent
from bench.records import FrameholdError

State = dict[str, Tensor]


@dataclass(frozen=True)
class Origin:
    """Where public weights lie: a `url`, or a `repo` of the hub. `sha256` is the whole hash or how it begins."""

    file: str
    url: str = ""
    repo: str = ""
    sha256: str = ""
    beside: tuple[str, ...] = ()
    """Further files of the repo that are needed with it."""


OWN = ", or pass a file with --weights"


def find_weights(name: str, origin: Origin, given: str | None, offline: bool, own: str = OWN) -> Weights:
    """The file of one's own, or the public one, downloaded once unless `offline`; with its sha256.

    `own` is said of weights that are not here: how else a file may be given.

    Raises WeightsAbsent when there is no such file here and none can be had, FrameholdError when it is damaged.
    """
    if given is not None:
        path = Path(given)
        if not path.is_file():
            raise WeightsAbsent(f"--weights {given}: there is no such file")
        return Weights(name, path, sha256_of(path))
    path = from_hub(name, origin, origin.file, offline) if origin.repo else _from_url(name, origin, offline, own)
    found = sha256_of(path)
    promised = origin.sha256 or (path.resolve().name if origin.repo else "")
    if re.fullmatch(r"[0-9a-f]{8,64}", promised) and not found.startswith(promised):
        raise FrameholdError(
            f"{path} is not what {name} needs (sha256 {found[:12]}, expected {promised[:12]}): delete it and run again"
        )
    return Weights(name, path, found)


def from_hub(name: str, origin: Origin, file: str, offline: bool) -> Path:
    """A file of the repository, from the hub's cache or downloaded."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    cached = try_to_load_from_cache(origin.repo, file)  # hf_hub_download asks the network even for local files only
    if isinstance(cached, str):
        return Path(cached)
    absent = WeightsAbsent(
        f"{name}: {file} is not on this machine; get it where there is internet with: "
        f"hf download {origin.repo} {' '.join(dict.fromkeys((origin.file, *origin.beside)))}"
    )
    if offline:
        raise absent
    try:
        return Path(hf_hub_download(origin.repo, file))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise absent from error


def _from_url(name: str, origin: Origin, offline: bool, own: str) -> Path:
    """Torch's own cache, where other programs keep the same files."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / origin.file
    if path.is_file():
        return path
    advice = f"get {origin.url} where there is internet, save it as {path}{own}"
    if offline:
        raise WeightsAbsent(f"{name}: the weights are not on this machine; {advice}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(origin.url, str(path), origin.sha256, progress=sys.stderr.isatty())
    except OSError as error:
        raise WeightsAbsent(f"{name}: the weights cannot be downloaded ({error}); {advice}") from error
    except RuntimeError as error:
        raise FrameholdError(f"{name}: {origin.url} does not have the promised sha256 {origin.sha256[:12]}") from error
    return path


@lru_cache(maxsize=16)
def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- read --------------------------------------------------------------------------------------------------------


def read_state(path: Path) -> State:
    """Tensors by name from safetensors, a state dict saved by torch, or a TorchScript. FrameholdError for others."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if is_script(path):
        return dict(read_script(path).state_dict())
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a pickle protocol that it may not read: it says so if not
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:  # torch says over many lines how to run what is in the file
        raise FrameholdError(
            f"{path}: no weights that can be read safely: expected a state dict of torch, safetensors or a TorchScript"
        ) from error
    except (SafetensorError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise FrameholdError(f"{path}: no weights that can be read safely: {_first_line(error)}") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise FrameholdError(f"{path}: expected a state dict (names to tensors), got {type(content).__name__}")
    return content


def is_script(path: Path) -> bool:
    """Whether a file is a TorchScript: a zip archive that holds code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.split("/")[1:2] == ["code"] for name in archive.namelist())


def read_script(path: Path) -> Any:
    """A TorchScript module on the CPU, ready for inference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the public I3D comes in no other form
        try:
            script: Any = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            return script.eval()
        except (RuntimeError, ValueError) as error:
            raise FrameholdError(f"{path}: a TorchScript that cannot be read: {_first_line(error)}") from error


def load_into(network: torch.nn.Module, state: State, path: Path) -> None:
    """Fill a network; the counters of batch norm may be absent. FrameholdError naming what does not fit."""
    own = network.state_dict()
    absent = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    unknown = [name for name in state if name not in own]
    if absent or unknown:
        what = f"without {absent[0]}" if absent else f"with {unknown[0]}"
        raise FrameholdError(f"{path}: weights of another network, {what}")
    for name, tensor in state.items():
        if tensor.shape != own[name].shape:
            raise FrameholdError(f"{path}: {name} is {tuple(tensor.shape)}, expected {tuple(own[name].shape)}")
    network.load_state_dict(state, strict=False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
