"""Summarized run folders from a few holds, through the project's own tables, and their pages; nothing is decoded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.holds import STATIC, Judgement, Motion
from bench.records import ClipKey, ClipRow, Hold, RateClass, RealHold, Region, ScoredRow, Source, Spec, Suite
from bench.report import write_report
from bench.run_folder import RunFolder, replace_rows, replace_table, replace_text
from bench.stages.strips import strip_frames
from bench.stages.tables import evidence_table, holds_table
from bench.summary import Judged, summarize_clips, summarize_reality
from bench.video import encode_jpeg
from tests.report.html_tree import Node, read_page

CALIBRATION: dict[str, Any] = {
    "name": "light-1:0123456789ab",
    "sha256": "0123456789ab" + "0" * 52,
    "alpha": 0.05,
    "classes": [{"fps": 24.0, "frames": 49, "sources": 59, "false_alarms": 3, "tested_sources": 59}],
}
NO_NUMBERS: dict[str, Any] = dict.fromkeys(("frames_held", "seconds_held", "held_to_end")) | {
    "by_cause": {},
    "broke": 0,
    "censored": 0,
    "static": 0,
}


def broken(frame: int, cause: str = "residual_local", region: Region | None = None, alarm: int | None = None) -> Hold:
    """A hold that ended at `frame`."""
    return Hold(frame, True, frame, frame if alarm is None else alarm, cause, region, evidence=2.0)


def held(frames: int) -> Hold:
    """A hold that lasted."""
    return Hold(frames, False)


STILL = Hold(1, True, 1, cause=STATIC)


@dataclass(frozen=True)
class Made:
    """One clip of a run to be written. `points` is its evidence; None is a spike at the onset, or a quiet line."""

    model: str
    prompt_id: str
    hold: Hold | None = None
    missing: str | None = None
    seed: int = 0
    prompt: str = "A man walks"
    frames: int = 12
    fps: float = 24.0
    points: tuple[tuple[int, float, str], ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = "clips/clip.avi"
    preview: str | None = None

    @property
    def clip_id(self) -> str:
        """As every clip is named."""
        return ClipKey(self.model, self.prompt_id, self.seed).clip_id

    def row(self) -> ClipRow:
        """Its line in clips.jsonl."""
        return ClipRow(
            self.clip_id, self.model, self.prompt_id, self.seed, self.prompt, "people", "subject", "folder", "f" * 64,
            file=None if self.missing else self.file, preview=self.preview, missing=self.missing, facts=self.facts,
        )  # fmt: skip

    def judged(self, hold: Hold) -> Judged:
        """As the summary takes it."""
        return Judged(self.clip_id, self.model, self.prompt_id, "people", self.frames, self.fps, hold)

    def judgement(self, hold: Hold) -> Judgement:
        """As the tables take it."""
        spike = {hold.alarm_frame: (2.0, hold.cause or "")}
        quiet = tuple((frame, *spike.get(frame, (0.25, "surface_colour"))) for frame in range(1, self.frames))
        points = quiet if self.points is None else self.points
        return Judgement(hold, Motion(0.02, 0.1, 0.1), 0, 1.0, points, ())


CLIPS = [
    Made("steady", "walk", held(12)),
    Made("steady", "dog", held(12)),
    Made("melts", "walk", broken(6), facts={"true_break_frame": 5}),
    Made("melts", "dog", broken(3, "standstill", alarm=4)),
    Made("melts", "car", held(12)),
    Made("melts", "boat", missing="refused by the provider"),
    Made("still", "walk", STILL),
    Made("still", "dog", STILL),
    Made("gone", "walk", missing="not a video"),
    Made("gone", "dog", missing="not a video"),
]


def page_of(root: Path, clips: Sequence[Made], **options: Any) -> Node:
    """The page of such a run."""
    return read_page(write_report(write_run(root, clips, **options)))


def only_card(root: Path, clip: Made) -> Node:
    """The card of a run of one clip."""
    return page_of(root, [clip]).one("article")


def cards_of(page: Node, model: str) -> list[Node]:
    """The cards of a model's clips, in the order of the page."""
    return [card for card in page.all("article") if card.attributes["aria-label"].startswith(f"{model}, ")]


