"""Curves and metrics as tables, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.holds import Judgement
from bench.records import ClipRow, Curve, FrameholdError, Region, ScoredRow, canonical_json
from bench.run_folder import read_table, replace_table
from bench.schemas import CURVES, EVIDENCE, HOLDS, METRICS


def curves_table(clip_id: str, curves: Sequence[Curve]) -> pa.Table:
    """A row a clip, signal and frame; x, y, w, h say where in the picture, null where a signal looks at all of it."""
    lengths = [len(curve.frames) for curve in curves]
    values = np.array([value for curve in curves for value in curve.values], float)
    regions = [region for curve in curves for region in (curve.regions or (None,) * len(curve.frames))]
    columns = {
        "clip_id": [clip_id] * sum(lengths),
        "signal": [curve.signal for curve, length in zip(curves, lengths, strict=True) for _ in range(length)],
        "frame": [frame for curve in curves for frame in curve.frames],
        "value": values,
        "valid": np.isfinite(values),
    }
    sides = {side: [region and getattr(region, side) for region in regions] for side in Region._fields}
    return pa.table(columns | sides, schema=CURVES)


def metrics_table(clip_id: str, metrics: Mapping[str, float]) -> pa.Table:
    """A row a clip and published metric."""
    return pa.table(
        {"clip_id": [clip_id] * len(metrics), "metric": list(metrics), "value": list(metrics.values())}, schema=METRICS
    )


def curves_by_clip(table: pa.Table) -> Iterator[tuple[str, dict[str, Curve]]]:
    """(clip_id, curves by signal) for each clip of a curves table, in the table's order."""
    columns = [table[name].to_pylist() for name in ("clip_id", "signal", "frame", "value", *Region._fields)]
    rows = zip(*columns, strict=True)
    for clip_id, of_clip in groupby(rows, key=itemgetter(0)):
        yield (
            clip_id,
            {signal: _curve(signal, list(of_signal)) for signal, of_signal in groupby(of_clip, key=itemgetter(1))},
        )


def _curve(signal: str, rows: list[tuple[object, ...]]) -> Curve:
    regions = tuple(None if row[4] is None else Region(*row[4:8]) for row in rows)  # type: ignore[arg-type]
    local = regions if any(regions) else ()
    return Curve(signal, tuple(row[2] for row in rows), tuple(row[3] for row in rows), local)  # type: ignore[misc]


def join_tables(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """The tables one below the other; an empty one where there are none."""
    return pa.concat_tables([schema.empty_table(), *tables]).combine_chunks()


def write_part(path: Path, curves: pa.Table, metrics: Mapping[str, float], row: ScoredRow) -> None:
    """Put one scored clip into the cache: its curves, with the rest as metadata."""
    content = canonical_json({"metrics": dict(metrics), "row": asdict(row)})
    replace_table(path, curves.replace_schema_metadata({"framehold": content}))


def read_part(path: Path) -> tuple[pa.Table, dict[str, float], ScoredRow]:
    """Curves, metrics and row of a clip in the cache. FrameholdError where the file is damaged."""
    mending = "delete it and run the same command again"
    table = read_table(path, mending)
    try:
        content = json.loads(table.schema.metadata[b"framehold"])
    except (TypeError, KeyError, ValueError) as error:
        raise FrameholdError(f"{path} is damaged: {mending}") from error
    return table.replace_schema_metadata(None), content["metrics"], ScoredRow(**content["row"])


def holds_table(
    clips: Sequence[ClipRow],
    scored: Mapping[str, ScoredRow],
    judged: Mapping[str, Judgement],
    missing: Mapping[str, str],
    profile: str,
    calibration: str,
) -> pa.Table:
    """A row a clip, the missing ones included: theirs holds the reason and nothing measured.

    `region` is x, y, w, h as fractions of the picture; `motion` and `camera_motion` are picture sizes a second;
    `evidence` is the clip's largest, as a multiple of the threshold, and `peak_frame` the first frame that has it.
    """
    rows = []
    for clip in clips:
        row: dict[str, object] = {
            **{name: getattr(clip, name) for name in ("clip_id", "model", "prompt_id", "seed", "file")},
            "profile": profile,
            "calibration": calibration,
            "missing": missing.get(clip.clip_id),
        }
        if clip.clip_id in judged:
            row |= _judged_columns(scored[clip.clip_id], judged[clip.clip_id])
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=HOLDS)


def _judged_columns(scored: ScoredRow, judgement: Judgement) -> dict[str, object]:
    hold = judgement.hold
    return {
        "frames": scored.frames,
        "distinct_frames": scored.distinct_frames,
        "fps": scored.fps,
        "held_frames": hold.held_frames,
        "held_seconds": hold.held_frames / scored.fps if scored.fps else 0.0,
        "broke": hold.broke,
        "onset_frame": hold.onset_frame,
        "alarm_frame": hold.alarm_frame,
        "cause": hold.cause,
        "region": None if hold.region is None else list(hold.region),
        "evidence": hold.evidence,
        "peak_frame": judgement.peak[0] if judgement.peak else None,
        "motion": judgement.motion.subject,
        "camera_motion": judgement.motion.camera,
    }


def evidence_table(judged: Mapping[str, Judgement]) -> pa.Table:
    """A row a clip and frame: the largest evidence against it as a multiple of the threshold, and whose it is."""
    rows = [
        {"clip_id": clip_id, "frame": frame, "evidence": value, "signal": signal}
        for clip_id, judgement in judged.items()
        for frame, value, signal in judgement.evidence
    ]
    return pa.Table.from_pylist(rows, schema=EVIDENCE)
