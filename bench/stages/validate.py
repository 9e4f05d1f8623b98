"""validate: does the hold find breaks whose frame is known? A study of known failures laid on unbroken footage."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bench.calibration import least_sources
from bench.embedded import embedded_sha256
from bench.executors import open_executor
from bench.failures import FAILURES, SEVERITIES, SHARES
from bench.failures.adversaries import ADVERSARIES, MOVING
from bench.failures.controls import CONTROLS
from bench.records import FrameholdError, Json, LeftOut, Profile, RateClass, fingerprint
from bench.run_folder import replace_text
from bench.signals import open_profile
from bench.stages import Crew
from bench.stages.calibrate import Measured, classes_from, has_calibration, load_calibration, measure_footage
from bench.stages.equip import about_networks, find_networks
from bench.stages.gather import reference_footage, unusable, world_footage
from bench.stages.miss_strips import draw_misses
from bench.stages.misses import MissSection
from bench.stages.survey import no_videos
from bench.stages.told import read_told, write_told
from bench.stages.trials import BASELINES, RATE, Break, Footage, Told, TrialJob, run_trials
from bench.validation import (
    ALWAYS_HALF,
    NEVER,
    OWN,
    Finding,
    Found,
    Trial,
    baseline_findings,
    false_alarms,
    find,
)

FOLDS = 5
ALPHA = 0.05
UNBROKEN = 20  # trials of each control and adversary: a share of few says little
LONGEST = 64  # frames of a clip that are used, fewer if the calibration knows fewer


@dataclass(frozen=True)
class Study:
    """All that a study found."""

    footage: str
    thresholds: str
    clips: int
    sources: int
    frames: int
    trials: int
    false_alarms: dict[str, Any]
    found: tuple[Found, ...]
    controls: dict[str, dict[str, Any]]
    adversaries: dict[str, dict[str, Any]]
    about: Json
    misses: tuple[MissSection, ...] = ()
    left_out: LeftOut = field(default_factory=LeftOut)


def validate(
    out: Path,
    crew: Crew,
    reference: Path | None = None,
    profile_name: str = "light",
    draws: int = 24,
    seed: int = 0,
    offline: bool = False,
    *,
    unbroken: int = UNBROKEN,
) -> Study:
    """Run the study; write validation.json and strips of the worst misses into `out`. What was judged stays judged.

    Without `reference` the clips are drawn by the procedural backend. Raises FrameholdError when there is too little.
    """
    if draws < 1:
        raise FrameholdError(f"--draws {draws}: expected at least 1 of each failure")
    if unbroken < 1:
        raise FrameholdError(f"--unbroken {unbroken}: expected at least 1 of each control")
    profile = open_profile(profile_name)
    if not reference:
        load_calibration(profile.name)  # the rule of what is drawn here: without one there is no study
    find_networks(profile.name, offline)
    footage = reference_footage(reference) if reference else world_footage()
    reasons = no_videos(Path(clip.path) for clip in footage if clip.path)
    usable = _usable(footage, reasons, reference)
    rules, thresholds, untaught = _rules(usable, profile, reference, crew, _left_out(footage, reasons))
    reasons |= untaught
    frames = min(LONGEST, *(_class_at(classes).frames for classes in rules.values()))
    usable = _usable(footage, reasons, reference)
    reasons |= unusable(usable, frames, crew)
    usable = _usable(footage, reasons, reference)
    if len({clip.source for clip in usable}) < 2:  # trials of one are mixed with another's frames
        few = f"--reference {reference}: a study needs footage of at least two sources"
        raise FrameholdError(_left_out(footage, reasons).after(few))
    jobs = _jobs(usable, rules, profile, frames, draws, max(draws, unbroken), seed)
    told, failed = _run(out, jobs, crew)
    left_out = _left_out(footage, reasons | failed)
    every = list(chain.from_iterable(told))
    study = _study(every, frames, left_out, str(reference or "procedural/steady"), thresholds, seed)
    study = replace(study, misses=tuple(draw_misses(out, jobs, told, crew)))
    replace_text(out / "validation.json", json.dumps(asdict(study), indent=1, ensure_ascii=False) + "\n")
    return study


def _left_out(footage: Sequence[Footage], reasons: Mapping[str, str]) -> LeftOut:
    """The clips with a reason, in the order of the footage."""
    return LeftOut(len(footage), {clip.name: reasons[clip.name] for clip in footage if clip.name in reasons})


def _usable(footage: Sequence[Footage], reasons: Mapping[str, str], reference: Path | None) -> list[Footage]:
    """The clips without a reason against them. Raises FrameholdError where there is none."""
    usable = [clip for clip in footage if clip.name not in reasons]
    if not usable:
        none = f"--reference {reference}: none of its clips can be used"
        raise FrameholdError(_left_out(footage, reasons).after(none))
    return usable


def _class_at(classes: Sequence[RateClass]) -> RateClass:
    return min(classes, key=lambda each: abs(each.fps - RATE))


def _rules(
    footage: Sequence[Footage], profile: Profile, reference: Path | None, crew: Crew, no_clips: LeftOut
) -> tuple[dict[str, tuple[RateClass, ...]], str, dict[str, str]]:
    """The rule that judges each source, in words whose it is, and why files taught none.

    It is never one learnt from that source.
    """
    sources = sorted({each.source for each in footage})
    if not reference or has_calibration(profile):
        shipped, _ = load_calibration(profile.name)
        known = {line.rsplit(" ", 1)[1] for line in shipped.sources}
        if not reference or not any((each.sha256 or "")[:16] in known for each in footage):
            return dict.fromkeys(sources, shipped.classes), f"those of profile {profile.name} {profile.version}", {}
    least = least_sources(ALPHA)
    if len(sources) - math.ceil(len(sources) / FOLDS) < least:  # told before any clip is measured
        few = (
            f"--reference {reference}: thresholds of profile {profile.name} are learnt for each fifth of the sources "
            f"from the others, which takes {least} others: got {len(sources)} sources in all"
        )
        raise FrameholdError(no_clips.after(few))
    measured, left_out = measure_footage(reference, profile, crew)
    order = sorted(sources, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    rules: dict[str, tuple[RateClass, ...]] = {}
    try:
        for fold in range(FOLDS):
            tested = set(order[fold::FOLDS])
            rules |= dict.fromkeys(tested, _without(measured, tested, profile))
    except ValueError as error:
        few = (
            f"--reference {reference}: there are no thresholds of profile {profile.name} that none of its clips "
            f"taught, and it is too little to learn new ones: {error}"
        )
        raise FrameholdError(left_out.after(few)) from error
    return rules, f"learnt for each source from the others, {FOLDS} folds", dict(left_out.reasons)


def _without(measured: Sequence[Measured], tested: set[str], profile: Profile) -> tuple[RateClass, ...]:
    return classes_from([each for each in measured if each.source not in tested], profile, ALPHA, checked=False)


def _jobs(
    footage: Sequence[Footage],
    rules: dict[str, tuple[RateClass, ...]],
    profile: Profile,
    frames: int,
    draws: int,
    unbroken: int,
    seed: int,
) -> list[TrialJob]:
    rng = np.random.default_rng(seed)
    breaks: list[list[Break]] = [[] for _ in footage]
    for failure in FAILURES.values():
        for severity in SEVERITIES:
            for share in SHARES if failure.local else (1.0,):
                for index in _spread(len(footage), draws, rng):
                    laid = Break(failure.name, severity, share, float(rng.random()), int(rng.integers(2**31)))
                    breaks[index].append(laid)
    controls, adversaries = (
        _laid_on(names, len(footage), unbroken, rng) for names in (CONTROLS, [MOVING, *ADVERSARIES])
    )
    jobs = []
    for number, clip in enumerate(footage):
        others = [other for other in footage if other.source != clip.source]
        other = others[int(rng.integers(len(others)))]
        job_seed = int(rng.integers(2**31))
        jobs.append(
            TrialJob(
                clip,
                other,
                frames,
                profile.name,
                rules[clip.source],
                tuple(breaks[number]),
                controls[number],
                adversaries[number],
                job_seed,
            )
        )
    return jobs


def _laid_on(names: Iterable[str], clips: int, draws: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """For each clip, the names that are tried on it."""
    tried: list[list[str]] = [[] for _ in range(clips)]
    for name in names:
        for clip in _spread(clips, draws, rng):
            tried[clip].append(name)
    return [tuple(each) for each in tried]


def _spread(clips: int, draws: int, rng: np.random.Generator) -> list[int]:
    """Which clips a failure is laid on: as many different ones as there are."""
    return [int(clip) for _ in range(0, draws, clips) for clip in rng.permutation(clips)][:draws]


def _run(out: Path, jobs: Sequence[TrialJob], crew: Crew) -> tuple[list[list[Told]], dict[str, str]]:
    """What was told of every job's trials, from the folder or by doing it, and why clips could not be judged."""
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    paths = [parts / f"{_fingerprint(job)}.json" for job in jobs]
    todo = [number for number, path in enumerate(paths) if not path.exists()]
    failed: dict[int, str] = {}
    crew.progress("validate", len(jobs) - len(todo), len(jobs))
    ended = open_executor(crew.executor)(run_trials, [jobs[number] for number in todo], crew.workers)
    for done, (index, outcome) in enumerate(ended, start=len(jobs) - len(todo) + 1):
        if outcome.result:
            write_told(paths[todo[index]], outcome.result)
        else:
            failed[todo[index]] = outcome.missing or ""
        crew.progress("validate", done, len(jobs))
    told = [[] if number in failed else read_told(path) for number, path in enumerate(paths)]
    return told, {jobs[number].footage.name: failed[number] for number in sorted(failed)}


