"""trend: one model's versions, oldest first -> has it got worse? May be asked after every version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.records import FrameholdError
from bench.resampling import generator
from bench.sequential import History, Sequential, VersionRow, sequential_test
from bench.stages import check_alpha, check_horizon
from bench.stages.pair import Contender, Key, differences, open_contender
from bench.stages.seal import unsealed_notes
from bench.summary import SEED, Judged, common_horizon, summarize_clips
from bench.survival import Floats


def trend(
    places: Sequence[str], *, horizon: int | None = None, alpha: float = 0.05, allow_different: bool = False
) -> History:
    """The history of RUN or RUN:MODEL, oldest first. Raises FrameholdError when they cannot be one series."""
    check_alpha(alpha)
    check_horizon(horizon)
    if len(places) < 2:
        raise FrameholdError("a history needs two versions or more: name their runs, oldest first")
    versions = [open_contender(place) for place in places]
    differing = {place: found for place, each in zip(places, versions, strict=True)
                 if (found := differences(versions[0].run, each.run))}  # fmt: skip
    if differing and not allow_different:
        place, found = next(iter(differing.items()))
        raise FrameholdError(
            f"{place} differs from {places[0]} in {', '.join(found)}: begin a new series with it, or pass "
            "--allow-different"
        )
    spec = versions[0].run.spec
    labelled = [clip for each in versions for clip in _judged(each).values()]
    until = horizon or spec.horizon or spec.suite.horizon or common_horizon(labelled)[0]
    keys = sorted(set.intersection(*(set(each.rows) for each in versions)))
    if not keys:
        raise FrameholdError("these runs have no prompt and seed that all of them were asked for")
    values = _means(versions, keys, until)
    told = sequential_test(values, generator(SEED, "history"), alpha)
    rows = [_row(each, until, told, number) for number, each in enumerate(versions)]
    notes = [f"{place} differs from {places[0]} in {', '.join(found)}." for place, found in differing.items()]
    notes += unsealed_notes(each.run.folder for each in versions)
    return History(
        suite=f"{spec.suite.name}-v{spec.suite.version}",
        horizon=until,
        alpha=alpha,
        limit=told.limit,
        versions=tuple(rows),
        alarm=told.alarm,
        clips_used=len(keys),
        notes=tuple(notes),
    )


def _judged(each: Contender) -> dict[Key, Judged]:
    """The holds of a version by prompt and seed."""
    judged = each.run.judged
    return {key: judged[row.clip_id] for key, row in each.rows.items() if row.clip_id in judged}


def _means(versions: Sequence[Contender], keys: Sequence[Key], horizon: int) -> Floats:
    """(versions, prompts): mean of min(held, horizon) over the seeds that are there, NaN where none is.

    A clip that ended unbroken before the horizon counts as it is: the same for every version of one length.
    """
    prompts = {prompt: number for number, prompt in enumerate(sorted({prompt for prompt, _ in keys}))}
    table = np.full((len(versions), len(prompts)), np.nan)
    for number, each in enumerate(versions):
        held: dict[str, list[float]] = {}
        judged = _judged(each)
        for key in keys:
            if key in judged:
                held.setdefault(key[0], []).append(min(judged[key].hold.held_frames, horizon))
        for prompt, frames in held.items():
            table[number, prompts[prompt]] = float(np.mean(frames))
    return table


def _row(each: Contender, horizon: int, told: Sequential, number: int) -> VersionRow:
    clips = list(_judged(each).values())
    if not clips:
        raise FrameholdError(f"{each.run.folder.root}: every clip of {each.model} is missing: leave this version out")
    block = summarize_clips(clips, horizon, 1.0, each.run.draws)["frames_held"]
    return VersionRow(
        run=str(each.run.folder.root),
        model=each.model,
        frames_held=block["value"],
        low=block["low"],
        high=block["high"],
        clips=len(each.rows),
        missing=len(each.rows) - len(clips),
        p=float(told.p_values[number]),
        evidence=float(told.evidence[number]),
    )
