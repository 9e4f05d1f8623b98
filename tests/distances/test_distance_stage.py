"""The stage and the command: sets by name, refusals by name, the same numbers again, and output that can be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import bench
from bench.cli import app
from bench.records import FrameholdError, Picture
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.clip_sets import default_cache, open_set
from bench.stages.distance import Request, distance
from bench.stages.generate import generate
from bench.stages.summarize import summarize
from bench.video import write_lossless
from tests.factory import procedural_spec

FRAMES = 24


def clip(seed: int, frames: int = FRAMES, *, shuffled_from: int | None = None) -> list[Picture]:
    """Coarse noise that slides; from one frame on its frames come in any order."""
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 256, (8, 24, 3), np.uint8), np.ones((6, 6, 1), np.uint8))
    order = np.arange(frames)
    if shuffled_from is not None:
        order[shuffled_from:] = rng.permutation(order[shuffled_from:])
    return [np.ascontiguousarray(wide[:, 2 * step : 2 * step + 48]) for step in order]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """real (36 clips of 18 sources), mine (12 clips, their order lost from frame 12 on, one short, one unreadable)."""
    root = tmp_path_factory.mktemp("sets")
    (root / "real").mkdir()
    (root / "mine").mkdir()
    lines = ["file,source_id"]
    for number in range(36):
        write_lossless(root / "real" / f"r{number}.avi", clip(number), 24)
        lines.append(f"r{number}.avi,source {number // 2}")
    (root / "real" / "manifest.csv").write_text("\n".join(lines) + "\n")
    for number in range(12):
        write_lossless(root / "mine" / f"m{number}.avi", clip(100 + number, shuffled_from=12), 24)
    write_lossless(root / "mine" / "short.avi", clip(999, 8), 24)
    (root / "mine" / "torn.mp4").write_bytes(b"no video")
    return root


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEHOLD_CACHE", str(tmp_path_factory.getbasetemp() / "features-cache"))


REQUEST = Request(frames=12, windows=True)


@pytest.fixture(scope="module")
def found(sets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cache = tmp_path_factory.getbasetemp() / "features-cache" / "features"
    return distance(str(sets / "mine"), str(sets / "real"), replace(REQUEST, cache=cache), Crew())


# ---- the stage ---------------------------------------------------------------------------------------------------


def test_what_is_said_of_the_sets_and_features(found: dict[str, Any], sets: Path) -> None:
    assert (found["a"]["clips"], found["b"]["clips"], found["b"]["independent"]) == (12, 36, 18)
    assert found["a"]["fps"] == pytest.approx(24)
    about = found["features"]
    assert (about["name"], about["frames"], about["windows"], about["covariance"]) == ("embedded", 12, 2, "1/(n-1)")
    refused = found["a"]["refused"]
    assert refused["short.avi"] == "8 frames, fewer than the 12 of a window"
    assert refused["torn.mp4"].startswith(str(sets / "mine" / "torn.mp4"))
    assert len(refused) == 2


def test_every_distance_stands_beside_the_reference_against_itself(found: dict[str, Any]) -> None:
    for name in ("kernel", "frechet", "jedi"):
        same = found["distances"][name]["same_size"]
        assert same["n"] == 12
        assert same["samples"]["value"] > same["reference"]["value"]
        assert found["distances"][name]["low"] <= found["distances"][name]["value"] <= found["distances"][name]["high"]
    assert found["distances"]["kernel"]["p_value"] <= 0.01
    assert any("fewer than 256" in note for note in found["notes"])
    assert any("mostly sampling error" in note for note in found["notes"])


def test_the_set_holds_until_the_window_in_which_order_is_lost(found: dict[str, Any]) -> None:
    along = found["along"]
    assert [window["above"] for window in along["windows"]] == [False, True]
    assert (along["hold_frames"]["value"], along["to_the_end"]) == (12, False)


def test_the_same_again_whoever_does_it_and_without_the_cache(
    found: dict[str, Any], sets: Path, tmp_path: Path
) -> None:
    again = distance(
        str(sets / "mine"), str(sets / "real"), replace(REQUEST, cache=tmp_path / "other", batch=5), Crew(workers=3)
    )
    assert again == found


def test_a_longer_span_leaves_out_by_name_those_that_do_not_reach_it(sets: Path, tmp_path: Path) -> None:
    for number in range(9):
        write_lossless(tmp_path / f"m{number}.avi", clip(200 + number, 20 if number == 3 else 24), 24)
    shorter = distance(str(tmp_path), str(sets / "real"), Request(frames=12), Crew())
    assert shorter["features"]["windows"] == 1
    assert shorter["a"]["refused"] == {}
    assert shorter["notes"][-1] == (
        "Only the opening 12 frames are looked at, as m3.avi has 20: "
        "--span 24 looks further and leaves shorter clips out."
    )
    asked = distance(str(tmp_path), str(sets / "real"), Request(frames=12, span=24), Crew())
    assert asked["features"]["windows"] == 2
    assert not any("Only the opening" in note for note in asked["notes"])
    assert asked["a"]["refused"] == {"m3.avi": "20 frames, fewer than the span of 24"}


def test_copies_and_other_frame_rates_are_told(sets: Path, tmp_path: Path) -> None:
    for number in range(9):
        write_lossless(tmp_path / f"m{number}.avi", clip(300 + number // 2), 8)
    notes = distance(str(tmp_path), str(sets / "real"), Request(frames=12), Crew())["notes"]
    assert any("4 clips show exactly what another shows" in note for note in notes)
    assert any("Frame rates differ (8 and 24 a second)" in note for note in notes)


def test_clips_that_are_in_both_sets_are_told(sets: Path) -> None:
    found = distance(str(sets / "real"), str(sets / "real"), Request(frames=12), Crew())
    assert any(note.startswith("36 clips of ") and "the reference does not hold" in note for note in found["notes"])
    assert found["distances"]["frechet"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["distances"]["kernel"]["value"] <= 0
    assert found["distances"]["kernel"]["p_value"] == 1


def test_what_cannot_be_had_says_why(sets: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for number in range(10):
        write_lossless(few / f"r{number}.avi", clip(400 + number), 24)
    result = distance(str(sets / "mine"), str(few), Request(frames=12, windows=True, infinite=True), Crew())
    assert "two parts of the reference without a common clip or source have 5 clips each" in result["along"]["refused"]
    assert "10 clips in 68 dimensions" in result["infinite"]["refused"]
    assert result["distances"]["kernel"]["same_size"] is None


# ---- sets by name ------------------------------------------------------------------------------------------------


def test_a_run_is_a_set_its_prompts_are_groups_and_its_missing_clips_are_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(procedural_spec(models=("procedural/steady", "procedural/pop")))
    generate(run, Crew())
    one = open_set(f"{run.root}:procedural/steady")
    assert one.groups == ("walk", "dog")
    assert all(clip.path and clip.path.is_file() for clip in one.clips)
    with pytest.raises(FrameholdError, match=r"clips of 2 models: choose one, as in .*run:procedural/steady"):
        open_set(str(run.root))
    with pytest.raises(FrameholdError, match="no clips of model 'sora': it has procedural/steady, procedural/pop"):
        open_set(f"{run.root}:sora")


def test_a_folder_of_models_is_a_set_a_model(sets: Path) -> None:
    assert len(open_set(f"{sets}:mine").clips) == 14
    with pytest.raises(FrameholdError, match="clips of 2 models"):
        open_set(str(sets))


def test_where_there_is_nothing_the_argument_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match="nowhere: no such folder: give a folder of videos"):
        open_set("nowhere")
    with pytest.raises(FrameholdError, match=r"no clips here: the folder is empty$"):
        open_set(str(tmp_path))


def test_the_cache_lies_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAMEHOLD_CACHE", str(tmp_path))
    assert default_cache() == tmp_path / "features"
    monkeypatch.delenv("FRAMEHOLD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert default_cache() == tmp_path / "home" / "framehold" / "features"


# ---- options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"features": "resnet"}, "unknown extractor 'resnet'"),
        ({"frames": 9}, "--frames 9: embedded takes 10 or more"),
        ({"step": 5}, "--step 5: expected a divisor of the window's 12 frames"),
        ({"span": 8}, "--span 8: expected at least the window's 12 frames"),
        ({"mode": "fast"}, "--mode fast: embedded has one mode, statistics: leave --mode out"),
        ({"level": 0.0}, "--level 0: expected a share from 0.001 to 1"),
        ({"level": 1e-7}, "--level 1e-07: expected a share from 0.001 to 1"),
        ({"level": float("nan")}, "--level nan: expected a share"),
        ({"frames": 0}, "--frames 0: expected 1 or more"),
        ({"step": 0}, "--step 0: expected 1 or more"),
        ({"batch": 0}, "--batch 0: expected 1 or more"),
        ({"seed": -1}, "--seed -1: expected 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_named(sets: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FrameholdError, match=complaint):
        distance(str(sets / "mine"), str(sets / "real"), replace(REQUEST, **changes), Crew())


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command_prints_tables_and_what_they_do_not_say(sets: Path, tmp_path: Path) -> None:
    figure = tmp_path / "new" / "figure.svg"
    arguments = [
        "distance",
        str(sets / "mine"),
        str(sets / "real"),
        "--frames",
        "12",
        "--windows",
        "--figure",
        str(figure),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for words in ("kernel", "frechet", "jedi", "B from B", "distribution hold: 12 frames", "short.avi: 8 frames"):
        assert words in result.output
    assert "licence Apache-2.0" in result.output
    assert ElementTree.parse(figure).getroot().tag.endswith("svg")


def test_the_command_prints_json_alone(sets: Path) -> None:
    arguments = ["distance", str(sets / "mine"), str(sets / "real"), "--frames", "12", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert set(content) == {"a", "b", "features", "distances", "notes"}
    assert set(content["distances"]["kernel"]["same_size"]) == {"n", "samples", "reference", "floor"}


def test_a_figure_of_another_kind_is_refused(sets: Path) -> None:
    result = CliRunner().invoke(app, ["distance", str(sets / "mine"), str(sets / "real"), "--figure", "x.png"])
    assert isinstance(result.exception, FrameholdError)
    assert "--figure x.png: figures are written as .svg" in str(result.exception)


def test_a_figure_with_nothing_to_draw_is_refused_and_not_written(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8 clips in A and 16 in the reference are the least; clips that cannot be read do not count as any."""
    root = tmp_path / "few"
    for name, count in (("a", 8), ("b", 16), ("less", 15)):
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.avi").write_bytes((sets / "real" / f"r{number}.avi").read_bytes())
    figure = tmp_path / "figure.svg"

    def drawn(first: str, second: str) -> str:
        line = [
            "distance",
            str(root / first),
            str(root / second),
            "--frames",
            "12",
            "--windows",
            "--figure",
            str(figure),
        ]
        result = CliRunner().invoke(app, line)
        return str(result.exception or "")

    assert "15 clips" in drawn("a", "less")
    assert "take 8 and 16 or more, of several sources, or leave --figure out" in drawn("a", "less")
    assert not figure.exists()
    (root / "b" / "3.avi").write_bytes(b"no video")
    assert "15 clips" in drawn("a", "b")
    assert not figure.exists()
    (root / "b" / "3.avi").write_bytes((sets / "real" / "r3.avi").read_bytes())
    assert drawn("a", "b") == ""
    assert "nothing to show" not in figure.read_text()


# ---- inside a run ------------------------------------------------------------------------------------------------


def test_in_a_run_one_short_clip_of_the_reference_does_not_end_the_curve_of_all(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").mkdir()
    for number in range(9):
        write_lossless(tmp_path / "real" / f"r{number}.avi", clip(number, 16 if number == 4 else 34), 24)
    for number in range(3):
        write_lossless(tmp_path / "mine" / f"m{number}.avi", clip(100 + number, 32), 24)
    made = bench.run(
        clips=tmp_path / "mine", model="mine", reference=tmp_path / "real", out=tmp_path / "run", workers=1
    )
    block = made.summary["models"]["mine"]["distance"]
    assert block["b"]["refused"] == {"r4.avi": "16 frames, fewer than the span of 32"}
    assert (block["b"]["clips"], block["features"]["windows"]) == (8, 2)
    # Where only short clips are left, all are looked at, as far as they go.
    for number in range(8):
        write_lossless(tmp_path / "real" / f"r{number}.avi", clip(number, 16), 24)
    block = summarize(RunFolder(tmp_path / "run"), Crew())["models"]["mine"]["distance"]
    assert (block["b"]["refused"], block["b"]["clips"], block["features"]["windows"]) == ({}, 9, 1)
