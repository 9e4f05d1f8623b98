"""Backends over image models: text2video-zero, and stable-diffusion frame by frame."""

from __future__ import annotations

from typing import Any, cast

from bench.backends.local.adapter import Pictures, arguments_of, fitted
from bench.backends.local.backend import LocalBackend, fresh_generator
from bench.backends.local.per_frame import independent_frames
from bench.backends.local.settings import ZeroSettings
from bench.backends.local.table import IMAGE_MODELS, LocalModel
from bench.records import ClipRequest, FrameholdError


class Text2VideoZeroBackend(LocalBackend):
    """Text2Video-Zero: an image model made to move, without training (text2video-zero/sd-1.5 or sdxl)."""

    name = "text2video-zero"
    table = IMAGE_MODELS
    default = "sd-1.5"
    settings_type = ZeroSettings

    def make(self, pipe: Any, row: LocalModel, request: ClipRequest, dropped: dict[str, Any]) -> Pictures:
        """The technique over the modules of the pipeline."""
        from bench.backends.local.text2video_zero import Asked, Motion, animate

        if row.arguments:
            raise FrameholdError(f"arguments: text2video-zero takes no {next(iter(row.arguments))!r}")
        settings = cast(ZeroSettings, self.settings)
        size = _must(row.frames, "frames"), _must(row.height, "height"), _must(row.width, "width")
        asked = Asked(
            request.prompt.text,
            *size,
            steps=_must(row.steps, "steps"),
            guidance=7.5 if row.guidance is None else row.guidance,
            negative_prompt=settings.negative_prompt,
            motion=Motion(settings.motion_x, settings.motion_y),
            chunk_frames=settings.chunk_frames,
        )
        return animate(pipe, asked, fresh_generator(request))

    def more_facts(self) -> dict[str, Any]:
        """The motion, and how the frames were taken together."""
        settings = cast(ZeroSettings, self.settings)
        return {
            "motion_x": settings.motion_x,
            "motion_y": settings.motion_y,
            "chunk_frames": settings.chunk_frames,
            "sampler": "DDIM, eta 0",
        }


class StableDiffusionBackend(LocalBackend):
    """An image model asked again for every frame: the floor, with no link in time (stable-diffusion/sd-1.5 or sdxl)."""

    name = "stable-diffusion"
    table = IMAGE_MODELS
    default = "sd-1.5"

    def make(self, pipe: Any, row: LocalModel, request: ClipRequest, dropped: dict[str, Any]) -> Pictures:
        """A call of the pipeline a frame."""
        wanted = arguments_of(row, request.prompt.text, self.settings.negative_prompt)
        frames = int(wanted.pop("num_frames"))
        wanted.pop("frame_rate", None)
        arguments, left = fitted(pipe, wanted, row.arguments)
        dropped.update(left)
        return independent_frames(pipe, arguments, frames, lambda frame: fresh_generator(request, frame))


def _must(value: int | None, name: str) -> int:
    if value is None:
        raise FrameholdError(f"{name} is not known: say it with --set {name}=")
    return value