def _fingerprint(job: TrialJob) -> str:
    networks = about_networks(job.profile)
    known = [asdict(job), open_profile(job.profile).version, embedded_sha256()]
    return fingerprint([*known, networks] if networks else known)


def _study(told: Sequence[Told], frames: int, left_out: LeftOut, footage: str, thresholds: str, seed: int) -> Study:
    trials = _with_baselines(told)
    clean = [trial for trial in trials if trial.kind == "clean"]
    if not clean:
        raise FrameholdError(f"{footage}: none of its clips can be judged; {left_out.told}")
    rng = np.random.default_rng(seed)
    found = [
        one
        for group, members in _groups(trials)
        for measure in (OWN, *BASELINES, ALWAYS_HALF, NEVER)
        if (one := find(group, members, clean, measure, rng))
    ]
    names = dict.fromkeys(trial.name for trial in trials if trial.kind == "control")
    controls = {
        name: {
            "trials": sum(t.name == name for t in trials),
            "alarms": false_alarms(_of(trials, "control", name))._asdict(),
        }
        for name in names
    }
    return Study(
        footage=footage,
        thresholds=thresholds,
        clips=len(clean),
        sources=len({trial.source for trial in clean}),
        frames=frames,
        trials=sum(trial.kind in ("abrupt", "gradual") for trial in trials),
        false_alarms={"clips": len(clean), "share": false_alarms(clean)._asdict()},
        found=tuple(found),
        controls=controls,
        adversaries=_adversaries(told),
        about={"seed": seed, "severities": SEVERITIES, "shares": list(SHARES), "networks": embedded_sha256()},
        left_out=left_out,
    )


