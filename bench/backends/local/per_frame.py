"""An image model asked again for every frame: no link in time at all. The floor under every video model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.backends.local.adapter import Pictures, call


def independent_frames(
    pipe: Any, arguments: Mapping[str, Any], frames: int, generator_of: Callable[[int], Any]
) -> Pictures:
    """Frames (n, h, w, 3), each from a generator of its own."""
    return np.concatenate([call(pipe, arguments, generator_of(frame)) for frame in range(frames)])
