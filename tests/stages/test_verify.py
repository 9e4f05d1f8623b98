"""verify: a sound run is sound; a pixel, a row, a threshold or a number that was tampered with is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bench
from bench.records import FrameholdError
from bench.run_folder import RunFolder, read_rows, replace_rows
from bench.stages import Crew
from bench.stages.seal import read_seal, seal
from bench.stages.verify import Finding, verify
from tests.stages.held_runs import clips_of, write_held_run
from tests.stages.small_backend import NAME

SUITE = """
name = "small"
version = 1
""" + "".join(f'\n[[prompt]]\nid = "{name}"\ntext = "A {name} thing"\n' for name in ("red", "green"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run of four small clips."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "small.toml").write_text(SUITE)
    bench.run(str(folder / "small.toml"), backends=[NAME], out=folder / "run", workers=1)
    seal(RunFolder(folder / "run"))
    return folder / "run"


@pytest.fixture
def run(sound: Path, tmp_path: Path) -> RunFolder:
    """A copy to tamper with."""
    return RunFolder(shutil.copytree(sound, tmp_path / "run"))


def faults(run: RunFolder, sample: int = 0, **options: Any) -> list[Finding]:
    return [found for found in verify(run, Crew(), sample=sample, **options) if found.status == "fault"]


def told(found: list[Finding]) -> str:
    return "\n".join(f"{each.check}: {each.detail}" for each in found)


def edit_rows(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the rows of a table, parquet or lines of JSON."""
    if path.suffix == ".jsonl":
        rows = read_rows(path)
        change(rows)
        replace_rows(path, rows)
        return
    schema = pq.read_schema(path)
    rows = pq.read_table(path).to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def reseal(run: RunFolder) -> None:
    """What someone who knows of the seal would do."""
    seal(run)


# ---- a sound run -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_sound_run_is_sound_and_scores_again_to_the_same_numbers(run: RunFolder) -> None:
    found = verify(run, Crew(), sample=4)
    assert [each for each in found if each.status != "ok"] == []
    assert {each.check for each in found} == {
        "suite", "tables", "thresholds", "rows", "complete", "clips", "curves", "holds", "summary", "sample"
    }  # fmt: skip


def test_what_was_not_checked_is_said(run: RunFolder) -> None:
    (run.root / "seal.json").unlink()
    shutil.rmtree(run.cache_folder)
    found = {each.check: each for each in verify(run, Crew(), sample=0)}
    assert {name for name, each in found.items() if each.status == "unchecked"} == {"tables", "curves", "sample"}
    assert "no seal.json" in found["tables"].detail


def test_a_seal_holds_the_hash_of_every_table(run: RunFolder) -> None:
    sealed = read_seal(run)
    assert sealed is not None
    assert {"spec.json", "clips.jsonl", "curves.parquet", "holds.parquet", "summary.json"} <= sealed.keys()
    (run.root / "seal.json").write_text("{")
    with pytest.raises(FrameholdError, match="--seal"):
        read_seal(run)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match="not a run folder"):
        verify(RunFolder(tmp_path), Crew())


@pytest.mark.parametrize("options", [{"tolerance": 1.5}, {"sample": -1}])
def test_options_that_cannot_be(run: RunFolder, options: dict[str, Any]) -> None:
    with pytest.raises(FrameholdError, match="--tolerance"):
        verify(run, Crew(), **options)


# ---- tampering ---------------------------------------------------------------------------------------------------


def test_one_changed_pixel(run: RunFolder) -> None:
    clip = sorted(run.clips_folder.glob("*.avi"))[0]
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(bytes(content))
    assert clip.name in told(faults(run))
    assert [each.check for each in faults(run)] == ["clips"]


