"""Which device, and what of a model waits in main memory, chosen from the memory that is free."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.backends.local.libraries import LOG
from bench.backends.local.settings import OFFLOADS, Offload
from bench.backends.local.table import DIFFUSERS, IMAGE_MODELS, LocalModel
from bench.records import FrameholdError

if TYPE_CHECKING:
    from filelock import FileLock

GIB = 2**30
ENCODERS = "text_encoder"  # how the names of components begin that are done before the pictures are
SLACK = 1.1  # of the weights, for what lies beside them when nobody has measured more
_claims: list[FileLock] = []


def gpu_count(wanted: str) -> int:
    """How many GPUs generate side by side: one worker each. At least 1, also where there is none."""
    import torch

    return max(1, torch.cuda.device_count()) if wanted in {"auto", "cuda"} else 1


def pick_device(wanted: str, claim: bool = False) -> str | None:
    """The device asked for, `auto` taking the best there is; None where it is not there.

    With `claim` no other process of framehold will take that GPU while this one lives, unless all are taken.
    """
    import torch

    if wanted in {"auto", "cuda"} and torch.cuda.is_available():
        return f"cuda:{_claimed_gpu() if claim else _freest_gpu()}"
    if wanted in {"auto", "mps"} and torch.backends.mps.is_available():
        return "mps"
    return "cpu" if wanted == "cpu" else None


@cache
def _claimed_gpu() -> int:
    """A GPU that no other process of framehold on this machine has; else the one with most free memory."""
    import torch
    from filelock import FileLock, Timeout

    folder = Path(tempfile.gettempdir()) / f"framehold-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    folder.mkdir(exist_ok=True)
    for index in range(torch.cuda.device_count()):
        name = str(getattr(torch.cuda.get_device_properties(index), "uuid", index))
        lock = FileLock(folder / f"gpu-{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _claims.append(lock)  # held until this process ends
        return index
    return _freest_gpu()


def _freest_gpu() -> int:
    import torch

    return max(range(torch.cuda.device_count()), key=lambda index: torch.cuda.mem_get_info(index)[0])


def free_bytes(device: str) -> int | None:
    """Free memory of a GPU; None for other devices, whose memory pages."""
    import torch

    if not device.startswith("cuda"):
        return None
    free: int = torch.cuda.mem_get_info(device)[0]
    return free


# ---- offload -----------------------------------------------------------------------------------------------------


def choose_offload(free: int | None, sizes: Mapping[str, int], row: LocalModel) -> Offload:
    """The least offload whose need fits into the free bytes. `sizes` are those of the components' weights, by name.

    Raises FrameholdError with what is needed when none fits.

    >>> row, sizes = LocalModel("a/b", "", memory_gb=10.0), {"text_encoder": 6 * GIB, "unet": 2 * GIB}
    >>> [choose_offload(int(gb * GIB), sizes, row) for gb in (12, 9, 4)]
    ['none', 'model', 'sequential']
    """
    if free is None:
        return "none"
    total = sum(sizes.values())
    need = max(row.memory_gb * GIB if row.memory_gb else 0, total * SLACK)
    working = need - total  # what a clip takes beside the weights; text encoders have gone by then
    at_work = max((size for name, size in sizes.items() if not name.startswith(ENCODERS)), default=0)
    needs: dict[Offload, float] = {
        "none": need,
        "model": max((*sizes.values(), at_work + working)),
        "sequential": working + GIB,
    }
    for offload in OFFLOADS:
        if needs[offload] <= free:
            return offload
    raise FrameholdError(
        f"{row.repo} needs {needs['sequential'] / GIB:.1f} GB of GPU memory even with all weights waiting in main "
        f"memory, and {free / GIB:.1f} GB are free: ask for less with --set tiling=true, frames=, height= or width=, "
        f"or for a smaller model; these fit whole: {', '.join(fitting(free)) or 'none of the table'}"
    )


def fitting(free: int) -> list[str]:
    """Models of the table that fit whole into that many bytes.

    >>> fitting(9 * GIB)
    ['modelscope', 'sd-1.5']
    """
    rows = {**DIFFUSERS, **IMAGE_MODELS}
    return [name for name, row in rows.items() if row.memory_gb and row.memory_gb * GIB <= free]


def place(pipe: Any, device: str, row: LocalModel, wanted: str) -> Offload:
    """Put a pipeline on the device, with as much offload as its free memory asks for; what was done."""
    sizes = {name: _weight_bytes(module) for name, module in _modules(pipe).items()}
    free = free_bytes(device)
    offload: Offload = choose_offload(free, sizes, row) if wanted == "auto" else wanted  # type: ignore[assignment]
    if device == "cpu":
        offload = "none"
    offload_more(pipe, device, offload)
    told = "" if free is None else f", {free / GIB:.1f} GB were free"
    LOG.info(
        "%s on %s: %.1f GB of weights%s, offload: %s", row.repo, device, sum(sizes.values()) / GIB, told, offload
    )  # fmt: skip
    return offload


def offload_more(pipe: Any, device: str, offload: Offload) -> None:
    """Bring a pipeline to that offload, whatever it had."""
    pipe.remove_all_hooks()
    if offload == "none":
        pipe.to(device)
        return
    pipe.to("cpu")
    release(device)
    if offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)
    vae = getattr(pipe, "vae", None)
    if vae is not None and hasattr(vae, "enable_slicing"):  # a picture or a clip at a time: the same numbers
        vae.enable_slicing()


def _modules(pipe: Any) -> dict[str, Any]:
    import torch

    return {name: module for name, module in pipe.components.items() if isinstance(module, torch.nn.Module)}


def _weight_bytes(module: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())


def release(device: str) -> None:
    """Give memory that nothing holds any more back to the device."""
    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def out_of_memory() -> tuple[type[BaseException], ...]:
    """What is raised when a device, or main memory, is full."""
    import torch

    return (torch.OutOfMemoryError, MemoryError)