def write_run(
    root: Path,
    clips: Sequence[Made],
    horizon: int = 12,
    notes: Sequence[str] = (),
    truly: Mapping[str, float] | None = None,
) -> RunFolder:
    """The folder of a run after `summarize`, without its report. `truly`: frames that models hold, where known."""
    run = RunFolder(root)
    run.begin(Spec(Suite("tiny", 3, (), sha256="5" * 64), (Source("folder"),), versions={"framehold": "0.1.0"}))
    rows = [clip.row() for clip in clips]
    missing = {clip.clip_id: clip.missing for clip in clips if clip.missing}
    judged = {clip.clip_id: clip.judgement(clip.hold) for clip in clips if clip.hold}
    scored = {
        clip.clip_id: ScoredRow(clip.clip_id, "f" * 64, clip.frames, clip.frames, clip.fps, 64, 48) for clip in clips
    }
    replace_rows(run.clips_path, [asdict(row) for row in rows])
    replace_table(run.holds_path, holds_table(rows, scored, judged, missing, "light", CALIBRATION["name"]))
    replace_table(run.evidence_path, evidence_table(judged))
    _write_strips(run, [clip for clip in clips if clip.hold])
    summary = _summary(clips, horizon) | {"notes": list(notes)}
    for model, frames in (truly or {}).items():
        summary["models"][model]["truly_held"] = frames
    replace_text(run.summary_path, json.dumps(summary, allow_nan=False))
    return run


def _summary(clips: Sequence[Made], horizon: int) -> dict[str, Any]:
    models: dict[str, Any] = {}
    for model in dict.fromkeys(clip.model for clip in clips):
        own = [clip.judged(clip.hold) for clip in clips if clip.model == model and clip.hold]
        lost = [clip.missing for clip in clips if clip.model == model and clip.missing]
        models[model] = (summarize_clips(own, horizon, horizon / 24) if own else NO_NUMBERS) | {
            "clips": len(own) + len(lost),
            "missing": len(lost),
            "missing_reasons": dict(Counter(lost).most_common()),
        }
    real = [RealHold("a", 12, 24.0, 12, False), RealHold("b", 12, 24.0, 12, False), RealHold("c", 12, 24.0, 6, True)]
    reality = summarize_reality(RateClass(24.0, 12, (), (1.0,), 1.0, 0.0, 0.0, tuple(real)), horizon, horizon / 24)
    still = summarize_clips(
        [Made("frozen", str(k), frames=horizon).judged(STILL) for k in range(3)], horizon, horizon / 24
    )
    anything = any(clip.hold for clip in clips)
    return {
        "suite": {"name": "tiny", "version": 3, "sha256": "5" * 64},
        "profile": "light",
        "horizon": horizon,
        "horizon_seconds": horizon / 24,
        "models": models,
        "reference": {
            "real footage": reality | {"clips": 3, "missing": 0},
            "frozen frame": still | {"clips": 3, "missing": 0},
        }
        if anything
        else {},
        "calibration": CALIBRATION,
    }


@cache
def strip_content(pictures: int) -> bytes:
    """A strip of pictures of 40 x 30 pixels."""
    return encode_jpeg(np.full((30, 40 * pictures, 3), 120, np.uint8))


def _write_strips(run: RunFolder, clips: Sequence[Made]) -> None:
    run.strips_folder.mkdir(exist_ok=True)
    rows = []
    for clip in clips:
        frames = strip_frames(clip.frames, clip.hold.onset_frame if clip.hold else None)
        file = f"strips/{clip.clip_id}.jpg"
        (run.root / file).write_bytes(strip_content(len(frames)))
        rows.append({"clip_id": clip.clip_id, "file": file, "frames": frames})
    replace_rows(run.strips_path, rows)
