"""Tiny pipelines with random weights, on disk as the hub has them, and backends that load them from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.backends import open_backend
from bench.backends.local.backend import LocalBackend
from bench.backends.local.random_weights import build_random
from bench.records import Clip, ClipRequest, Prompt, Suite

Saved = Callable[[str], Path]
SIDE = 32
PROMPTS = (Prompt("dog", "A dog runs", seeds=(1, 2)), Prompt("cat", "A cat sleeps", seeds=(1,)))
SUITE = Suite("tiny", 1, PROMPTS, sha256="0" * 64)


def save_tiny(folder: Path, architecture: str) -> Path:
    """The folder of that architecture's pipeline, written once."""
    path = folder / architecture
    if not path.exists():
        build_random(architecture, "tiny", "cpu", "float32", {}, architecture).save_pretrained(path)
    return path


def opened(backend: str, **options: Any) -> LocalBackend:
    """A local backend for small clips on the CPU."""
    small = {"device": "cpu", "dtype": "float32", "height": SIDE, "width": SIDE, "steps": 2, "frames": 4}
    return cast(LocalBackend, open_backend(backend, {**small, **options}))


def requests(backend: LocalBackend, model: str) -> tuple[ClipRequest, ...]:
    """Those of a dog with two seeds, and of a cat."""
    return backend.plan(SUITE, (f"{backend.name}/{model}",)).requests


def pictures(clip: Clip) -> NDArray[np.uint8]:
    """The frames of a clip (n, h, w, 3)."""
    return np.stack(list(clip.frames or ()))
