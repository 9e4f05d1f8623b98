"""doctor: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from bench.backends import BACKENDS, open_backend
from bench.networks import EXAMPLE_CLIP, WeightsAbsent, find_clip
from bench.records import FrameholdError
from bench.signals import PROFILES
from bench.stages.calibrate import has_calibration, load_calibration, no_calibration
from bench.video import codecs

Status = Literal["ok", "missing", "optional"]
PACKAGES = (
    "av", "numpy", "opencv-python", "open_clip_torch", "pandas", "pyarrow", "scipy", "timm", "torch", "torchvision"
)  # fmt: skip
EXTRAS = {  # distribution: module, extra
    "accelerate": ("accelerate", "diffusers"),
    "diffusers": ("diffusers", "diffusers"),
    "ray": ("ray", "ray"),
    "transformers": ("transformers", "transformers"),
    "runwayml": ("runwayml", "hosted"),
    "openai": ("openai", "hosted"),
    "google-genai": ("google.genai", "hosted"),
    "fal-client": ("fal_client", "hosted"),
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report. `advice` is what to do, empty where nothing is."""

    subject: str
    status: Status
    detail: str
    advice: str = ""


def examine(clip_model: str | None = None) -> list[Finding]:
    """Versions, GPU, codecs, networks and calibrations; downloads nothing."""
    clip = _clip(clip_model or EXAMPLE_CLIP)
    return [*_machine(), *_packages(), *_codecs(), *_profiles(), *_networks(), clip]


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    findings = [
        Finding(
            "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {cores} cores"
        )
    ]
    if importlib.util.find_spec("torch") is None:
        return findings
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        return [*findings, Finding("gpu", "ok", names)]
    advice = "only generating with large models needs one; the light profile scores on the CPU"
    return [*findings, Finding("gpu", "optional", "none that torch can use", advice)]


def _packages() -> list[Finding]:
    findings = []
    for name in ("framehold", *PACKAGES):
        try:
            findings.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "missing", "not installed", "pip install framehold"))
    for name, (module, extra) in EXTRAS.items():
        if _is_there(module):
            findings.append(Finding(name, "ok", version(name)))
        else:
            findings.append(Finding(name, "optional", "not installed", f'pip install "framehold[{extra}]"'))
    return findings


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that the module would be in
        return False


def _codecs() -> list[Finding]:
    there = codecs()
    findings = [Finding("codecs", "ok", ", ".join(name for name, found in there.items() if found))]
    if absent := [name for name, found in there.items() if not found]:
        advice = "reinstall PyAV from its wheel: pip install --force-reinstall av"
        findings.append(Finding("codecs", "missing", ", ".join(absent), advice))
    return findings


def _profiles() -> list[Finding]:
    findings = []
    for name, profile in PROFILES.items():
        if not has_calibration(profile):
            findings.append(Finding(f"profile {name}", "optional", "no calibration", no_calibration(profile)))
            continue
        try:
            calibration, mark = load_calibration(name)
        except FrameholdError as error:
            findings.append(Finding(f"profile {name}", "missing", "no calibration", str(error)))
            continue
        rates = ", ".join(
            f"{rate.fps:g} fps: {rate.frames} frames, {len(rate.scores)} sources" for rate in calibration.classes
        )
        findings.append(Finding(f"profile {name}", "ok", f"calibration {mark[:12]} at {calibration.alpha:g} ({rates})"))
    return findings


def _networks() -> list[Finding]:
    """What the profiles need beside what comes with framehold."""
    if importlib.util.find_spec("torch") is None:
        return []
    from bench.dense import find_dense

    findings = []
    for name in dict.fromkeys(name for profile in PROFILES.values() for name in profile.networks):
        try:
            weights = find_dense((name,), offline=True)[name]
        except WeightsAbsent as error:
            advice = str(error).partition("; ")[2]
            findings.append(Finding(f"network {name}", "optional", "not on this machine", advice))
        except FrameholdError as error:
            findings.append(Finding(f"network {name}", "missing", "cannot be used", str(error)))
        else:
            findings.append(Finding(f"network {name}", "ok", f"{weights.path} (sha256 {weights.sha256[:12]})"))
    return findings


def _clip(name: str) -> Finding:
    try:
        weights = find_clip(name, offline=True)
    except WeightsAbsent as error:
        return Finding(f"CLIP {name}", "optional", "not on this machine", str(error).partition("; ")[2] or str(error))
    return Finding(f"CLIP {name}", "ok", f"{weights.path} (sha256 {weights.sha256[:12]})")


@dataclass(frozen=True)
class BackendLine:
    """One backend as `framehold backends` lists it."""

    name: str
    about: str
    models: tuple[str, ...]


def list_backends() -> list[BackendLine]:
    """Every registered backend with the models it can be asked for."""
    lines = []
    for name in BACKENDS:
        if name == "folder":
            lines.append(BackendLine(name, "videos that exist already: --clips DIR [--model NAME]", ()))
            continue
        backend = open_backend(name, {})
        about = (type(backend).__doc__ or "").strip().splitlines()[0]
        lines.append(BackendLine(name, about, backend.models()))
    return lines