@pytest.mark.slow
def test_another_clip_under_a_hash_of_its_own(run: RunFolder) -> None:
    """Pixels, hash, seal: all fit each other, but not the curves."""
    first, second = sorted(run.clips_folder.glob("*.avi"))[:2]
    shutil.copyfile(second, first)
    marks = {Path(row["file"]).name: row["sha256"] for row in read_rows(run.clips_path)}

    def swap(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if Path(row["file"]).name == first.name:
                row["sha256"] = marks[second.name]

    edit_rows(run.clips_path, swap)
    reseal(run)
    assert faults(run) == []
    assert first.stem in told(faults(run, sample=4))


def test_a_clip_that_is_gone(run: RunFolder) -> None:
    clip = sorted(run.clips_folder.glob("*.avi"))[0]
    clip.unlink()
    assert f"clips: clips/{clip.name}" in told(faults(run))


def test_a_changed_value_of_a_curve(run: RunFolder) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[7]["value"] = (rows[7]["value"] or 0) + 0.5

    row = pq.read_table(run.curves_path).to_pylist()[7]
    edit_rows(run.curves_path, change)
    found = told(faults(run))
    assert "tables: curves.parquet" in found
    assert f"curves: curves.parquet: {row['clip_id']}: {row['signal']} at frame {row['frame']}" in found


@pytest.mark.slow
def test_a_changed_value_of_a_curve_without_cache_or_seal(run: RunFolder) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[7]["value"] = (rows[7]["value"] or 0) + 0.5

    row = pq.read_table(run.curves_path).to_pylist()[7]
    edit_rows(run.curves_path, change)
    shutil.rmtree(run.cache_folder)
    reseal(run)
    found = [each for each in faults(run, sample=4) if each.check == "sample"]
    assert f"{row['clip_id']}: {row['signal']} at frame {row['frame']}" in told(found)


@pytest.mark.slow
def test_a_changed_metric_is_found_by_scoring_again(run: RunFolder) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["value"] *= 1.01

    row = pq.read_table(run.metrics_path).to_pylist()[0]
    edit_rows(run.metrics_path, change)
    reseal(run)
    assert f"metrics.parquet: {row['clip_id']}: {row['metric']}" in told(faults(run, sample=4))
    assert faults(run, sample=4, tolerance=0.05) == []


def test_a_row_of_curves_that_is_gone(run: RunFolder) -> None:
    edit_rows(run.curves_path, lambda rows: rows.pop(3))
    assert "rows were scored" not in told(faults(run))  # the count is in front of it
    assert " rows, " in told(faults(run))


def test_a_hold_that_was_made_longer(run: RunFolder) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[1]["held_frames"] += 1

    row = pq.read_table(run.holds_path).to_pylist()[1]
    edit_rows(run.holds_path, change)
    reseal(run)
    held = row["held_frames"]
    assert f"holds.parquet: {row['clip_id']}: held_frames is {held + 1}, its curves give {held}" in told(faults(run))


def test_a_hold_that_is_gone_and_one_too_many(run: RunFolder) -> None:
    rows = pq.read_table(run.holds_path).to_pylist()
    edit_rows(run.holds_path, lambda rows: rows.pop(0))
    assert f"complete: holds.parquet: no row of {rows[0]['clip_id']}" in told(faults(run))
    edit_rows(run.holds_path, lambda left: left.extend([rows[0], rows[0]]))
    assert f"complete: holds.parquet: {rows[0]['clip_id']}: a row too many" in told(faults(run))


def test_evidence_that_was_made_smaller(run: RunFolder) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[2]["evidence"] /= 2

    row = pq.read_table(run.evidence_path).to_pylist()[2]
    edit_rows(run.evidence_path, change)
    reseal(run)
    assert f"evidence.parquet: {row['clip_id']}, frame {row['frame']}: evidence is" in told(faults(run))


def test_a_number_of_the_summary(run: RunFolder) -> None:
    summary = run.summary()
    summary["models"]["small/jump"]["frames_held"]["value"] += 1
    run.summary_path.write_text(json.dumps(summary))
    reseal(run)
    assert "summary: summary.json: small/jump: frames_held" in told(faults(run))


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("prompt", "A better prompt", "rows"),
        ("moves", "none", "rows"),
        ("seed", 5, "rows"),
        ("file", "../x.avi", "clips"),
    ],
)
def test_a_row_of_clips(run: RunFolder, field: str, value: object, check: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0][field] = value

    row = read_rows(run.clips_path)[0]
    edit_rows(run.clips_path, change)
    assert any(each.check == check and row["clip_id"] in each.detail for each in faults(run))


def test_a_prompt_that_was_left_out(run: RunFolder) -> None:
    row = read_rows(run.clips_path)[0]
    edit_rows(run.clips_path, lambda rows: rows.pop(0))
    assert f"no row of {row['model']}, prompt {row['prompt_id']}, seed 0" in told(faults(run))


def test_a_prompt_of_the_suite(run: RunFolder) -> None:
    spec = json.loads(run.spec_path.read_text())
    spec["suite"]["prompts"][0]["text"] = "Something easier"
    run.spec_path.write_text(json.dumps(spec))
    found = told(faults(run))
    assert "suite: spec.json: the prompts of suite 'small'" in found
    assert "tables: spec.json" in found


def test_a_threshold(tmp_path: Path) -> None:
    run = write_held_run(tmp_path / "run", clips_of("m", [3, None, 5]))
    assert "thresholds" not in told(faults(run))
    path = tmp_path / "run.calibration.json"
    content = json.loads(path.read_text())
    content["classes"][0]["threshold"] = 3.5
    path.write_text(json.dumps(content))
    found = told(faults(run))
    assert "thresholds: calibration, 24 frames a second: threshold 3.5, its footage gives 2" in found
    assert "is not that of spec.json" in found
    assert "holds: holds.parquet: judged with calibration" in found


def test_what_real_footage_held(tmp_path: Path) -> None:
    """The levels say 12 frames at 5%, the row says 3."""
    run = write_held_run(tmp_path / "run", clips_of("m", [3, None, 5]))
    path = tmp_path / "run.calibration.json"
    content = json.loads(path.read_text())
    for real in content["classes"][0]["reality"]:
        real["at_levels"] = [[0.02, 12]]
    path.write_text(json.dumps(content))
    assert "real footage does not hold" not in told(faults(run))
    content["classes"][0]["reality"][0]["at_levels"] = [[0.3, 12]]
    path.write_text(json.dumps(content))
    assert "24 frames a second: real footage does not hold what it held" in told(faults(run))
    content["classes"][0]["reality"][0]["at_levels"] = [[0.02, 12]]
    content["classes"][0]["reality"][1].update(held_frames=3, broke=True)
    path.write_text(json.dumps(content))
    assert "24 frames a second: real footage does not hold what it held" in told(faults(run))


def test_findings_are_plain_data(run: RunFolder) -> None:
    assert json.loads(json.dumps([asdict(each) for each in verify(run, Crew(), sample=0)]))
