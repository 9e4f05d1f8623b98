"""Options of local backends: what a user may set over the table, by --set, a table of --options or a spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.backends.local.table import LocalModel
from bench.records import FrameholdError

Device = Literal["auto", "cpu", "cuda", "mps"]
Dtype = Literal["float32", "float16", "bfloat16"]
Offload = Literal["none", "model", "sequential"]
OFFLOADS: tuple[Offload, ...] = get_args(Offload)
Side = Annotated[int, Field(ge=16, le=4096, multiple_of=8)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

TINY_FRAMES, TINY_SIDE, TINY_STEPS = 8, 64, 2


class LocalSettings(BaseModel):
    """None leaves the choice to the model's row. Every value here decides the clip."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    repo: str | None = None
    """Another repository of the hub, or a folder as `save_pretrained` writes it."""
    revision: str | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    """Repositories or folders of components that lie apart, such as a motion adapter."""
    frames: Annotated[int, Field(ge=1, le=10_000)] | None = None
    fps: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    height: Side | None = None
    width: Side | None = None
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    guidance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    negative_prompt: str | None = None
    dtype: Dtype | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the pipeline's call, by their names in diffusers."""
    device: Device = "auto"
    offload: Literal["auto", Offload] = "auto"
    tiling: bool = False
    """Decode pictures in overlapping tiles: less memory, and seams that may show."""
    weights: Literal["pretrained", "random"] = "pretrained"
    size: Literal["full", "tiny"] = "full"
    """Of random weights."""
    allow_pickle: bool = False

    def over(self, row: LocalModel) -> LocalModel:
        """The row with what is set here in place of its own values."""
        if self.size == "tiny":
            row = replace(row, frames=TINY_FRAMES, height=TINY_SIDE, width=TINY_SIDE, steps=TINY_STEPS, fps=8.0)
            row = replace(row, memory_gb=None, dtype="float32", dtypes={}, operations=None)
        if self.tiling:  # takes less, and nobody knows how much less
            row = replace(row, memory_gb=None)
        if self.device == "cpu":  # half precision is slower there, where it works at all
            row = replace(row, dtype="float32", dtypes={})
        told = {
            name: value
            for name in ("repo", "revision", "frames", "fps", "height", "width", "steps", "guidance", "dtype")
            if (value := getattr(self, name)) is not None
        }
        if self.dtype is not None:
            told["dtypes"] = {}
        full = replace(row, **told, arguments={**row.arguments, **self.arguments})
        return replace(full, operations=_scaled(row, full))


def _scaled(row: LocalModel, other: LocalModel) -> float | None:
    """The operations of `other`, which differs from `row` in steps, frames or size, as if they grew in proportion.

    Attention grows faster, so for longer clips it is too little, as an estimate of the least time may be.
    """
    scale = 1.0
    for name in ("steps", "frames", "height", "width"):
        before, after = getattr(row, name), getattr(other, name)
        if before and after:
            scale *= after / before
    return None if row.operations is None else row.operations * scale


class ZeroSettings(LocalSettings):
    """Of text2video-zero, beside those of every local backend."""

    motion_x: Finite = 12.0
    motion_y: Finite = 12.0
    """Pixels a frame in a picture whose shorter side is 512."""
    chunk_frames: Annotated[int, Field(ge=1, le=1000)] = 8
    """Frames denoised together, beside the first one. Decides the memory, not the clip."""


def read_settings(kind: type[LocalSettings], backend: str, options: dict[str, Any]) -> LocalSettings:
    """Options, checked. Raises FrameholdError naming the one that cannot be, and for an unknown one the known."""
    if unknown := [name for name in options if name not in kind.model_fields]:
        raise FrameholdError(f"{backend}: unknown option {unknown[0]!r}: choose from {', '.join(kind.model_fields)}")
    try:
        settings = kind.model_validate(options)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "options"
        raise FrameholdError(
            f"{backend}: {where}={fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
        ) from None
    if settings.size == "tiny" and settings.weights != "random":
        raise FrameholdError(f"{backend}: size=tiny is for --weights random")
    return settings
