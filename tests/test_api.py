"""bench: what the README shows does what it says."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import bench
from tests.factory import pan, picture, texture
from tests.stages.small_backend import NAME
from tests.video_factory import write_clip, write_video

ROOT = Path(__file__).parents[1]
FRAMES = 10


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos: a pan, and a pan that becomes another picture half way."""
    folder = tmp_path_factory.mktemp("videos") / "my-videos"
    folder.mkdir()
    whole = pan(FRAMES, 3, height=48, width=64)
    other = pan(FRAMES, 3, seed=9, height=48, width=64)
    write_video(folder / "whole.mp4", whole, fps=24)
    write_clip(folder / "ffv1.mkv", [*whole[: FRAMES // 2], *other[FRAMES // 2 :]], fps=24)
    return folder


@pytest.fixture(scope="module")
def run(clips: Path) -> bench.Run:
    return bench.run(clips=clips, model="mine", out=clips.with_name("run"), workers=1)


# ---- the page ----------------------------------------------------------------------------------------------------


def test_everything_public_is_there_and_documented() -> None:
    assert sorted(bench.__all__) == bench.__all__
    for name in bench.__all__:
        thing = getattr(bench, name)
        assert inspect.getdoc(thing), name
        for member, value in vars(thing).items() if inspect.isclass(thing) else ():
            if not member.startswith("_") and (callable(value) or hasattr(value, "func")):
                assert inspect.getdoc(value), f"{name}.{member}"


def test_the_readme_names_nothing_that_is_not_there(run: bench.Run, clips: Path) -> None:
    python = "".join(re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL))
    assert set(re.findall(r"bench\.(\w+)", python)) <= set(bench.__all__)
    score = bench.score_video(clips / "whole.mp4")
    assert [name for name in re.findall(r"\bscore\.(\w+)", python) if not hasattr(score, name)] == []
    assert [name for name in re.findall(r"\brun\.(\w+)", python) if not hasattr(run, name)] == []


def test_importing_it_is_cheap() -> None:
    code = "import sys, bench; print(sorted({'torch', 'cv2', 'av', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


# ---- one video ---------------------------------------------------------------------------------------------------


def test_an_array_is_scored(clips: Path) -> None:
    video = np.stack(pan(FRAMES, 3, height=48, width=64))
    score = bench.score_video(video, fps=24)
    assert (score.frames, score.distinct_frames) == (FRAMES, FRAMES)
    assert score.fps == pytest.approx(24)
    assert isinstance(score.hold, bench.Hold)
    assert score.held_seconds == pytest.approx(score.hold.held_frames / 24)
    assert list(score.curves.columns) == ["signal", "frame", "value"]
    assert list(score.evidence.columns) == ["frame", "evidence", "signal"]
    assert score.curves["frame"].between(0, FRAMES - 1).all()
    assert {"warping_error", "temporal_flickering", "mean_flow_magnitude"} <= set(score.metrics)
    assert all(np.isfinite(value) for value in score.metrics.values())
    assert score.motion == 0  # a pan has a camera and no subject


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 48, 64, 3)),
        np.full((4, 48, 64, 3), np.nan, np.float32),
        np.zeros((4, 48, 64, 3), np.uint16),
        np.zeros((4, 48, 64), np.uint8),
        np.zeros((4, 3, 48, 64), np.uint8),
        np.zeros((1, 4, 48, 64, 3), np.uint8),
        [np.zeros((48, 64, 3), np.uint8), np.zeros((24, 64, 3), np.uint8)],
    ],
)
def test_what_is_no_picture_is_refused_and_not_scored(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 pictures \(height, width, 3\) of one size, got"):
        bench.score_video(wrong, fps=24)


def test_one_picture_is_no_video() -> None:
    """It has no step: neither held nor broken, so it is missing, as in a run."""
    with pytest.raises(bench.MissingClip, match="one frame: a picture"):
        bench.score_video(np.stack(pan(1, 3, height=48, width=64)), fps=24)
    assert bench.score_video(np.stack(pan(2, 3, height=48, width=64)), fps=24).frames == 2


def test_a_rate_for_a_file_that_has_times_is_refused(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"whole\.mp4: a file has times of its own: leave out fps"):
        bench.score_video(clips / "whole.mp4", fps=12)
    for number, each in enumerate(pan(4, 3, height=48, width=64)):
        Image.fromarray(each).save(tmp_path / f"{number}.png")
    assert bench.score_video(tmp_path, fps=12).fps == pytest.approx(12)


def test_what_the_guarantee_does_not_reach_is_told_in_the_words_of_a_run(clips: Path, tmp_path: Path) -> None:
    """The calibration that comes with framehold knows 49 frames at 24 a second, and 4 to 24 frames a second."""
    assert bench.score_video(clips / "whole.mp4").notes == ()
    long, slow = pan(52, 2, height=48, width=64), pan(8, 3, height=48, width=64)
    (longer,) = bench.score_video(np.stack(long), fps=24).notes
    assert longer == (
        "The clip is longer than the footage behind the threshold (49 frames): there a false alarm has a chance of "
        "about 5% per that many frames, not per clip."
    )
    (far,) = bench.score_video(np.stack(slow), fps=2).notes
    assert far == (
        "The clip is of a frame rate far from all that were calibrated (24, 12, 8, 4 distinct frames a second): judged "
        "by the nearest, without a guarantee."
    )
    (few,) = bench.score_video(np.stack(slow[:7]), fps=4).notes
    assert few == (
        "The clip is shorter than 8 frames: little can be told of breaks there; of fewer than 6 not even whether the "
        "frames go on from one another."
    )
    write_clip(tmp_path / "ffv1.mkv", long, fps=24)
    run = bench.run(clips=tmp_path, model="mine", out=tmp_path.with_name("long"), workers=1)
    assert longer in run.summary["notes"]


def test_a_prompt_that_nothing_reads_is_told_of(clips: Path) -> None:
    told = "Alignment to the prompt is not scored for 1 of 1 clips: no clip_model was given."
    assert bench.score_video(clips / "whole.mp4", prompt="A dog runs").notes == (told,)


def test_a_change_of_everything_breaks_it() -> None:
    video = np.stack([*pan(24, 3, height=48, width=64), *pan(8, 3, seed=5, height=48, width=64)])
    score = bench.score_video(video, fps=24)
    assert score.hold.broke
    assert score.hold.cause is not None
    assert score.hold.held_frames == pytest.approx(24, abs=2)
    assert score.evidence["evidence"].max() == pytest.approx(score.hold.evidence, rel=1e-6)
    assert score.hold.evidence > 1


def test_a_file_is_scored_as_its_frames_are(clips: Path) -> None:
    lossless = clips / "ffv1.mkv"
    whole, other = (pan(FRAMES, 3, seed=seed, height=48, width=64) for seed in (0, 9))
    frames = [*whole[: FRAMES // 2], *other[FRAMES // 2 :]]
    from_file, from_frames = bench.score_video(lossless), bench.score_video(iter(frames), fps=24)
    pd.testing.assert_frame_equal(from_file.curves, from_frames.curves)
    assert from_file.hold == from_frames.hold
    assert bench.score_video(str(lossless)).hold == from_file.hold


def test_stillness_does_not_pay_unless_nothing_must_move() -> None:
    still = np.stack([picture(texture(48, 64, 3))] * FRAMES)
    hold = bench.score_video(still, fps=24).hold
    assert (hold.held_frames, hold.broke, hold.onset_frame, hold.cause) == (1, True, 1, "static")
    assert not bench.score_video(still, fps=24, moves="none").hold.broke


@pytest.mark.parametrize("fps", [None, 0, -1])
def test_pictures_need_their_rate(fps: float | None) -> None:
    with pytest.raises(ValueError, match=r"expected fps|expected a number above 0"):
        bench.score_video([picture(texture(48, 64))], fps=fps)


def test_a_video_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(bench.MissingClip, match="its content cannot be decoded as video"):
        bench.score_video(tmp_path / "a.mp4")
    with pytest.raises(bench.MissingClip, match="the clip has no frame"):
        bench.score_video([], fps=24)


# ---- a run -------------------------------------------------------------------------------------------------------


def test_a_folder_of_videos_is_run(run: bench.Run) -> None:
    assert isinstance(run, bench.Run)
    assert list(run.summary["models"]) == ["mine"]
    assert {"frames_held", "held_to_end", "by_cause", "by_category"} <= set(run.summary["models"]["mine"])
    assert run.folder.report_path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_tables_are_pandas_tables_that_fit_each_other(run: bench.Run) -> None:
    for table in (run.clips, run.holds, run.curves, run.evidence, run.metrics):
        assert isinstance(table, pd.DataFrame)
        assert set(table["clip_id"]) == set(run.clips["clip_id"])
    assert run.holds["clip_id"].tolist() == run.clips["clip_id"].tolist()  # a row a clip, in one order
    assert not run.curves.duplicated(["clip_id", "signal", "frame"]).any()
    assert not run.metrics.duplicated(["clip_id", "metric"]).any()
    assert (run.curves["valid"] == np.isfinite(run.curves["value"])).all()
    broke = run.holds[run.holds["broke"].astype(bool)]
    assert (broke["held_frames"] == broke["onset_frame"]).all()
    assert (run.holds["held_frames"] <= run.holds["frames"]).all()


def test_a_run_says_of_a_clip_what_scoring_it_alone_says(run: bench.Run, clips: Path) -> None:
    alone = bench.score_video(clips / "ffv1.mkv")
    (hold,) = run.holds[run.holds["prompt_id"] == "ffv1"].to_dict("records")
    assert (hold["held_frames"], hold["broke"], hold["fps"]) == (alone.hold.held_frames, alone.hold.broke, alone.fps)
    curves = run.curves[run.curves["clip_id"] == hold["clip_id"]][["signal", "frame", "value"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(curves, alone.curves, check_dtype=False)
    metrics = run.metrics[run.metrics["clip_id"] == hold["clip_id"]]
    assert dict(zip(metrics["metric"], metrics["value"], strict=True)) == alone.metrics


def test_a_run_is_opened_again(run: bench.Run, clips: Path) -> None:
    again = bench.open_run(run.folder.root)
    pd.testing.assert_frame_equal(again.holds, run.holds)
    assert again.summary == run.summary
    with pytest.raises(bench.FrameholdError, match="is not a run folder"):
        bench.open_run(clips)


def test_a_spec_is_run(tmp_path: Path) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text('name = "mine"\nversion = 1\nhorizon = 5\n[[prompt]]\nid = "a"\ntext = "A walk"\nseeds = [1, 2]\n')
    run = bench.run(str(suite), backends=[NAME], out=tmp_path / "run", workers=1)
    assert run.holds.groupby("model").size().to_dict() == {"small/pan": 2, "small/jump": 2}
    assert run.holds["seed"].tolist() == [1, 2, 1, 2]
    assert run.summary["horizon"] == 5
    spec = run.folder.spec()
    assert (spec.suite.name, spec.sources[0].backend, spec.profile) == ("mine", NAME, "light")
    assert {"framehold", "numpy", "av"} <= set(spec.versions)


@pytest.mark.slow
def test_own_thresholds_are_learnt_and_used(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    for number in range(4):
        write_video(footage / f"{number}.mp4", pan(9, 3, seed=number, height=48, width=64), fps=4)
    bench.calibrate(footage, tmp_path / "mine.json", alpha=0.5, workers=1)
    run = bench.run(clips=footage, model="m", calibration=tmp_path / "mine.json", out=tmp_path / "run", workers=1)
    assert run.summary["calibration"]["alpha"] == 0.5
    assert run.folder.spec().calibration == str((tmp_path / "mine.json").resolve())
    assert set(run.holds["calibration"]) == {run.summary["calibration"]["name"]}


def test_what_must_move_is_one_of_four_words() -> None:
    with pytest.raises(ValueError, match="moves 'Subject': expected one of subject, camera, scene, none"):
        bench.score_video(np.zeros((4, 64, 64, 3), np.uint8), fps=24, moves="Subject")  # type: ignore[arg-type]


def test_no_clip_is_no_clip_in_python_too() -> None:
    clip = np.stack(pan(6, 2))
    without = bench.score_video(clip, fps=24, prompt="a red ball rolls", clip_model="none")
    assert "clip_score" not in without.metrics
