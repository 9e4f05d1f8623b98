"""Summarized run folders whose holds are chosen: curves with one spike, a calibration that sees it, and no codec."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.records import (
    Calibration,
    ClipKey,
    ClipRow,
    Prompt,
    RateClass,
    RealHold,
    ScoredRow,
    Source,
    Spec,
    Suite,
)
from bench.run_folder import RunFolder, replace_rows, replace_table, replace_text
from bench.schemas import CURVES, METRICS
from bench.signals import open_profile
from bench.stages.calibrate import load_calibration, write_calibration
from bench.stages.redraw import judge_again
from bench.stages.seal import seal
from bench.stages.tables import (
    curves_table,
    evidence_table,
    holds_table,
    join_tables,
    metrics_table,
)
from bench.suite import suite_hash
from bench.summary import Judged, draw_thresholds, summarize_clips
from bench.video import content_hash
from tests.factory import detector, from_logs

SIGNALS = ("residual_local", "surface_texture")
SPIKE, THRESHOLD = 3.0, 2.0
CERTAIN = (1.0,) * 37 + (2.0, 2.0)
"""Scores of 39 sources whose 38th, the threshold, is 2 in nearly every draw of them."""
DOUBTFUL = (1.0,) * 35 + (2.0, 2.0, 2.0, 4.0)
"""Another draw of these sources may well set the threshold to 4, where no spike is seen."""


@dataclass(frozen=True)
class Held:
    """One clip: the frame at which it breaks (None: never), by which signal, or why it is missing."""

    model: str
    prompt_id: str
    broke_at: int | None = None
    seed: int = 0
    signal: str = SIGNALS[0]
    missing: str | None = None
    murmur: float = 0.0
    """Evidence against its fifth frame, in thresholds: below 1 it raises no alarm."""
    frames: int = 12
    fps: float = 24.0
    content: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> ClipKey:
        """As every clip is known."""
        return ClipKey(self.model, self.prompt_id, self.seed)


def clips_of(model: str, breaks: Sequence[int | None], seeds: int = 1, **fields: Any) -> list[Held]:
    """A clip for each break, prompt by prompt: the first `seeds` are of prompt p0, and so on."""
    return [
        Held(model, f"p{number // seeds}", broke_at, number % seeds, **fields) for number, broke_at in enumerate(breaks)
    ]


def write_held_run(
    root: Path,
    clips: Sequence[Held],
    *,
    scores: Sequence[float] = CERTAIN,
    categories: Mapping[str, str] | None = None,
    suite: Suite | None = None,
    source: Source | None = None,
    distance: Mapping[str, Any] | None = None,
    **request: Any,
) -> RunFolder:
    """The folder of a run after `summarize`. The suite is what the clips ask for, unless one is given.

    `distance` is what `run --reference` would have put beside every model; `request` is the rest of the Spec.
    """
    calibration_path = root.parent / f"{root.name}.calibration.json"
    root.parent.mkdir(parents=True, exist_ok=True)
    write_calibration(calibration_path, _calibration(scores))
    calibration, mark = load_calibration("light", str(calibration_path))
    run = RunFolder(root)
    spec = Spec(
        suite=suite or _suite(clips, categories or {}),
        sources=(source or Source("folder"),),
        calibration=str(calibration_path),
        calibration_sha256=mark,
        **request,
    )
    run.begin(spec)
    run.clips_folder.mkdir()
    run.cache_folder.mkdir()
    rows = [_row(run, clip, categories or {}) for clip in clips]
    there = [clip for clip in clips if not clip.missing]
    scored = {
        clip.key.clip_id: ScoredRow(clip.key.clip_id, "f" * 64, clip.frames, clip.frames, clip.fps, 64, 48)
        for clip in there
    }
    replace_rows(run.clips_path, map(asdict, rows))
    replace_rows(run.scored_path, map(asdict, scored.values()))
    replace_table(run.curves_path, join_tables([_curves(clip) for clip in there], CURVES))
    replace_table(
        run.metrics_path, join_tables([metrics_table(clip.key.clip_id, clip.metrics) for clip in there], METRICS)
    )
    _summarize(run, rows, scored, calibration, mark)
    if distance:
        _put_distance(run, distance)
    seal(run)
    return run


def _put_distance(run: RunFolder, distance: Mapping[str, Any]) -> None:
    summary = run.summary()
    for block in summary["models"].values():
        block["distance"] = dict(distance)
    replace_text(run.summary_path, json.dumps(summary))


def _calibration(scores: Sequence[float]) -> Calibration:
    profile = open_profile("light")
    rate = RateClass(
        fps=24.0,
        frames=48,
        detectors=tuple(detector(signal) for signal in SIGNALS),
        scores=tuple(sorted(scores)),
        threshold=THRESHOLD,
        still_subject=0.0,
        still_picture=0.0,
        reality=tuple(RealHold(f"real {number}", 12, 24.0, 12, False) for number in range(3)),
    )
    return Calibration(profile.name, profile.version, 0.05, (rate,))


def _suite(clips: Sequence[Held], categories: Mapping[str, str]) -> Suite:
    seeds: dict[str, set[int]] = {}
    for clip in clips:
        seeds.setdefault(clip.prompt_id, set()).add(clip.seed)
    prompts = tuple(
        Prompt(prompt_id, f"A {prompt_id}", categories.get(prompt_id, "any"), seeds=tuple(sorted(each)))
        for prompt_id, each in sorted(seeds.items())
    )
    suite = Suite("held", 1, prompts)
    return Suite("held", 1, prompts, sha256=suite_hash(suite))


def _row(run: RunFolder, clip: Held, categories: Mapping[str, str]) -> ClipRow:
    file, mark = None, None
    if not clip.missing:
        path = run.clips_folder / f"{clip.key.clip_id}.mp4"
        path.write_text(clip.content or f"{clip.key} {clip.broke_at}")
        file, mark = f"clips/{path.name}", content_hash(path)
    return ClipRow(
        clip.key.clip_id,
        clip.model,
        clip.prompt_id,
        clip.seed,
        f"A {clip.prompt_id}",
        categories.get(clip.prompt_id, "any"),
        "subject",
        "folder",
        "f" * 64,
        file=file,
        sha256=mark,
        missing=clip.missing,
        facts=clip.facts,
    )


def _curves(clip: Held) -> Any:
    curves = [from_logs("displacement", [1.0] * (clip.frames - 1))]
    for signal in SIGNALS:
        logs = [0.0] * (clip.frames - 1)
        if signal == clip.signal:
            if clip.murmur:
                logs[4] = clip.murmur * THRESHOLD
            if clip.broke_at is not None:
                logs[clip.broke_at - 1] = SPIKE
        curves.append(from_logs(signal, logs))
    return curves_table(clip.key.clip_id, curves)


def _summarize(
    run: RunFolder,
    rows: Sequence[ClipRow],
    scored: Mapping[str, ScoredRow],
    calibration: Calibration,
    mark: str,
) -> None:
    """Holds, evidence and the blocks of summary.json, as `summarize` writes them; no pictures."""
    draws = draw_thresholds(calibration.classes, calibration.alpha)
    judged = judge_again(run, calibration, draws)
    missing = {row.clip_id: row.missing for row in rows if row.missing}
    name = f"{calibration.profile}-{calibration.profile_version}:{mark[:12]}"
    replace_table(run.holds_path, holds_table(rows, scored, judged, missing, "light", name))
    replace_table(run.evidence_path, evidence_table(judged))
    models: dict[str, Any] = {}
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        there = [
            Judged(row.clip_id, row.model, row.prompt_id, row.category, scored[row.clip_id].frames,
                   scored[row.clip_id].fps, judged[row.clip_id].hold, 0, judged[row.clip_id].redrawn)
            for row in own
            if row.clip_id in judged
        ]  # fmt: skip
        block = summarize_clips(there, 12, 0.5, draws) if there else {}
        models[model] = {**block, "clips": len(own), "missing": len(own) - len(there), "metrics": {}}
    summary = {
        "models": models,
        "horizon": 12,
        "horizon_seconds": 0.5,
        "calibration": {"name": name, "sha256": mark},
    }
    replace_text(run.summary_path, json.dumps(summary))
