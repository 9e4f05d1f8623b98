"""Pipelines of random weights: the public architectures at full size, or tiny, with nothing downloaded.

At full size they cost the memory and time of the real model; their clips show noise. At tiny size they are for tests.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.backends.local.libraries import diffusers_module
from bench.backends.local.placing import release
from bench.records import FrameholdError, Json

ARCHITECTURES = Path(__file__).parent / "architectures"
SEED = 0  # of the weights: two runs on one machine have the same ones
MARKS = string.ascii_letters + string.digits + string.punctuation


@cache
def read_architecture(name: str) -> Json:
    """The components of a pipeline: class, library, and its configuration at both sizes."""
    content: dict[str, Any] = json.loads((ARCHITECTURES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def build_random(
    architecture: str | None, size: str, device: str, dtype: str, dtypes: Mapping[str, str], model: str
) -> Any:
    """The pipeline with random weights of those types, in main memory; `device` is where the numbers are drawn.

    Raises FrameholdError where its sizes are not known.
    """
    import torch

    if architecture is None:
        raise FrameholdError(
            f"{model}: its configuration does not come with framehold, so --weights random cannot build it"
        )
    diffusers = diffusers_module()
    plan = read_architecture(architecture)
    gpus = [device] if device.startswith("cuda") else []
    made: dict[str, Any] = {}
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(SEED)
        for name, content in plan["components"].items():
            kind = getattr(torch, dtypes.get(name, dtype))
            try:
                with torch.device(device):
                    made[name] = build_component(content, size, kind)
            except torch.OutOfMemoryError:
                release(device)
                made[name] = build_component(content, size, kind)
            if isinstance(made[name], torch.nn.Module):
                made[name].to("cpu")  # what goes where is decided when all of it is there
    absent = dict.fromkeys(plan.get("absent", ()))
    pipe: Any = getattr(diffusers, plan["pipeline"])(**made, **absent, **plan.get("arguments", {}))
    for module in pipe.components.values():
        if isinstance(module, torch.nn.Module) and module not in made.values():  # put together from others
            module.eval().to(getattr(torch, dtype))
    return pipe


def build_component(content: Json, size: str, dtype: Any) -> Any:
    """One component of an architecture, on torch's default device."""
    import torch

    kind = getattr(import_module(content["library"]), content["class"])
    if "tokenizer" in content:
        return kind(**_vocabulary(content["tokenizer"]), **content[size])
    if content["library"] == "transformers":
        return kind(kind.config_class(**content[size])).eval().to(dtype)
    if "Scheduler" in content["class"]:  # turns its numbers into arrays, which can only be done in main memory
        with torch.device("cpu"):
            return kind(**content[size])
    return kind(**content[size]).eval().to(dtype)


def _vocabulary(style: str) -> dict[str, Any]:
    """Tokens that are single characters: enough for any English prompt."""
    if style == "t5":
        tokens = ["<pad>", "</s>", "<unk>", "▁", *MARKS]
        return {"vocab": [(token, -1.0) for token in tokens]}
    if style == "llama":
        tokens = ["<unk>", "<s>", "</s>", "<pad>", "▁", "\n", *MARKS]
        return {"vocab": {token: index for index, token in enumerate(tokens)}, "merges": [], "pad_token": "<pad>"}
    tokens = ["<|startoftext|>", "<|endoftext|>", *MARKS, *(f"{mark}</w>" for mark in MARKS)]
    return {"vocab": {token: index for index, token in enumerate(tokens)}, "merges": []}
