"""i3d-400: the logits of I3D trained on Kinetics-400, which FVD is published with (Unterthiner et al. 2018).

Modes say whose figures are to be matched: `styleganv` squashes to 224 and divides covariances by n, `videogpt` brings
the short side to 224, crops the centre and divides by n - 1, `tf` squashes as TensorFlow 1 did and divides by n - 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.extractors import About, Wanted
from bench.extractors.i3d_network import I3D
from bench.extractors.preprocessing import as_tensor, centre, short_side, squash, squash_legacy
from bench.extractors.torch_extractor import TorchExtractor, chosen_device
from bench.extractors.weights import Origin, find_weights, is_script, load_into, read_script, read_state
from bench.records import Picture

SIDE = 224
PUBLIC = Origin(
    "i3d_torchscript.pt",
    url="https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
    sha256="bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
)
DDOF = {"styleganv": 0, "videogpt": 1, "tf": 1}


def i3d_400(wanted: Wanted) -> TorchExtractor:
    """The extractor, its weights as a state dict (torch or safetensors) or as the public TorchScript."""
    mode = wanted.mode_of(tuple(DDOF))
    weights = find_weights("i3d-400", PUBLIC, wanted.weights, wanted.offline)
    device = chosen_device(wanted.device)
    about = About(
        name="i3d-400",
        mode=mode,
        version=1,
        frames=16,
        least_frames=9,
        any_length=True,
        licence="Apache-2.0 (DeepMind's I3D on Kinetics-400)",
        weights=weights,
        ddof=DDOF[mode],
        libraries=("av", "numpy", "torch"),
        device=device,
    )
    return TorchExtractor(about, _network(weights.path).to(device), PREPROCESS[mode])


def _network(path: Path) -> Any:
    """The module with those weights; the public TorchScript, which can leave pictures to others, is run as it is."""
    network = I3D().eval()
    if not is_script(path):
        load_into(network, read_state(path), path)
        return network
    script = read_script(path)
    if "return_features" in {argument.name for argument in script.forward.schema.arguments}:
        return _Script(script)
    load_into(network, script.state_dict(), path)
    said = dict(script.named_modules())
    for name, part in network.named_modules():
        if isinstance(part, torch.nn.BatchNorm3d):
            part.eps = getattr(said[name], "eps", part.eps)
    return network


class _Script(torch.nn.Module):
    """The public TorchScript, told to leave the pictures to us and to give logits."""

    def __init__(self, script: Any) -> None:
        super().__init__()
        self.script = script

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, t, 224, 224) in -1 to 1 -> (n, 400)."""
        logits: Tensor = self.script(x, rescale=False, resize=False, return_features=True)
        return logits


def _scaled(x: Tensor) -> Tensor:
    return x / 127.5 - 1.0


def _styleganv(picture: Picture) -> Tensor:
    return _scaled(squash(as_tensor(picture), SIDE))


def _videogpt(picture: Picture) -> Tensor:
    return _scaled(centre(short_side(as_tensor(picture), SIDE), SIDE))


def _tf(picture: Picture) -> Tensor:
    return _scaled(squash_legacy(as_tensor(picture), SIDE))


PREPROCESS = {"styleganv": _styleganv, "videogpt": _videogpt, "tf": _tf}
