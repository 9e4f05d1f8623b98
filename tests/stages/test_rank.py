"""rank: the table, the rules of a submission, and files that other people's names cannot break."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records import FrameholdError, Source, Suite
from bench.report.leaderboard import leaderboard_latex, leaderboard_markdown, write_leaderboard
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages import summarize as summarize_stage
from bench.stages.compare import compare
from bench.stages.rank import rank
from tests.stages.held_runs import DOUBTFUL, Held, clips_of, write_held_run

GOOD = [None, 11, None, 10, None, 9, 11, None, 10, None] * 2
FAIR = [6, 7, 5, 8, 6, 7, 6, 5, 7, 6] * 2
POOR = [1, 2, 2, 1, 3, 1, 2, 2, 1, 2] * 2
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a run of clips and return its folder."""

    def make(name: str, clips: list[Held], **options: object) -> Path:
        return write_held_run(tmp_path / name, clips, **options).root  # type: ignore[arg-type]

    return make


def test_models_of_several_runs_in_one_table(write: Write) -> None:
    one = write("one", clips_of("fair", FAIR) + clips_of("good", GOOD))
    other = write("other", clips_of("poor", POOR))
    board = rank([one, other], Crew())
    assert [entry.label for entry in board.entries] == ["good", "fair", "poor"]
    assert [(entry.place.rank, entry.place.low, entry.place.high) for entry in board.entries] == [
        (1, 1, 1), (2, 2, 2), (3, 3, 3)
    ]  # fmt: skip
    assert board.entries[0].numbers["frames_held"]["value"] == pytest.approx(sum(frame or 12 for frame in GOOD) / 20)
    assert (board.horizon, board.prompts, board.rejected) == (12, 20, ())
    assert list(board.references) == ["real footage", "frozen frame"]
    assert board.references["real footage"]["frames_held"]["value"] == 12
    assert len(board.pairs) == 3


def test_versions_of_one_model_are_told_apart_by_their_runs(write: Write) -> None:
    board = rank([write("v1", clips_of("m", GOOD)), write("v2", clips_of("m", GOOD, content="v2"))], Crew())
    assert [entry.label for entry in board.entries] == ["m (v1)", "m (v2)"]
    assert {entry.place.groups for entry in board.entries} == {"a"}
    assert [(entry.place.rank, entry.place.low, entry.place.high) for entry in board.entries] == [(1, 1, 2)] * 2


def test_the_same_run_twice_is_an_error(write: Write) -> None:
    run = write("run", clips_of("m", GOOD))
    with pytest.raises(FrameholdError, match="name each run once"):
        rank([run, run], Crew())


# ---- the rules ---------------------------------------------------------------------------------------------------


def reasons(board_runs: list[Path]) -> str:
    board = rank(board_runs, Crew())
    assert [entry.label for entry in board.entries] == ["good"]
    return "; ".join(board.rejected[0].reasons)


def test_an_incomplete_suite(write: Write) -> None:
    good = write("good", clips_of("good", GOOD))
    suite = RunFolder(good).spec().suite
    part = write("part", clips_of("part", FAIR)[:18], suite=suite)
    assert "2 of 20 clips were never made (p18)" in reasons([good, part])


def test_too_many_missing_clips_and_just_few_enough(write: Write) -> None:
    clips = clips_of("gaps", FAIR)
    gaps = [replace(clip, missing="refused") if number < 2 else clip for number, clip in enumerate(clips)]
    good = write("good", clips_of("good", GOOD))
    assert "2 of 20 clips are missing, more than 5%" in reasons([good, write("gaps", gaps)])
    one = [replace(clips[0], missing="refused"), *clips[1:]]
    board = rank([good, write("one", one)], Crew())
    entry = board.entries[1]
    assert (entry.clips, entry.missing) == (20, 1)
    assert entry.frames_held_if_missing_broke == pytest.approx(sum(FAIR[1:]) / 20)
    assert entry.numbers["frames_held"]["value"] == pytest.approx(sum(FAIR[1:]) / 19)


def test_random_weights(write: Write) -> None:
    random = write("random", clips_of("random", FAIR), source=Source("folder", {"weights": "random"}))
    good = write("good", clips_of("good", GOOD))
    assert "its weights are random" in reasons([good, random])
    marked = write("marked", clips_of("marked", [*FAIR[:19], None], facts={"weights": "random"}))
    assert "20 of 20 clips were made with random weights" in reasons([good, marked])
    other = write("other", clips_of("other", FAIR), source=Source("diffusers", {"weights": "random"}))
    assert rank([good, other], Crew()).rejected == ()  # another source of that run, which made none of these clips


