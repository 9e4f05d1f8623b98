"""One road to every pipeline: arguments by its own names, frames out as pictures."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.backends.local.table import LocalModel
from bench.records import FrameholdError, MissingClip

Pictures = NDArray[np.uint8]  # frames x height x width x 3
ALIASES = {"num_frames": "video_length"}
# Spoken by libraries about what they do themselves, at every clip.
CHATTER = ("In CPU autocast, but the target dtype is not supported",)


def arguments_of(row: LocalModel, prompt: str, negative_prompt: str | None) -> dict[str, Any]:
    """What a clip of that row would like to say to its pipeline."""
    wanted = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "num_frames": row.frames,
        "height": row.height,
        "width": row.width,
        "num_inference_steps": row.steps,
        "guidance_scale": row.guidance,
        "frame_rate": row.fps,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def fitted(pipe: Any, wanted: Mapping[str, Any], extra: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(arguments under the names that the pipeline's call has, those that it does not take).

    `extra` was asked for by name, so it is never dropped: FrameholdError names what the call would take.
    """
    known = inspect.signature(pipe.__call__).parameters
    if unknown := [name for name in extra if name not in known or name in {"generator", "latents", "return_dict"}]:
        free = ", ".join(name for name in known if name not in wanted)
        raise FrameholdError(f"arguments: {type(pipe).__name__} takes no {unknown[0]!r}: choose from {free}")
    taken: dict[str, Any] = {}
    dropped: dict[str, Any] = {}
    for name, value in wanted.items():
        spelt = name if name in known else ALIASES.get(name, name)
        (taken if spelt in known else dropped)[spelt] = value
    dropped.pop("frame_rate", None)  # where a pipeline does not ask for it, it is ours alone
    return {**taken, **extra}, dropped


def guide(pipe: Any, scale: float | None, dropped: dict[str, Any]) -> None:
    """Hand the scale to a pipeline that keeps its guidance in a part of its own (HunyuanVideo 1.5)."""
    guider = getattr(pipe, "guider", None)
    if (
        scale is not None
        and guider is not None
        and hasattr(guider, "new")
        and dropped.pop("guidance_scale", None) is not None
    ):
        pipe.guider = guider.new(guidance_scale=scale)


def call(pipe: Any, arguments: Mapping[str, Any], generator: Any) -> Pictures:
    """Run a pipeline for one prompt. Raises MissingClip where it gives no pictures."""
    import torch

    known = inspect.signature(pipe.__call__).parameters
    fixed = {"generator": generator, "output_type": "np"}
    with torch.inference_mode(), warnings.catch_warnings():
        for message in CHATTER:
            warnings.filterwarnings("ignore", message)
        output = pipe(**arguments, **{name: value for name, value in fixed.items() if name in known})
    frames = output.frames[0] if hasattr(output, "frames") else output.images
    return as_pictures(frames)


def as_pictures(frames: Any) -> Pictures:
    """Frames (n, h, w, 3) in 0 to 1, or n pictures of PIL -> uint8. Raises MissingClip for anything else.

    >>> as_pictures(np.array([[[[0.0, 0.5, 1.0]]]])).ravel().tolist()
    [0, 128, 255]
    """
    if isinstance(frames, list):
        frames = np.stack([np.asarray(frame) for frame in frames])
    pictures = np.asarray(frames)
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or not pictures.size:
        raise MissingClip(f"the pipeline gave an array of shape {pictures.shape}, expected frames of RGB pictures")
    if pictures.dtype == np.uint8:
        return pictures
    levels = np.empty(pictures.shape, np.uint8)
    for picture, level in zip(pictures, levels, strict=True):  # one by one: ten times as fast as all at once
        level[...] = _levels(picture)
    return levels


def _levels(picture: NDArray[Any]) -> NDArray[np.float32]:
    if not np.isfinite(picture).all():
        raise MissingClip("the model gave values that are no numbers: try --set dtype=bfloat16 or dtype=float32")
    levels = np.array(picture, np.float32)
    levels *= np.float32(255)
    np.clip(levels, 0, 255, out=levels)
    return np.rint(levels, out=levels)
