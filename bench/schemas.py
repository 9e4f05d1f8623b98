"""The columns of a run's tables, by the file that holds them."""

from __future__ import annotations

import pyarrow as pa

from bench.records import Region

CURVES = pa.schema(
    [
        ("clip_id", pa.string()),
        ("signal", pa.string()),
        ("frame", pa.int32()),
        ("value", pa.float64()),
        ("valid", pa.bool_()),
        *((side, pa.float32()) for side in Region._fields),
    ]
)
HOLDS = pa.schema(
    [
        ("clip_id", pa.string()),
        ("model", pa.string()),
        ("prompt_id", pa.string()),
        ("seed", pa.int64()),
        ("file", pa.string()),
        ("frames", pa.int32()),
        ("distinct_frames", pa.int32()),
        ("fps", pa.float64()),
        ("held_frames", pa.int32()),
        ("held_seconds", pa.float64()),
        ("broke", pa.bool_()),
        ("onset_frame", pa.int32()),
        ("alarm_frame", pa.int32()),
        ("cause", pa.string()),
        ("region", pa.list_(pa.float32())),
        ("evidence", pa.float64()),
        ("peak_frame", pa.int32()),
        ("motion", pa.float64()),
        ("camera_motion", pa.float64()),
        ("profile", pa.string()),
        ("calibration", pa.string()),
        ("missing", pa.string()),
    ]
)
EVIDENCE = pa.schema(
    [("clip_id", pa.string()), ("frame", pa.int32()), ("evidence", pa.float64()), ("signal", pa.string())]
)
METRICS = pa.schema([("clip_id", pa.string()), ("metric", pa.string()), ("value", pa.float64())])
SCHEMAS = {
    "curves.parquet": CURVES,
    "metrics.parquet": METRICS,
    "holds.parquet": HOLDS,
    "evidence.parquet": EVIDENCE,
}