def test_another_suite_and_another_calibration(write: Write) -> None:
    good = write("good", clips_of("good", GOOD))
    suite = write("suite", clips_of("other", FAIR), categories={"p0": "people"})
    assert "another suite than" in reasons([good, suite])
    calibration = write("calibration", clips_of("other", FAIR), scores=DOUBTFUL)
    assert "another calibration than" in reasons([good, calibration])


def test_a_clip_that_is_not_its_hash(write: Write) -> None:
    changed = write("changed", clips_of("changed", FAIR))
    clip = sorted((changed / "clips").glob("*.mp4"))[0]
    clip.write_text("another clip")
    assert f"clips/{clip.name} is not the clip that was scored" in reasons(
        [write("good", clips_of("good", GOOD)), changed]
    )


def test_no_suite_is_no_submission_unless_rules_are_off(write: Write) -> None:
    none = Suite("clips", 1, ())
    run = write("run", clips_of("mine", GOOD), suite=none)
    with pytest.raises(FrameholdError, match="mine: it was made from a folder of clips without a suite"):
        rank([run], Crew())
    board = rank([run], Crew(), rules=False)
    assert board.rules == ()
    assert "The rules of a leaderboard were not checked." in board.notes


def test_a_model_without_a_single_clip(write: Write) -> None:
    lost = [replace(clip, missing="refused") for clip in clips_of("lost", FAIR)]
    board = rank([write("run", clips_of("good", GOOD) + lost)], Crew(), rules=False)
    assert [(each.label, each.reasons) for each in board.rejected] == [("lost", ("every clip is missing",))]


