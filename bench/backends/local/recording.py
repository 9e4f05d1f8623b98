"""What a clip's row holds so that the clip can be made again."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from bench.backends.local.adapter import Pictures
from bench.backends.local.settings import LocalSettings
from bench.backends.local.table import LocalModel
from bench.records import ClipRequest

VERSIONS = ("accelerate", "diffusers", "safetensors", "torch", "transformers")


def request_facts(
    row: LocalModel,
    frames_asked: int | None,
    pictures: Pictures,
    request: ClipRequest,
    settings: LocalSettings,
    dropped: dict[str, Any],
) -> dict[str, Any]:
    """The request as it was sent, and what came."""
    from bench.backends.local.backend import generator_seed

    retried = dropped.pop("retried", False)
    return {
        "prompt": request.prompt.text,
        "negative_prompt": settings.negative_prompt,
        "requested": {"frames": frames_asked, "fps": row.fps, "width": row.width, "height": row.height},
        "actual": {
            "frames": len(pictures),
            "fps": row.fps,
            "width": pictures.shape[2],
            "height": pictures.shape[1],
        },
        "steps": row.steps,
        "guidance": row.guidance,
        "arguments": dict(row.arguments),
        "dropped_arguments": dropped,
        "seed": request.key.seed,
        "generator_seed": generator_seed(request),
        "generator_device": "cpu",
        "licence": row.licence,
        **({"after_out_of_memory": True} if retried else {}),
    }


def machine_facts(pipe: Any, device: str) -> dict[str, Any]:
    """The pipeline as it was loaded, and what it ran on."""
    import torch

    modules = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
    return {
        "pipeline": type(pipe).__name__,
        "dtypes": {name: str(next(part.parameters()).dtype).removeprefix("torch.") for name, part in modules.items()},
        "scheduler": {"class": type(pipe.scheduler).__name__, **_plain(dict(pipe.scheduler.config))},
        "attention": "torch scaled_dot_product_attention",
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "versions": {name: version(name) for name in VERSIONS},
    }


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A scheduler's configuration as JSON can hold it."""
    kept = {name: value for name, value in config.items() if not name.startswith("_")}
    return {
        name: value if isinstance(value, bool | int | float | str | None) else repr(value)
        for name, value in kept.items()
    }


def reset_peak(device: str) -> None:
    """Begin to measure the memory of one clip."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)


def peak_gb(device: str) -> float | None:
    """The most GPU memory that was held since; None where nobody counts it."""
    import torch

    if not device.startswith("cuda"):
        return None
    torch.cuda.synchronize(device)
    return round(torch.cuda.max_memory_allocated(device) / 1e9, 3)
