"""What clips will take of this machine: memory by the table, time by operations over a short probe of its speed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

from bench.backends.local.placing import GIB, fitting, free_bytes, pick_device
from bench.backends.local.table import LocalModel
from bench.records import Load

PROBE_SIDE = 1024
PROBE_SECONDS = 0.3
PRODUCTS = 4  # between two looks at the clock
HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class Estimate:
    """What one model takes, and what should be known before it runs."""

    load: Load
    notes: tuple[str, ...]


def estimate(name: str, row: LocalModel, clips: int, device: str, here: bool) -> Estimate:
    """Memory, time and disk of that many clips of a row on the device asked for."""
    place = _device_there(device)
    seconds = _seconds_a_clip(row, place)
    source = f"at least, by {_rate(place, row.dtype) / 1e12:.2g} TFLOP/s measured on {place}" if seconds else ""
    size = row.frames, row.width, row.height, row.steps
    load = Load(name, clips, *size, row.memory_gb, seconds, _disk_gb(row, clips), source)
    return Estimate(load, tuple(f"{name}: {note}" for note in _notes(row, place, here)))


def _device_there(device: str) -> str:
    return "cpu" if (found := pick_device(device)) is None else found


def _notes(row: LocalModel, place: str, here: bool) -> list[str]:
    licence = f"{row.licence}, {row.restriction}" if row.restriction else row.licence
    notes = [f"licence: {licence}"]
    if not here:
        notes.append(f"weights of {row.repo} are not on this machine: the first run fetches them")
    free = free_bytes(place)
    if free is None:
        notes.append("torch finds no GPU here" if place == "cpu" else f"memory of {place} is not known")
    elif row.memory_gb and row.memory_gb * GIB > free:
        notes.append(
            f"{free / GIB:.0f} GB of GPU memory are free and {row.memory_gb:g} wanted: parts will wait in main memory, "
            f"which is slower; these fit: {', '.join(fitting(free)) or 'none of the table'}"
        )
    return notes


def cpu_advice(row: LocalModel, clips: int) -> str:
    """What to do without a GPU: how long it takes on the CPU, or that nobody knows."""
    seconds = _seconds_a_clip(row, "cpu")
    if seconds is None:
        return "run on a machine with one, or add --device cpu, which takes hours a clip"
    return (
        f"run on a machine with one, or add --device cpu, which takes at least {spoken(seconds)} a clip and "
        f"{spoken(seconds * clips)} for {clips}"
    )


def spoken(seconds: float) -> str:
    """A duration for people.

    >>> spoken(30), spoken(600), spoken(9000), spoken(300000)
    ('30 s', '10 min', '2.5 h', '3.5 days')
    """
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 2 * HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.2g} h" if seconds < 2 * DAY else f"{seconds / DAY:.2g} days"


def _seconds_a_clip(row: LocalModel, device: str) -> float | None:
    """Operations over speed. No device reaches its speed at products of matrices, so it takes at least that long."""
    return None if row.operations is None else row.operations / _rate(device, row.dtype)


def _disk_gb(row: LocalModel, clips: int) -> float | None:
    """Uncompressed size: lossless files are smaller."""
    if row.frames is None or row.height is None or row.width is None:
        return None
    return clips * row.frames * row.height * row.width * 3 / 1e9


@cache
def _rate(device: str, dtype: str) -> float:
    """Floating-point operations a second of the device at products of matrices, the best of a moment."""
    import torch

    kind = torch.float32 if device == "cpu" else getattr(torch, dtype)
    left = torch.ones(PROBE_SIDE, PROBE_SIDE, device=device, dtype=kind)
    right = left.clone()
    torch.mm(left, right)
    best, started = float("inf"), time.perf_counter()
    while (begun := time.perf_counter()) - started < PROBE_SECONDS or best == float("inf"):
        for _ in range(PRODUCTS):
            torch.mm(left, right)
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begun)
    return PRODUCTS * 2 * PROBE_SIDE**3 / best