def test_a_horizon_cuts_frames_and_seconds_alike(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 12 frames at 24 a second that hold 3 or 12 frames: to frame 6 that is 4.5 frames, 0.1875 seconds."""
    place = write("run", clips_of("m", [3, None] * 4))
    entry = rank([place], Crew(), horizon=6)
    block = entry.entries[0].numbers
    assert (entry.horizon, entry.horizon_seconds, block["frames_held"]["value"]) == (6, 0.25, 4.5)
    assert block["seconds_held"]["value"] == pytest.approx(4.5 / 24)
    assert entry.references["real footage"]["seconds_held"]["value"] == pytest.approx(0.25)
    monkeypatch.setattr(summarize_stage, "write_strips", lambda *_: None)  # these clips are no videos
    summary = summarize_stage.summarize(RunFolder(place), Crew(), 6)
    assert (summary["horizon"], summary["horizon_seconds"]) == (6, 0.25)
    assert summary["models"]["m"]["seconds_held"]["value"] == pytest.approx(4.5 / 24)
    found = compare(place, place, horizon=6, unit="seconds")
    assert (found.horizon_frames, found.horizon_seconds) == (6, 0.25)
    assert found.margin == pytest.approx(0.0125)


def test_a_horizon_beyond_the_clips_lasts_what_so_many_frames_last(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """36 frames at 24 a second are 1.5 s: a summary's floor reaches there, its rows and a leaderboard end with clips.

    One model's clips have 12 frames, the first of the other's 24.
    """
    long = replace(clips_of("long", [None])[0], frames=24)
    place = write("run", [*clips_of("short", [None] * 4), long, *clips_of("long", [None] * 4)[1:]])
    monkeypatch.setattr(summarize_stage, "write_strips", lambda *_: None)  # these clips are no videos
    summary = summarize_stage.summarize(RunFolder(place), Crew(), 36)
    assert (summary["horizon"], summary["horizon_seconds"]) == (36, 1.5)
    blocks = summary["models"] | summary["reference"]
    frames = {name: block["frames_held"]["horizon"] for name, block in blocks.items()}
    assert frames == {"short": 12, "long": 24, "real footage": 12, "frozen frame": 36}
    for name, block in blocks.items():
        assert block["seconds_held"]["horizon"] == pytest.approx(frames[name] / 24)
    board = rank([place], Crew(), horizon=36, rules=False)
    assert (board.horizon, board.horizon_seconds) == (12, 0.5)
    found = compare(f"{place}:long", f"{place}:long", horizon=36)
    assert (found.horizon_frames, found.horizon_seconds) == (24, 1.0)


def test_real_footage_is_not_said_to_hold_longer_than_it_was_watched(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clips here have 12 frames, the models' 24."""
    place = write("run", clips_of("m", [9, None] * 4, frames=24))
    note = (
        "Real footage is known over its first 12 frames only: its row is of those, and says nothing of the rest of the "
        "24 frames."
    )
    board = rank([place], Crew())
    assert board.horizon == 24
    assert note in board.notes
    for text in (leaderboard_markdown(board), leaderboard_latex(board)):
        assert "real footage, first 12 frames" in text
        assert "frozen frame, first" not in text
    files = write_leaderboard(board, tmp_path / "out")
    rows = {row["model"]: row["horizon"] for row in csv.DictReader(files[0].read_text().splitlines())}
    assert rows == {"m": "24", "real footage": "12", "frozen frame": "24"}
    assert json.loads(files[1].read_text())["references"]["real footage"]["held_to_end"]["horizon"] == 12
    assert not any("real footage" in each.lower() for each in rank([place], Crew(), horizon=12).notes)

    monkeypatch.setattr(summarize_stage, "write_strips", lambda *_: None)  # these clips are no videos
    summary = summarize_stage.summarize(RunFolder(place), Crew())
    real = summary["reference"]["real footage"]
    assert (summary["horizon"], real["frames_held"]["horizon"], real["held_to_end"]["horizon"]) == (24, 12, 12)
    assert note in summary["notes"]
    assert note not in summarize_stage.summarize(RunFolder(place), Crew(), 12)["notes"]


# ---- files -------------------------------------------------------------------------------------------------------

NASTY = '=cmd|"<b>x</b> & 50% of $_a\\b'


def test_every_file_and_its_numbers(write: Write, tmp_path: Path) -> None:
    clips = [replace(clip, metrics={"clip_score": 0.25}) for clip in clips_of("good", GOOD)]
    board = rank([write("run", clips + clips_of("poor", POOR))], Crew())
    files = write_leaderboard(board, tmp_path / "out")
    assert [file.name for file in files] == [f"leaderboard.{kind}" for kind in ("csv", "json", "tex", "md")]
    markdown = files[3].read_text()
    assert "| published metrics | clip score |" in markdown
    assert "| good | 0.25 |\n| poor | - |" in markdown
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert [row["model"] for row in rows] == ["good", "poor", *board.references]
    assert float(rows[0]["frames_held"]) == board.entries[0].numbers["frames_held"]["value"]
    assert (rows[0]["metric.clip_score"], rows[1]["metric.clip_score"]) == ("0.25", "")
    assert rows[0]["cost_usd"] == ""  # nobody said: not zero
    content = json.loads(files[1].read_text())
    assert [entry["label"] for entry in content["entries"]] == ["good", "poor"]
    assert content["entries"][0]["cost_usd"] is None


def test_a_metric_that_is_no_number_is_in_no_mean(write: Write, tmp_path: Path) -> None:
    clips = [replace(clip, metrics={"clip_score": float("nan"), "w": float("nan")}) for clip in clips_of("good", GOOD)]
    clips[3] = replace(clips[3], metrics={"clip_score": 0.25})
    board = rank([write("run", clips)], Crew())
    assert board.entries[0].metrics == {"clip_score": 0.25}
    write_leaderboard(board, tmp_path / "out")


@pytest.mark.parametrize("horizon", [0, -1])
def test_a_horizon_that_is_none(write: Write, horizon: int) -> None:
    with pytest.raises(FrameholdError, match=f"--horizon {horizon}"):
        rank([write("run", clips_of("good", GOOD))], Crew(), horizon=horizon)


def test_names_cannot_break_a_file(write: Write, tmp_path: Path) -> None:
    board = rank([write("run", clips_of(NASTY, GOOD))], Crew())
    files = write_leaderboard(board, tmp_path / "out")
    assert next(csv.DictReader(files[0].read_text().splitlines()))["model"] == f"'{NASTY}"
    latex = leaderboard_latex(board)
    assert r"50\% of \$\_a\textbackslash{}b" in latex
    assert len([line for line in latex.splitlines() if line.endswith(r"\\")]) == 1 + 1 + 2
    row = next(line for line in leaderboard_markdown(board).splitlines() if "cmd" in line)
    assert r"\<b\>x\</b\>" in row
    assert row.replace(r"\|", "").count("|") == 9
