"""Count the floating-point operations of a clip: denoiser and decoder at full size on torch's meta device, no memory.

python tools/count_operations.py [MODEL ...] prints what stands as `operations` in bench/backends/local/table.py, and
the number of parameters of both.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.backends.local.libraries import diffusers_module
from bench.backends.local.random_weights import build_component, read_architecture
from bench.backends.local.table import DIFFUSERS, IMAGE_MODELS, LocalModel

ROWS = {**DIFFUSERS, **IMAGE_MODELS}


def count(row: LocalModel) -> float:
    """Operations of one clip of that row, its text encoders left out: they are a small share of it."""
    frames, height, width, steps = (int(value or 0) for value in (row.frames, row.height, row.width, row.steps))
    denoiser, vae = build(row)
    kind = type(denoiser).__name__
    passes = steps * (2 if row.guidance and row.guidance > 1 else 1)
    inputs, latents, decodes = INPUTS[kind](denoiser, vae, frames, height, width)
    once = _operations(lambda: denoiser(**inputs, return_dict=False))
    decoding = _operations(lambda: vae.decode(latents, return_dict=False)) * decodes
    return once * passes * (frames if kind == "UNet2DConditionModel" else 1) + decoding


def build(row: LocalModel) -> tuple[Any, Any]:
    """(denoiser, decoder) of a row's architecture, without memory for their weights."""
    diffusers = diffusers_module()
    parts = read_architecture(str(row.architecture))["components"]
    with torch.device("meta"):
        made = {
            name: build_component(parts[name], "full", torch.float32)
            for name in ("unet", "transformer", "motion_adapter", "vae")
            if name in parts
        }
        denoiser = made.get("unet") or made.get("transformer")
        if "motion_adapter" in made:
            denoiser = diffusers.UNetMotionModel.from_unet2d(denoiser, made["motion_adapter"])
    return denoiser, made["vae"]


def _operations(forward: Any) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        forward()
    return float(counter.get_total_flops())


def _on_meta(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, device="meta")


def _image(unet: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    latents, time = _on_meta(1, 4, height // 8, width // 8), _on_meta(1)
    inputs = {"sample": latents, "timestep": time}
    inputs["encoder_hidden_states"] = _on_meta(1, 77, unet.config.cross_attention_dim)
    if unet.config.addition_embed_type:
        added = {"text_embeds": _on_meta(1, 1280), "time_ids": _on_meta(1, 6)}
        return {**inputs, "added_cond_kwargs": added}, latents, frames
    return inputs, latents, frames


def _unet_video(unet: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    texts = frames if type(unet).__name__ == "UNetMotionModel" else 1  # the other one repeats it itself
    inputs = {"sample": _on_meta(1, 4, frames, height // 8, width // 8), "timestep": _on_meta(1)}
    inputs["encoder_hidden_states"] = _on_meta(texts, 77, unet.config.cross_attention_dim)
    return inputs, _on_meta(1, 4, height // 8, width // 8), frames


def _wan(net: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    latents = _on_meta(1, 16, (frames - 1) // 4 + 1, height // 8, width // 8)
    inputs = {"hidden_states": latents, "timestep": _on_meta(1), "encoder_hidden_states": _on_meta(1, 512, 4096)}
    return inputs, latents, 1


def _ltx(net: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    deep, high, wide = (frames - 1) // 8 + 1, height // 32, width // 32
    inputs = {
        "hidden_states": _on_meta(1, deep * high * wide, 128),
        "timestep": _on_meta(1),
        "encoder_hidden_states": _on_meta(1, 128, 4096),
        "encoder_attention_mask": _on_meta(1, 128),
        "num_frames": deep,
        "height": high,
        "width": wide,
    }
    return inputs, _on_meta(1, 128, deep, high, wide), 1


def _cogvideox(net: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    deep, high, wide = (frames - 1) // 4 + 1, height // 8, width // 8
    inputs: dict[str, Any] = {
        "hidden_states": _on_meta(1, deep, 16, high, wide),
        "timestep": _on_meta(1),
        "encoder_hidden_states": _on_meta(1, 226, 4096),
    }
    if net.config.use_rotary_positional_embeddings:
        tokens = deep * high * wide // 4
        inputs["image_rotary_emb"] = (_on_meta(tokens, 64), _on_meta(tokens, 64))
    return inputs, _on_meta(1, 16, deep, high, wide), 1


def _latte(net: Any, vae: Any, frames: int, height: int, width: int) -> tuple[dict[str, Any], torch.Tensor, int]:
    inputs = {"hidden_states": _on_meta(1, 4, frames, height // 8, width // 8), "timestep": _on_meta(1)}
    inputs["encoder_hidden_states"] = _on_meta(1, 120, 4096)
    return inputs, _on_meta(1, 4, height // 8, width // 8), frames


INPUTS = {
    "UNet2DConditionModel": _image,
    "UNet3DConditionModel": _unet_video,
    "UNetMotionModel": _unet_video,
    "WanTransformer3DModel": _wan,
    "LTXVideoTransformer3DModel": _ltx,
    "CogVideoXTransformer3DModel": _cogvideox,
    "LatteTransformer3DModel": _latte,
}


def main() -> None:
    """A line a model."""
    for name in sys.argv[1:] or [name for name, row in ROWS.items() if row.architecture]:
        row = ROWS[name]
        denoiser, vae = build(row)
        sizes = [sum(tensor.numel() for tensor in part.parameters()) / 1e9 for part in (denoiser, vae)]
        told = f"{count(row):.3g}" if type(denoiser).__name__ in INPUTS else "not counted"
        print(f"{name:16} operations {told:12} parameters: denoiser {sizes[0]:.3f} G, decoder {sizes[1]:.3f} G")


if __name__ == "__main__":
    main()
