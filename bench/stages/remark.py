"""remark: two contenders and how they were compared -> what a reader must know before trusting it, a sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from bench.comparison import Horizons
from bench.records import MissingRule, counted
from bench.stages.pair import Contender, Pairing
from bench.stages.seal import unsealed_notes
from bench.summary import Judged
from bench.verdict import Sensitivity, Unit

ENTERS = {"left-out": "left out with their partner", "broken": "counted as broken at once"}


def remarks(pairing: Pairing, horizons: Horizons, asked: int | None, unit: Unit) -> list[str]:
    """What lengths, frame rates, seeds, software and lost files did to the comparison."""
    one, other = pairing.baseline, pairing.candidate
    return [
        *_lengths(pairing, horizons, unit),
        *_horizons(one, other, horizons, asked),
        *_unpaired(pairing),
        *_absent(one, other),
        *unsealed_notes(side.run.folder for side in (one, other)),
        *_seeds(one, other),
        *_alignment(one, other),
        *_software(one, other),
        *_files(one, other),
    ]


def on_missing(pairing: Pairing, rule: MissingRule, overridden: bool, sensitivity: Sensitivity | None) -> list[str]:
    """How many clips are missing, how they entered, and what would follow if they had been good or bad."""
    one_side, both = pairing.missing()
    if not one_side and not both:
        return ["No clip is missing: the verdict hangs on none."]
    counts = [side.side().missing for side in (pairing.baseline, pairing.candidate)]
    source = "by --missing" if overridden else "as declared with the runs"
    said = f"Missing: {counts[0]} of the baseline's clips and {counts[1]} of the candidate's, {ENTERS[rule]} {source}."
    if both:
        said += f" Of {counted(both, 'pair')} both are missing" + (
            "." if rule == "broken" else ": nothing is known of them, and they count for neither."
        )
    if sensitivity is None:
        return [said]
    best, worst = sensitivity.best, sensitivity.worst
    return [
        f"{said} Of {counted(one_side, 'pair')} one is missing. Had those been as good for the candidate as can be: "
        f"{best.value:+.2f}, {sensitivity.best_verdict}; as bad: {worst.value:+.2f}, {sensitivity.worst_verdict}."
    ]


def _lengths(pairing: Pairing, horizons: Horizons, unit: Unit) -> list[str]:
    """How unequal lengths and frame rates were dealt with."""
    there = pairing.there()
    if not there.baseline or not there.candidate:
        return []
    (frames, fps), (other_frames, other_fps) = _typical(there.baseline), _typical(there.candidate)
    notes = []
    if frames != other_frames:
        notes.append(
            f"The baseline's clips have {frames:g} frames, the candidate's {other_frames:g}: compared over the first "
            f"{counted(horizons.frames, 'frame')}, and the first {horizons.seconds:.2f} seconds."
        )
    if not math.isclose(fps, other_fps, rel_tol=0.01):
        notes.append(
            f"The baseline runs at {fps:g} frames a second, the candidate at {other_fps:g}: the same number of frames "
            f"is not the same time. The verdict is in {unit}; the other is beside it."
        )
    return notes


def _typical(clips: Sequence[Judged]) -> tuple[float, float]:
    return float(median(clip.frames for clip in clips)), float(median(clip.fps for clip in clips))


def _horizons(one: Contender, other: Contender, horizons: Horizons, asked: int | None) -> list[str]:
    """Where the horizon is not the one that was asked for, or the runs ask for two."""
    notes = []
    declared = [side.run.spec.horizon for side in (one, other)]
    if declared[0] != declared[1]:
        stated = " and ".join("none" if each is None else f"{each} frames" for each in declared)
        notes.append(f"The runs state other horizons ({stated}): compared to {horizons.frames} frames.")
    if asked and horizons.frames < asked:
        notes.append(f"A horizon of {asked} frames was asked for; the shorter model's clips end at {horizons.frames}.")
    return notes


def _unpaired(pairing: Pairing) -> list[str]:
    if not pairing.unpaired:
        return []
    return [f"{counted(pairing.unpaired, 'clip')} left out: the other side was never asked for that prompt and seed."]


def _absent(one: Contender, other: Contender) -> list[str]:
    """Clips that the suite asks for and a run has no row of are missing, and whoever lost the rows must see it."""
    return [
        f"{side.run.folder.root} has no row of {counted(absent, 'clip')} that its suite asks of {side.model}: missing."
        for side in (one, other)
        if (absent := sum(row.clip_id in side.run.absent for row in side.rows.values()))
    ]


def _seeds(one: Contender, other: Contender) -> list[str]:
    """Where a provider does not take seeds, two clips of one prompt are a pair by their number alone."""
    unseeded = [side.model for side in (one, other) if any(row.seeded == "no" for row in side.rows.values())]
    if not unseeded:
        return []
    return [f"Seeds mean nothing to {' and '.join(unseeded)}: clips are paired by prompt, in the order of their seeds."]


def _alignment(one: Contender, other: Contender) -> list[str]:
    if one.run.spec.clip_model or other.run.spec.clip_model:
        return []
    return ["Alignment to the prompt is not compared: neither run was scored with --clip."]


def _software(one: Contender, other: Contender) -> list[str]:
    before, after = one.run.spec.versions, other.run.spec.versions
    changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    if not changed:
        return []
    listed = ", ".join(f"{name} {before[name]} and {after[name]}" for name in changed)
    return [f"The runs were scored with different software: {listed}."]


def _files(one: Contender, other: Contender) -> list[str]:
    """Runs that came without their clips are compared, but nothing can be linked."""
    return [
        f"{side.run.folder.root} came without its clips: they are not linked."
        for side in (one, other)
        if not side.run.folder.clips_folder.is_dir()
        and any(row.file and row.file.startswith("clips/") for row in side.rows.values())
    ]
