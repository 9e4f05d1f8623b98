"""Text2Video-Zero (Khachatryan et al. 2023, arXiv 2303.13439) over the modules of Stable Diffusion 1.x and XL.

The first frame's latents at step t1 are denoised on to t0, shifted by each frame's motion, taken back to t1 by noise,
and all frames are denoised together, their self-attention looking at the first frame only (section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.backends.local.adapter import Pictures, as_pictures
from bench.backends.local.libraries import diffusers_module

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STEPS = 50  # of the paper; t1 and t0 are its third and sixth step, counted from the noise
FIRST, SECOND = 2, 5
CANVAS = 512  # px: the side for which the strength of the motion is given


@dataclass(frozen=True)
class Motion:
    """Pixels a frame to the right and down, in a picture whose shorter side is 512."""

    x: float = 12.0
    y: float = 12.0


@dataclass(frozen=True)
class Asked:
    """One clip to make."""

    prompt: str
    frames: int
    height: int
    width: int
    steps: int
    guidance: float
    negative_prompt: str | None = None
    motion: Motion = Motion()
    chunk_frames: int = 8


def turning_steps(steps: int) -> tuple[int, int]:
    """The indices of t1 and t0 among `steps`, at the same share of the way as in the paper.

    >>> turning_steps(50), turning_steps(10), turning_steps(1)
    ((2, 5), (0, 1), (0, 0))
    """
    first = min(FIRST * steps // STEPS, steps - 1)
    return first, min(max(SECOND * steps // STEPS, first + 1), steps - 1)


def animate(pipe: Any, asked: Asked, generator: torch.Generator, noise: Tensor | None = None) -> Pictures:
    """The frames of a clip. `noise` (frames - 1, c, h, w) takes them back to t1; drawn when not given.

    Memory on the device does not grow with the number of frames: they are denoised `chunk_frames` at a time, each time
    beside the first one. What a frame becomes does not depend on its chunk.
    """
    import torch

    with torch.inference_mode():
        denoiser = _Denoiser(pipe, asked)
        latents = _draw(1, denoiser, asked, generator) * denoiser.scheduler.init_noise_sigma
        if noise is None:
            noise = _draw(asked.frames - 1, denoiser, asked, generator, keep=True)
        first, second = turning_steps(asked.steps)
        times = denoiser.scheduler.timesteps
        with attending_to_first_frame(pipe.unet, denoiser.branches):
            at_first = denoiser.run(latents, times[:first])
            at_second = denoiser.run(at_first, times[first:second])
            pictures = []
            for start in range(1, max(asked.frames, 2), asked.chunk_frames):
                ids = list(range(start, min(start + asked.chunk_frames, asked.frames)))
                moved = torch.cat([_shifted(at_second, frame, asked) for frame in ids]) if ids else at_second[:0]
                back = denoiser.noised(
                    moved, noise[[frame - 1 for frame in ids]], int(times[second]), int(times[first])
                )
                done = denoiser.run(torch.cat([at_first, back]), times[first:])
                pictures.append(_decoded(pipe, done if start == 1 else done[1:]))
        pipe.maybe_free_model_hooks()
    return as_pictures(np.concatenate(pictures))


class _Denoiser:
    """DDIM steps (eta 0) over latents of any number of frames, all under one prompt."""

    def __init__(self, pipe: Any, asked: Asked) -> None:
        self.pipe, self.asked = pipe, asked
        self.device = pipe._execution_device
        kind = diffusers_module().DDIMScheduler
        self.scheduler: Any = kind.from_config(pipe.scheduler.config, clip_sample=False)
        self.scheduler.set_timesteps(asked.steps, device=self.device)
        self.guided = asked.guidance > 1.0
        self.branches = 2 if self.guided else 1
        self.text, self.added = _conditions(pipe, asked, self.guided)

    def run(self, latents: Tensor, times: Tensor) -> Tensor:
        """Latents (n, c, h, w) denoised over those times."""
        import torch

        frames = len(latents)
        text = self.text.repeat_interleave(frames, 0)
        added = {name: value.repeat_interleave(frames, 0) for name, value in self.added.items()}
        options = {"added_cond_kwargs": added} if added else {}
        for time in times:
            both = torch.cat([latents] * self.branches)
            both = self.scheduler.scale_model_input(both, time)
            found = self.pipe.unet(both, time, encoder_hidden_states=text, return_dict=False, **options)[0]
            if self.guided:
                without, within = found.chunk(2)
                found = without + self.asked.guidance * (within - without)
            latents = self.scheduler.step(found, time, latents).prev_sample
        return latents

    def noised(self, latents: Tensor, noise: Tensor, since: int, until: int) -> Tensor:
        """Latents at time `since` taken forward to the noisier time `until` (DDPM)."""
        import torch

        kept = torch.prod(self.scheduler.alphas[since:until])
        noise = noise.to(latents.device, latents.dtype)
        return torch.sqrt(kept).to(latents) * latents + torch.sqrt(1 - kept).to(latents) * noise


def _conditions(pipe: Any, asked: Asked, guided: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """(text embeddings, of the negative prompt first; what the U-Net of XL wants beside them)."""
    import torch

    device = pipe._execution_device
    encoded = pipe.encode_prompt(
        prompt=asked.prompt,
        device=device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=guided,
        negative_prompt=asked.negative_prompt,
    )
    text = torch.cat([encoded[1], encoded[0]]) if guided else encoded[0]
    if len(encoded) == 2:
        return text, {}
    pooled = torch.cat([encoded[3], encoded[2]]) if guided else encoded[2]
    size = (asked.height, asked.width)
    times = torch.tensor([[*size, 0, 0, *size]], dtype=text.dtype, device=device).repeat(len(pooled), 1)
    return text, {"text_embeds": pooled, "time_ids": times}


def _draw(count: int, denoiser: _Denoiser, asked: Asked, generator: torch.Generator, *, keep: bool = False) -> Tensor:
    """Normal noise for `count` frames from the CPU's generator; kept in main memory, or on the device."""
    import torch

    unet, scale = denoiser.pipe.unet, denoiser.pipe.vae_scale_factor
    shape = (count, unet.config.in_channels, asked.height // scale, asked.width // scale)
    noise = torch.randn(shape, generator=generator, dtype=denoiser.text.dtype)
    return noise if keep else noise.to(denoiser.device)


def _shifted(latents: Tensor, frame: int, asked: Asked) -> Tensor:
    """The latents moved as far as they are by that frame; what comes in at the border is mirrored.

    The shift is the same share of the shorter side at every size, in the same direction.
    """
    import torch

    _, _, height, width = latents.shape
    side = min(height, width)
    across = _look(width, frame * asked.motion.x * side / width, latents)
    down = _look(height, frame * asked.motion.y * side / height, latents)
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)[None]
    moved = torch.nn.functional.grid_sample(
        latents.float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return moved.to(latents.dtype)


def _look(cells: int, shift: float, latents: Tensor) -> Tensor:
    """Where each cell looks, in -1 to 1, for a shift in pixels of a canvas of 512; in its pixels, half a one off."""
    import torch

    at = (torch.arange(cells, device=latents.device, dtype=torch.float64) + 0.5) / cells
    return ((at + (shift - 0.5) / CANVAS) * 2 - 1).float()


def _decoded(pipe: Any, latents: Tensor) -> np.ndarray[Any, Any]:
    """Pictures (n, h, w, 3) in 0 to 1, one at a time."""
    vae = pipe.vae
    dtype = next(vae.parameters()).dtype
    found = []
    for index in range(len(latents)):
        one = latents[index : index + 1]
        picture = vae.decode((one / vae.config.scaling_factor).to(dtype), return_dict=False)[0]
        found.append((picture / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy())
    return np.concatenate(found)


# ---- attention ---------------------------------------------------------------------------------------------------


@contextmanager
def attending_to_first_frame(unet: Any, branches: int) -> Iterator[None]:
    """Let self-attention look at the first frame of each branch; the U-Net is as it was afterwards, come what may."""
    before = unet.attn_processors
    crossed = {
        name: _FirstFrame(branches) if name.endswith("attn1.processor") else processor
        for name, processor in before.items()
    }
    unet.set_attn_processor(crossed)  # a copy of the mapping would be emptied by it
    try:
        yield
    finally:
        unet.set_attn_processor(dict(before))


class _FirstFrame:
    """Self-attention whose keys and values are the first frame's."""

    def __init__(self, branches: int) -> None:
        self.branches = branches

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """(branches x frames, cells, d) -> the same shape."""
        import torch

        batch, cells = hidden_states.shape[:2]
        frames = batch // self.branches
        first = hidden_states.view(self.branches, frames, cells, -1)[:, 0]
        query = attn.to_q(hidden_states)
        key, value = (to(first).repeat_interleave(frames, 0) for to in (attn.to_k, attn.to_v))
        query, key, value = (each.view(batch, -1, attn.heads, each.shape[-1] // attn.heads).transpose(1, 2)
                             for each in (query, key, value))  # fmt: skip
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        mixed = mixed.transpose(1, 2).reshape(batch, cells, -1)
        found: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return found
