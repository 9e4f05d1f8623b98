"""run: the whole way, from a request to the summary."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from bench.backends import BACKENDS, open_backend
from bench.backends.local.asking import downloading, spell_out
from bench.backends.local.backend import LocalBackend
from bench.backends.procedural.behaviours import DEFAULT_MODELS
from bench.extractors import EXTRACTORS
from bench.networks import check_clip_name
from bench.records import FrameholdError, MissingRule, Source, Spec, Suite, slug
from bench.run_folder import RunFolder
from bench.signals import open_profile
from bench.stages import Crew, check_horizon
from bench.stages.align import SWITCHED_OFF, check_asked, default_clip
from bench.stages.calibrate import load_calibration
from bench.stages.equip import about_networks, find_networks
from bench.stages.generate import generate, plan_jobs
from bench.stages.score import score, scoring_ahead
from bench.stages.summarize import summarize
from bench.suite import load_suite

RECORDED = ("framehold", "av", "numpy", "opencv-python", "pyarrow", "scipy")
DEFAULT_SUITE = "quick"
RESULTS = Path("results")


def plan_run(
    suite: str | None = None,
    backends: Sequence[str] = (),
    clips: str | None = None,
    model: str | None = None,
    *,
    profile: str = "light",
    clip_model: str | None = None,
    calibration: str | None = None,
    horizon: int | None = None,
    reference: str | None = None,
    features: str = "embedded",
    missing: str = "left-out",
) -> Spec:
    """The request of a run. `backends` are names, or `name/model` for one of its models; `clips` is a folder or file.

    Alignment is seen by `clip_model`, else by the embedded CLIP where it knows pictures and a prompt; `none` by none.
    Raises FrameholdError naming the option that cannot be.
    """
    backends = [spell_out(name) for name in backends]
    if backends and clips:
        raise FrameholdError("--backend and --clips exclude each other: make two runs and compare them")
    if model and not clips:
        raise FrameholdError(
            "--model names the clips of --clips DIR; to choose models of a backend, use --backend NAME/MODEL"
        )
    check_horizon(horizon)
    open_profile(profile)
    if clip_model not in {None, SWITCHED_OFF}:
        check_clip_name(str(clip_model))
    if reference and not Path(reference).is_dir():
        raise FrameholdError(f"--reference {reference}: no such folder of real footage")
    if features not in EXTRACTORS:
        raise FrameholdError(f"--features {features}: choose from {', '.join(EXTRACTORS)}")
    if clips:
        options = {"path": str(Path(clips).resolve()), "model": model}
        sources: tuple[Source, ...] = (Source("folder", options),)
        chosen = load_suite(suite) if suite else Suite(slug(Path(clips).resolve().name), 1, ())
    else:
        sources = _sources(backends or DEFAULT_MODELS)
        chosen = load_suite(suite or DEFAULT_SUITE)
    if clip_model is None:
        clip_model = default_clip(chosen, sources)
    elif clip_model == SWITCHED_OFF:
        clip_model = None
    else:
        check_asked(clip_model, chosen)
    _, mark = load_calibration(profile, calibration, clip_model)
    return Spec(
        suite=chosen,
        sources=sources,
        profile=profile,
        clip_model=clip_model,
        calibration=str(Path(calibration).resolve()) if calibration else None,
        calibration_sha256=mark,
        horizon=horizon,
        reference=str(Path(reference).resolve()) if reference else None,
        features=features,
        missing=_missing_rule(missing),
        versions={name: version(name) for name in RECORDED} | about_networks(profile),
        machine={"system": platform.system(), "processor": platform.machine(), "python": platform.python_version()},
    )


def _missing_rule(text: str) -> MissingRule:
    for rule in get_args(MissingRule):
        if text == rule:
            found: MissingRule = rule
            return found
    raise FrameholdError(f"--missing {text}: choose from {', '.join(get_args(MissingRule))}")


def _sources(backends: Sequence[str]) -> tuple[Source, ...]:
    """Backends with the models asked of each, in the order they were named first."""
    asked: dict[str, list[str]] = {}
    for name in backends:
        backend, slash, _ = name.partition("/")
        known = slash and name not in BACKENDS and ":" not in name
        asked.setdefault(backend if known else name, []).extend([name] if known else [])
    for backend, models in asked.items():
        if backend == "folder":
            raise FrameholdError("the folder backend is used with --clips DIR")
        opened = open_backend(backend, {})
        if isinstance(opened, LocalBackend):
            for model in models:
                opened.check_model(model.removeprefix(f"{backend}/"))
            continue
        available = opened.models()
        if unknown := [model for model in models if model not in available]:
            raise FrameholdError(f"--backend {unknown[0]}: {backend} has {', '.join(available)}")
    return tuple(Source(backend, {}, tuple(models)) for backend, models in asked.items())


def default_out(spec: Spec) -> Path:
    """Where a run goes when nobody says: results/SUITE, or results/ and the name of the folder of clips."""
    return RESULTS / slug(spec.suite.name)


def run_all(
    run: RunFolder, spec: Spec, crew: Crew, *, offline: bool = False, max_cost_usd: float = 0.0
) -> dict[str, Any]:
    """Generate, score and summarize; what is done already is not done again.

    Where a run was judged by other thresholds before, a note of the summary that is returned says so.
    """
    find_networks(spec.profile, offline)  # and what cannot be scored is not generated
    with downloading(not offline):
        plan_jobs(run.root, spec, max_cost_usd)  # before anything is written: what cannot be leaves no folder
        before = run.spec().calibration_sha256 if run.summary_path.exists() else spec.calibration_sha256
        run.begin(spec)
        with run.locked():
            with scoring_ahead(run, offline) as ahead:
                generate(run, crew, max_cost_usd, ahead if crew.workers > 1 else None)
            score(run, crew, offline)
            summary = summarize(run, crew, offline=offline)
    if before not in {"", spec.calibration_sha256}:
        summary["notes"].append(
            f"Judged anew by calibration {spec.calibration_sha256[:12]}; before it was {before[:12]}."
        )
    return summary


def workers_or_cores(workers: int) -> int:
    """The number of workers asked for; 0 means a worker for each core this process may use."""
    if workers < 0:
        raise FrameholdError(f"--workers {workers}: expected 1 or more, or 0 for all cores")
    return (
        workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or os.cpu_count() or 1
    )
