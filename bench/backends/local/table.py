"""The table of open models: what each takes by default, needs and allows. Checked November 2026."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.records import Json

NON_COMMERCIAL = "not for commercial use"


@dataclass(frozen=True)
class FrameRule:
    """The counts of frames a model can make: `multiple` x k + `offset`, k >= 0, at least 1 and at most `most`."""

    multiple: int = 1
    offset: int = 0
    most: int | None = None

    def snap(self, frames: int) -> int:
        """The least count that can be made and is not below `frames`; pipelines would round down in silence.

        >>> FrameRule(4, 1).snap(48), FrameRule(4, 1).snap(49), FrameRule(6, 1).snap(1), FrameRule().snap(7)
        (49, 49, 1, 7)
        """
        wanted = max(frames, 1, self.offset)
        return wanted + (self.offset - wanted) % self.multiple

    def __str__(self) -> str:
        if self.multiple == self.most:
            return f"{self.most}"
        rule = "any" if self.multiple == 1 else f"{self.multiple}k+{self.offset}"
        return f"{rule}, at most {self.most}" if self.most else rule


ANY, FOUR, SIX, EIGHT = FrameRule(), FrameRule(4, 1), FrameRule(6, 1), FrameRule(8, 1)


@dataclass(frozen=True)
class Part:
    """A component that lies in a repository of its own."""

    repo: str
    kind: str
    """Its class in diffusers."""
    revision: str = "main"


@dataclass(frozen=True)
class LocalModel:
    """A row: where a model lies, and what a clip of it takes when nobody says otherwise."""

    repo: str
    licence: str
    frames: int | None = None
    """None, as in every field below: the pipeline's own default."""
    fps: float = 8.0
    height: int | None = None
    width: int | None = None
    steps: int | None = None
    guidance: float | None = None
    rule: FrameRule = ANY
    dtype: str = "float16"
    dtypes: Mapping[str, str] = field(default_factory=dict)
    """Components that need another type than `dtype`."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    pipeline: str = "DiffusionPipeline"
    """The class in diffusers; DiffusionPipeline is the one that the repository names."""
    revision: str = "main"
    memory_gb: float | None = None
    """GPU memory for a clip by default with everything on the GPU; None: not known."""
    reported_gb: float | None = None
    """The same as makers or users report it, who may have tiled pictures or had parts wait in main memory."""
    restriction: str = ""
    """What the licence forbids, in a few words."""
    arguments: Json = field(default_factory=dict)
    """Further arguments of the call."""
    architecture: str | None = None
    """The file in architectures/ that --weights random builds it from."""
    operations: float | None = None
    """Floating-point operations of a clip by default, denoiser and decoder; tools/count_operations.py counts them."""


SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
OPENRAIL = "CreativeML OpenRAIL-M"
RAIL_USES = "forbids the uses listed in its attachment A"
TENCENT = "not in the EU, the UK or South Korea"
LTX = "LTX open weights licence"
COGVIDEOX = "CogVideoX licence"

# CogVideoX is said to make 4k+1 frames, but its decoder takes latents in pairs: 5 frames come out as 8, 9 as 9.
DIFFUSERS: dict[str, LocalModel] = {
    "modelscope": LocalModel(
        "ali-vilab/text-to-video-ms-1.7b", "CC-BY-NC-4.0", 16, 8.0, 256, 256, 50, 9.0,
        pipeline="TextToVideoSDPipeline", memory_gb=5.9, restriction=NON_COMMERCIAL,
        architecture="modelscope", operations=4.99e14,
    ),
    "zeroscope": LocalModel(
        "cerspense/zeroscope_v2_576w", "CC-BY-NC-4.0", 24, 8.0, 320, 576, 40, 9.0,
        pipeline="TextToVideoSDPipeline", memory_gb=12.8, restriction=NON_COMMERCIAL, architecture="modelscope",
        operations=1.75e15,
    ),
    "wan2.1-1.3b": LocalModel(
        "Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "Apache-2.0", 81, 16.0, 480, 832, 50, 5.0, FOUR, "bfloat16",
        {"vae": "float32"}, memory_gb=24.2, architecture="wan", operations=2.86e16,
    ),
    "wan2.2-5b": LocalModel(
        "Wan-AI/Wan2.2-TI2V-5B-Diffusers", "Apache-2.0", 121, 24.0, 704, 1280, 50, 5.0, FOUR, "bfloat16",
        {"vae": "float32"}, reported_gb=24,
    ),
    "ltx-video": LocalModel(
        "Lightricks/LTX-Video", LTX, 161, 24.0, 512, 704, 50, 3.0, EIGHT, "bfloat16", memory_gb=20.1,
        restriction="see its licence", architecture="ltx-video", operations=3.76e15,
    ),
    "ltx-2": LocalModel(
        "Lightricks/LTX-2", LTX, 121, 24.0, 512, 768, 30, 3.0, EIGHT, "bfloat16", restriction="see its licence",
    ),
    "cogvideox-2b": LocalModel(
        "zai-org/CogVideoX-2b", "Apache-2.0", 49, 8.0, 480, 720, 50, 6.0, EIGHT, architecture="cogvideox-2b",
        operations=1.23e16,
    ),
    "cogvideox-5b": LocalModel(
        "zai-org/CogVideoX-5b", COGVIDEOX, 49, 8.0, 480, 720, 50, 6.0, EIGHT, "bfloat16", memory_gb=37,
        restriction="see its licence", architecture="cogvideox-5b", operations=3.35e16,
    ),
    "cogvideox-1.5-5b": LocalModel(
        "zai-org/CogVideoX1.5-5B", COGVIDEOX, 81, 16.0, 768, 1360, 50, 6.0, EIGHT, "bfloat16", reported_gb=33,
        restriction="see its licence",
    ),
    "mochi": LocalModel(
        "genmo/mochi-1-preview", "Apache-2.0", 85, 30.0, 480, 848, 64, 4.5, SIX, "bfloat16", memory_gb=95.7,
        architecture="mochi",
    ),
    "hunyuan-video": LocalModel(
        "hunyuanvideo-community/HunyuanVideo", "Tencent Hunyuan community licence", 129, 24.0, 720, 1280, 50, 6.0, FOUR,
        "bfloat16", {"vae": "float16"}, reported_gb=60, restriction=TENCENT, architecture="hunyuan-video",
    ),
    "hunyuan-video-1.5": LocalModel(
        "hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_t2v", "Tencent Hunyuan community licence", 121, 24.0,
        480, 832, 50, 6.0, FOUR, "bfloat16", reported_gb=14, restriction=TENCENT,
    ),
    "animatediff": LocalModel(
        SD15, f"{OPENRAIL}; motion adapter: see its page", 16, 8.0, 512, 512, 50, 7.5,
        parts={"motion_adapter": Part("guoyww/animatediff-motion-adapter-v1-5-2", "MotionAdapter")},
        pipeline="AnimateDiffPipeline", rule=FrameRule(most=32), memory_gb=12.6, restriction=RAIL_USES,
        architecture="animatediff", operations=1.81e15,
    ),
    "latte": LocalModel(
        "maxin-cn/Latte-1", "Apache-2.0", 16, 8.0, 512, 512, 50, 7.5, FrameRule(16, 0, 16), architecture="latte",
        operations=3.48e15, memory_gb=19.4,
    ),
}  # fmt: skip

IMAGE_MODELS: dict[str, LocalModel] = {
    "sd-1.5": LocalModel(
        SD15, OPENRAIL, 8, 4.0, 512, 512, 50, 7.5, pipeline="StableDiffusionPipeline", memory_gb=3.3,
        restriction=RAIL_USES, architecture="stable-diffusion", operations=6.63e14,
    ),
    "sdxl": LocalModel(
        SDXL, "CreativeML OpenRAIL++-M", 8, 4.0, 1024, 1024, 50, 7.5, dtypes={"vae": "float32"},
        pipeline="StableDiffusionXLPipeline", restriction=RAIL_USES,
        architecture="stable-diffusion-xl", operations=5.49e15, memory_gb=12.4,
    ),
}  # fmt: skip