def _of(trials: Sequence[Trial], kind: str, name: str) -> list[Trial]:
    return [trial for trial in trials if trial.kind == kind and trial.name == name]


def _with_baselines(told: Sequence[Told]) -> list[Trial]:
    curves = {
        name: [("" if each.trial.kind == "clean" else "x", np.asarray(each.baselines.get(name, ()))) for each in told]
        for name in BASELINES
    }
    found = baseline_findings(curves)
    trials = []
    for number, each in enumerate(told):
        half = each.trial.frames // 2
        findings = {name: found[name][number] for name in BASELINES}
        findings |= {ALWAYS_HALF: Finding(0.0, half, half), NEVER: Finding(0.0)}
        trials.append(replace(each.trial, findings={**each.trial.findings, **findings}))
    return trials


def _groups(trials: Sequence[Trial]) -> Iterator[tuple[str, list[Trial]]]:
    """Each failure as a whole, by share, by severity, and by both."""
    for name, failure in FAILURES.items():
        its = [trial for trial in trials if trial.name == name and trial.kind == failure.kind]
        if not its:
            continue
        yield name, its
        for severity in SEVERITIES:
            yield f"{name} | {severity}", [trial for trial in its if trial.severity == severity]
        for share in SHARES if failure.local else ():
            yield f"{name} | {share:.0%}", [trial for trial in its if trial.share == share]


def _adversaries(told: Sequence[Told]) -> dict[str, dict[str, Any]]:
    """Mean share of the clip held, and the share of clips said to hold to the end; moving footage beside them."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(each.trial.name for each in told if each.trial.kind == "adversary"):
        its = [each for each in told if each.trial.kind == "adversary" and each.trial.name == name]
        held = [each.held_share for each in its]
        whole = sum(share >= 1 for share in held)
        found[name] = {"trials": len(its), "held_share": float(np.mean(held)), "held_to_end": whole / len(its)}
    return found
