"""rank: summarized runs -> one table over many models. A model that breaks a rule is named, not ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np

from bench.comparison import Horizons, stand_in
from bench.ranking import Entry, Leaderboard, Place, rank_models
from bench.records import FrameholdError, Json
from bench.run_folder import RunFolder
from bench.stages import Crew, check_horizon
from bench.stages.admit import RULES, Submission, admit
from bench.stages.pair import differences
from bench.stages.redraw import HeldRun, redraw
from bench.stages.seal import unsealed_notes
from bench.summary import (
    REPLICATES,
    common_horizon,
    holds_of,
    over_prompts,
    reality_notes,
    resampled_means,
    summarize_clips,
    summarize_references,
    watched_until,
)
from bench.survival import Floats, restricted_mean


def rank(runs: Sequence[Path], crew: Crew, *, horizon: int | None = None, rules: bool = True) -> Leaderboard:
    """Rank every model of the runs that keeps the rules; the first run says which suite, profile and calibration.

    Raises FrameholdError when a run cannot be read or no model is left.
    """
    if not runs:
        raise FrameholdError("name at least one run")
    check_horizon(horizon)
    held = [redraw(RunFolder(path)) for path in runs]
    admitted, rejected = admit(held, crew, rules)
    spec = held[0].spec
    declared = horizon or spec.horizon or spec.suite.horizon
    shortest, seconds = common_horizon([clip for one in admitted for clip in one.labelled()], declared)
    asked = declared or shortest
    reach, seconds = watched_until([one.judged for one in admitted], asked, seconds)
    numbers: dict[str, Json] = {}
    for done, one in enumerate(admitted):
        crew.progress("rank", done, len(admitted))
        numbers[one.label] = summarize_clips(one.labelled(), reach, seconds, one.run.draws)
    crew.progress("rank", len(admitted), len(admitted))
    values = {label: float(block["frames_held"]["value"]) for label, block in numbers.items()}
    prompts = len({clip.prompt_id for one in admitted for clip in one.judged})
    places, pairs = rank_models(values, _replicates(admitted, reach), prompts)
    entries = [_entry(one, places[one.label], numbers[one.label], reach) for one in admitted]
    references = _references(admitted, held[0], reach, seconds)
    return Leaderboard(
        suite=f"{spec.suite.name}-v{spec.suite.version}",
        suite_sha256=spec.suite.sha256,
        profile=f"{held[0].calibration.profile}-{held[0].calibration.profile_version}",
        calibration=held[0].calibration_mark,
        horizon=reach,
        horizon_seconds=seconds,
        prompts=prompts,
        entries=tuple(sorted(entries, key=lambda entry: (-values[entry.label], entry.label))),
        references=references,
        rejected=tuple(rejected),
        pairs=tuple(pairs),
        rules=tuple(RULES) if rules else (),
        notes=(*_notes(admitted, held[0], asked, reach, rules), *reality_notes(references, reach)),
    )


def _replicates(admitted: Sequence[Submission], horizon: int) -> dict[str, Floats]:
    """Frames held of every model in every replicate: prompts and thresholds drawn together, unseen clips apart."""
    found = {}
    for one in admitted:
        clips = one.labelled()
        weights, unseen = over_prompts(clips, REPLICATES)
        found[one.label] = resampled_means(clips, np.ones(len(clips)), horizon, one.run.draws, weights, unseen)
    return found


def _entry(one: Submission, place: Place, numbers: Json, horizon: int) -> Entry:
    by_metric: dict[str, list[float]] = {}
    for row in one.rows:
        for metric, value in one.run.metrics.get(row.clip_id, {}).items():
            if math.isfinite(value):
                by_metric.setdefault(metric, []).append(value)
    costs = [row.cost_usd for row in one.rows if row.cost_usd is not None]
    missing = sum(row.clip_id in one.run.missing for row in one.rows)
    filled = [*one.judged, *(stand_in(one.judged[0], False, Horizons(horizon, 0.0)) for _ in range(missing))]
    return Entry(
        label=one.label,
        model=one.model,
        run=str(one.run.folder.root),
        place=place,
        numbers=numbers,
        metrics={metric: fmean(values) for metric, values in sorted(by_metric.items())},
        clips=len(one.rows),
        missing=missing,
        frames_held_if_missing_broke=restricted_mean(*holds_of(filled), horizon),
        cost_usd=sum(costs) if costs else None,
    )


def _references(admitted: Sequence[Submission], standard: HeldRun, horizon: int, seconds: float) -> Mapping[str, Json]:
    clips = [clip for one in admitted for clip in one.judged]
    moves = {row.prompt_id: row.moves for one in admitted for row in one.rows}
    return summarize_references(clips, moves, standard.calibration.classes, horizon, seconds)


def _notes(admitted: Sequence[Submission], standard: HeldRun, asked: int, reach: int, rules: bool) -> list[str]:
    notes = []
    if reach < asked:
        notes.append(f"A horizon of {asked} frames was asked for; the shortest model's clips end at {reach}.")
    if not rules:
        notes.append("The rules of a leaderboard were not checked.")
    notes += [
        f"{one.label} has another {', '.join(differing)}: its row cannot be compared with the others."
        for one in admitted
        if (differing := differences(standard, one.run))
    ]
    notes += unsealed_notes(one.run.folder for one in admitted)
    rates = {round(median(clip.fps for clip in one.judged), 2) for one in admitted}
    if len(rates) > 1:
        notes.append(
            f"The models run at {', '.join(f'{fps:g}' for fps in sorted(rates))} frames a second: the same number of "
            "frames is not the same time. Seconds held stand beside frames held."
        )
    return notes
