"""The whole path: the same bytes with one worker or two, after a kill at any stage, and around clips that cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import bench
from bench.records import FrameholdError
from bench.run_folder import RunFolder, read_rows
from bench.stages import Crew
from bench.stages.run import plan_run, run_all
from tests.factory import pan
from tests.stages.small_backend import NAME, STALL
from tests.video_factory import noise, pattern, write_clip, write_video

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 300  # a test that waits in vain ends
SUITE = """
name = "small"
version = 1
""" + "".join(f'\n[[prompt]]\nid = "{name}"\ntext = "A {name} thing"\n' for name in ("red", "green", "blue", "grey"))
CLIPS = 8  # four prompts, two models


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("suites") / "small.toml"
    path.write_text(SUITE)
    return str(path)


@pytest.fixture(scope="module")
def undisturbed(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by one worker that nobody stopped."""
    root = tmp_path_factory.mktemp("runs") / "undisturbed"
    bench.run(suite, backends=[NAME], out=root, workers=1)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a run by its name."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def assert_equal_runs(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert {"curves.parquet", "holds.parquet", "metrics.parquet", "summary.json", "report.html"} <= set(first)
    assert len([name for name in first if name.startswith("clips/") and name.endswith(".avi")]) == CLIPS


def times(root: Path, *patterns: str) -> dict[str, int]:
    """When each of those files was written."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for each in patterns for path in root.glob(each)}


# ---- whoever does the work, however often it is stopped ----------------------------------------------------------


def test_the_run_holds_what_was_asked(undisturbed: Path) -> None:
    run = bench.open_run(undisturbed)
    assert len(run.clips) == len(run.holds) == CLIPS
    assert run.holds["missing"].isna().all()
    assert list(run.summary["models"]) == ["small/pan", "small/jump"]
    assert {block["clips"] for block in run.summary["models"].values()} == {4}
    assert run.holds["held_frames"].between(1, 6).all()


def test_a_run_judged_anew_by_other_thresholds_says_so(suite: str, tmp_path: Path) -> None:
    bench.calibrate(None, tmp_path / "keen.json", alpha=0.2)
    told = []
    for calibration in (None, str(tmp_path / "keen.json"), str(tmp_path / "keen.json")):
        spec = plan_run(suite, [NAME], calibration=calibration)
        summary = run_all(RunFolder(tmp_path / "run"), spec, Crew())
        told.append([note for note in summary["notes"] if note.startswith("Judged anew by calibration ")])
    assert [len(notes) for notes in told] == [0, 1, 0]
    marks = told[1][0].removesuffix(".").removeprefix("Judged anew by calibration ").split("; before it was ")
    assert summary["calibration"]["sha256"].startswith(marks[0])
    assert marks[0] != marks[1]


@pytest.mark.slow
def test_two_workers_make_the_same_bytes(suite: str, undisturbed: Path, tmp_path: Path) -> None:
    bench.run(suite, backends=[NAME], out=tmp_path / "run", workers=2)
    assert_equal_runs(tmp_path / "run", undisturbed)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
@pytest.mark.parametrize(
    ("stall", "stage"), [("blue,grey", "clips.jsonl"), ("", "cache/*.parquet")], ids=["generate", "score"]
)
def test_killed_and_run_again_it_makes_the_same_bytes(
    suite: str, undisturbed: Path, tmp_path: Path, stall: str, stage: str
) -> None:
    root = tmp_path / "run"
    arguments = ["run", suite, "--backend", NAME, "--out", str(root), "--workers", "2"]
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    process = subprocess.Popen(
        [sys.executable, "-c", "from bench.cli import main; main()", *arguments],
        env=os.environ | {"PYTHONPATH": path, STALL: stall},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: done(root, stage) >= 2, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    settle(root)
    assert not (root / "summary.json").exists()
    finished = times(root, "cache/*.parquet") | times(root, *(row["file"] for row in read_rows(root / "clips.jsonl")))
    assert 2 <= len(finished) < 2 * CLIPS
    bench.run(suite, backends=[NAME], out=root, workers=1)
    assert_equal_runs(root, undisturbed)
    assert {name: when for name, when in times(root, "clips/*", "cache/*").items() if name in finished} == finished


def done(root: Path, stage: str) -> int:
    """How many clips of a stage are finished: rows of a file, or files."""
    return len(read_rows(root / stage)) if stage.endswith("jsonl") else len(list(root.glob(stage)))


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE_SECONDS * 200):
        if condition():
            return
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    pytest.fail("waited in vain")


def settle(root: Path) -> None:
    """Wait until the orphaned workers have ended: then nothing changes any more."""
    before = None
    while before != (before := times(root, "**/*")):
        time.sleep(0.5)


def test_what_is_done_is_not_done_again(suite: str, undisturbed: Path) -> None:
    before = times(undisturbed, "clips/*", "cache/*", "strips/*")
    content = contents(undisturbed)
    bench.run(suite, backends=[NAME], out=undisturbed, workers=1)
    assert times(undisturbed, "clips/*", "cache/*", "strips/*") == before
    assert contents(undisturbed) == content


@pytest.mark.parametrize("lost", ["clips/*red*.avi", "cache/*red*", "strips/*red*", "*.parquet", "clips.jsonl"])
def test_what_is_lost_is_made_again(suite: str, undisturbed: Path, lost: str) -> None:
    content = contents(undisturbed)
    paths = list(undisturbed.glob(lost))
    assert paths
    for path in paths:
        path.unlink()
    bench.run(suite, backends=[NAME], out=undisturbed, workers=1)
    assert contents(undisturbed) == content


def test_finished_work_that_is_damaged_is_named(suite: str, undisturbed: Path) -> None:
    path = min((undisturbed / "cache").iterdir())
    content = path.read_bytes()
    path.write_bytes(content[:-50])
    with pytest.raises(FrameholdError, match=rf"{path.name} is damaged: delete it and run the same command again"):
        bench.run(suite, backends=[NAME], out=undisturbed, workers=1)
    path.write_bytes(content)


# ---- clips that cannot be read -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> bench.Run:
    """A run over every kind of bad clip beside two good ones."""
    folder = tmp_path_factory.mktemp("mixed")
    write_clip(folder / "ffv1.mkv", pan(6, 4, height=48, width=64))
    write_video(folder / "good.mp4", pan(6, 4, height=48, width=64))
    write_video(folder / "cut.mp4", noise(9, 64, 48))
    (folder / "cut.mp4").write_bytes((folder / "cut.mp4").read_bytes()[:-4000])
    write_clip(folder / "one.gif", pattern(1))
    write_clip(folder / "dot.webp", noise(5, 1, 1))
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mov").touch()
    (folder / "pngs").mkdir()
    (folder / "pngs" / "0.png").write_bytes(b"\x89PNG")
    names = ["ffv1.mkv", "good.mp4", "cut.mp4", "one.gif", "dot.webp", "text.mp4", "empty.mov", "pngs", "gone.mp4"]
    (folder / "clips.csv").write_text("file,model\n" + "".join(f"{name},m\n" for name in names))
    return bench.run(clips=folder, out=folder.with_name("run"), workers=1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ffv1", None),
        ("good", None),
        ("one", "one frame: "),
        ("dot", None),
        ("cut", "truncated"),
        ("text", "its content cannot be decoded as video"),
        ("empty", "the file is empty"),
        ("pngs", "pngs"),
        ("gone", "no such file"),
    ],
)
def test_a_clip_that_cannot_be_read_is_one_row_with_its_reason(mixed: bench.Run, name: str, reason: str | None) -> None:
    (hold,) = mixed.holds[mixed.holds["prompt_id"] == name].to_dict("records")
    if reason is None:
        assert pd.isna(hold["missing"])
        assert hold["held_frames"] >= 1
        return
    assert reason in hold["missing"]
    assert "\n" not in hold["missing"]
    assert str(mixed.folder.root.parent) not in hold["missing"]  # a reason is the same wherever the run lies
    assert name == "one" or hold["missing"].startswith(
        "gone.mp4: no such file" if name == "gone" else f"clips/m_{name}"
    )
    measured = ["frames", "distinct_frames", "fps", "held_frames", "held_seconds", "broke", "motion", "evidence"]
    assert all(pd.isna(hold[column]) for column in measured)  # not 0, not false
    assert hold["clip_id"] not in set(mixed.curves["clip_id"]) | set(mixed.evidence["clip_id"])


def test_missing_clips_are_counted_and_not_called_censored(mixed: bench.Run) -> None:
    block = mixed.summary["models"]["m"]
    assert (block["clips"], block["missing"]) == (9, 6)
    assert block["broke"] + block["censored"] + block["static"] == 3
    assert sum(block["missing_reasons"].values()) == 6


def test_a_run_without_one_clip_says_so_after_its_tables_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_text("not a video")
    with pytest.raises(FrameholdError, match=r"all 2 clips are missing; the reason of 1: .*cannot be decoded as video"):
        bench.run(clips=folder, model="m", out=tmp_path / "run", workers=1)
    run = bench.open_run(tmp_path / "run")
    assert run.holds["missing"].notna().tolist() == [True, True]
    assert run.summary["models"]["m"]["missing"] == 2
    assert run.summary["models"]["m"]["frames_held"] is None


# ---- changed input -----------------------------------------------------------------------------------------------


def test_only_a_clip_that_changed_is_scored_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "clips", tmp_path / "run"
    folder.mkdir()
    for name in ("a", "b"):
        write_video(folder / f"{name}.mp4", pan(5, 4, seed=1, height=48, width=64))
    before = bench.run(clips=folder, model="m", out=out, workers=1).holds
    kept = times(out, "clips/m_b*", "cache/m_b*")
    write_video(folder / "a.mp4", pan(7, 4, seed=2, height=48, width=64))
    after = bench.run(clips=folder, model="m", out=out, workers=1)
    assert before["frames"].tolist() == [5, 5]
    assert after.holds["frames"].tolist() == [7, 5]
    assert times(out, "clips/m_b*", "cache/m_b*") == kept


def test_a_clip_that_is_gone_from_the_folder_is_gone_from_the_tables(tmp_path: Path) -> None:
    folder, out = tmp_path / "clips", tmp_path / "run"
    folder.mkdir()
    for name in ("a", "b"):
        write_video(folder / f"{name}.mp4", pan(4, 4, height=48, width=64))
    bench.run(clips=folder, model="m", out=out, workers=1)
    (folder / "a.mp4").unlink()
    run = bench.run(clips=folder, model="m", out=out, workers=1)
    assert run.clips["prompt_id"].tolist() == run.holds["prompt_id"].tolist() == ["b"]
    assert set(run.curves["clip_id"]) == set(run.holds["clip_id"])


def test_bytes_that_were_made_elsewhere_stay_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    original = write_video(folder / "a.mp4", pan(4, 4, height=48, width=64)).read_bytes()
    run = bench.run(clips=folder, model="m", out=tmp_path / "run", workers=1)
    (file,) = run.clips["file"]
    assert (RunFolder(tmp_path / "run").root / file).read_bytes() == original == (folder / "a.mp4").read_bytes()


@pytest.mark.parametrize("name", ["real footage", "frozen frame"])
def test_no_model_takes_the_name_of_a_reference_row(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "clips" / name
    folder.mkdir(parents=True)
    write_video(folder / "a.mp4", pan(4, 4, height=48, width=64))
    with pytest.raises(FrameholdError, match=f"'{name}' is the name of a row that stands in every table"):
        bench.run(clips=tmp_path / "clips", out=tmp_path / "run", workers=1)
    with pytest.raises(FrameholdError, match=f"'{name}' is the name of a row"):
        bench.run(clips=folder, model=name, out=tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


def test_only_the_pictures_of_a_clip_come_into_the_run(tmp_path: Path) -> None:
    """What lies beside them is not the clip, be it a note or a link to somebody's secret."""
    folder = tmp_path / "clips" / "pics"
    folder.mkdir(parents=True)
    for number, each in enumerate(pan(4, 4, height=48, width=64)):
        Image.fromarray(each).save(folder / f"{number}.png")
    (tmp_path / "secret").write_text("a password")
    (folder / "notes").symlink_to(tmp_path / "secret")
    run = bench.run(clips=tmp_path / "clips", model="m", out=tmp_path / "run", workers=1)
    assert run.holds["missing"].isna().all()
    kept = [path for path in (tmp_path / "run" / "clips").rglob("*") if path.is_file()]
    assert sorted(path.name for path in kept) == [f"{number}.png" for number in range(4)]


def test_a_request_that_cannot_be_leaves_no_folder(tmp_path: Path, suite: str) -> None:
    with pytest.raises(FrameholdError, match="no such folder or file"):
        bench.run(clips=tmp_path / "nothing", model="m", out=tmp_path / "run")
    with pytest.raises(FrameholdError, match="unknown backend"):
        bench.run(suite, backends=["nobody"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
