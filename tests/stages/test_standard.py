"""The standard profile from footage to holds, with small networks of random weights; and what is said without them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import bench
from bench.calibration import least_sources
from bench.networks import WeightsAbsent
from bench.records import Calibration, ClipRow, Detector, FrameholdError, Picture, Prompt
from bench.run_folder import RunFolder, replace_rows
from bench.signals import LEARNED, LIGHT, PROFILES
from bench.stages import Crew
from bench.stages.calibrate import calibrate, load_calibration, write_calibration
from bench.stages.equip import about_networks, find_networks
from bench.stages.run import plan_run, run_all
from bench.stages.score import Scoring, _fingerprint, score, score_frames
from bench.stages.trials import Break, Footage, TrialJob, footage_frames, run_trials
from bench.stages.validate import validate
from bench.validation import OWN
from bench.video import Frame
from tests.dense.small_networks import make_known, nothing_known
from tests.video_factory import write_clip

FRAMES, FPS, ALPHA = 9, 24, 0.5
SCENES = ("A brown dog runs across a park", "A red bus drives down a city street", "A man walks along a beach")


CLIP = ClipRow("m_a_0_1", "m", "a", 0, "a dog", "animals", "subject", "folder", "f", file="a.mkv", sha256="0" * 64)


def drawn(text: str, frames: int = FRAMES) -> list[Picture]:
    return footage_frames(Footage(text, text, prompt=Prompt("one", text), seed=7), frames)[0]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many sources as a threshold at the level of a half needs."""
    folder = tmp_path_factory.mktemp("footage")
    assert least_sources(ALPHA) == len(SCENES)
    for number, text in enumerate(SCENES):
        (folder / f"{number}.mkv").write_bytes(write_clip(folder / "ffv1.mkv", drawn(text), FPS).read_bytes())
    (folder / "ffv1.mkv").unlink()
    return folder


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    return make_known(tmp_path / "caches", monkeypatch)


def frames_of(pictures: Sequence[Picture]) -> list[Frame]:
    return [Frame(index, index / FPS, each) for index, each in enumerate(pictures)]


@pytest.mark.slow
@pytest.mark.usefixtures("known")
def test_from_footage_to_thresholds_to_holds(footage: Path, tmp_path: Path) -> None:
    learnt = calibrate(footage, "standard", ALPHA, Crew(), offline=True).calibration
    assert learnt.profile == "standard"
    (rate,) = learnt.classes
    deciding = {(each.signal, each.mode) for each in rate.detectors if each.decides}
    assert deciding == set(PROFILES["standard"].decides)
    assert learnt.versions.items() >= about_networks("standard").items()
    write_calibration(tmp_path / "mine.json", learnt)

    spec = plan_run(clips=str(footage), model="m", profile="standard", calibration=str(tmp_path / "mine.json"))
    assert spec.versions.items() >= about_networks("standard").items()
    run = RunFolder(tmp_path / "run")
    summary = run_all(run, spec, Crew(), offline=True)
    assert (summary["models"]["m"]["clips"], summary["models"]["m"]["missing"]) == (len(SCENES), 0)
    table = pq.read_table(run.curves_path).to_pylist()
    assert {row["signal"] for row in table} == {*LIGHT, *LEARNED, "standstill"}
    assert {row["profile"] for row in pq.read_table(run.holds_path).to_pylist()} == {"standard"}

    clip = run.clips()[1]
    alone = {each.signal: each for each in score_frames(frames_of(drawn(SCENES[1])), "standard").curves}
    for name in (*LIGHT, *LEARNED):  # a score does not depend on what was scored before
        told = [row["value"] for row in table if row["clip_id"] == clip.clip_id and row["signal"] == name]
        np.testing.assert_allclose(told, alone[name].values, rtol=1e-6)

    before = run.curves_path.read_bytes()
    parts = {path.name for path in run.cache_folder.glob("*")}
    score(run, Crew(), offline=True)
    assert run.curves_path.read_bytes() == before
    assert {path.name for path in run.cache_folder.glob("*")} == parts  # found done


@pytest.mark.usefixtures("known")
def test_light_is_the_same_within_standard_and_a_fork_goes_on_as_the_whole() -> None:
    pictures = drawn(SCENES[0], 6)
    light = {each.signal: each for each in score_frames(frames_of(pictures)).curves}
    scoring = Scoring("standard")
    for frame in frames_of(pictures)[:4]:
        scoring.add(frame)
    forked = scoring.fork()
    for each in (scoring, forked):
        for frame in frames_of(pictures)[4:]:
            each.add(frame)
    whole = scoring.finish()
    np.testing.assert_equal(forked.finish(), whole)
    for curve in whole.curves:
        if curve.signal in light:
            np.testing.assert_equal(curve, light[curve.signal])


def test_on_another_device_a_clip_is_scored_anew(known: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    for found in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=found: found)
        networks = find_networks("standard", offline=True)
        assert networks["device"] == ("cuda" if found else "cpu")
        marks.append(_fingerprint(CLIP, "standard", None, networks))
    assert marks[0] != marks[1]
    assert find_networks("light", offline=True) == {}


@pytest.mark.usefixtures("known")
def test_trials_of_a_study_look_with_the_networks_too() -> None:
    classes = load_calibration("light")[0].classes
    walk, dog = (Footage(text, text, prompt=Prompt("one", text), seed=7) for text in SCENES[:2])
    cut = Break("cut", "strong", 1.0, 0.5, 3)
    told = {}
    for profile in ("light", "standard"):
        told[profile] = run_trials(TrialJob(walk, dog, FRAMES, profile, classes, (cut,), (), (), 7))
    assert [each.trial.onset for each in told["standard"]] == [FRAMES, 4]
    assert told["standard"] == told["light"]  # by the thresholds of light, whose signals are in both
    always = Detector("patch_first", "level", 1.0, (), (-9.0,), (1.0,), 1.0)  # which light does not measure
    strict = tuple(replace(each, detectors=(always,), threshold=1.0) for each in classes)
    one = run_trials(TrialJob(walk, dog, FRAMES, "standard", strict, (), (), (), 7))
    assert one[0].trial.findings[OWN].alarm == 1


# ---- what is not there -------------------------------------------------------------------------------------------


def test_without_weights_nothing_begins(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_known(tmp_path, monkeypatch)
    crew = Crew(progress=lambda *_: pytest.fail("work has begun"))
    told = r"^--profile standard: raft-small: .*; dinov2-small: .*; or take --profile light, which needs none$"
    with pytest.raises(WeightsAbsent, match=told):
        calibrate(footage, "standard", ALPHA, crew, offline=True)
    with pytest.raises(WeightsAbsent, match=told):
        validate(tmp_path / "study", crew, footage, "standard", offline=True)
    calibration, _ = load_calibration("light")
    text = json.dumps(
        {
            **json.loads(_text(tmp_path, calibration)),
            "profile": "standard",
            "profile_version": PROFILES["standard"].version,
        }
    )
    (tmp_path / "mine.json").write_text(text)
    spec = plan_run(clips=str(footage), model="m", profile="standard", calibration=str(tmp_path / "mine.json"))
    with pytest.raises(WeightsAbsent, match=told):
        run_all(RunFolder(tmp_path / "run"), spec, crew, offline=True)
    assert not (tmp_path / "run").exists()
    run = RunFolder(tmp_path / "scored")
    run.begin(spec)
    replace_rows(run.clips_path, [asdict(CLIP)])
    with pytest.raises(WeightsAbsent, match=told):
        score(run, crew, offline=True)


def _text(folder: Path, calibration: Calibration) -> str:
    write_calibration(folder / "light.json", calibration)
    return (folder / "light.json").read_text()


def test_without_a_calibration_it_is_said_what_to_do(footage: Path, tmp_path: Path) -> None:
    told = (
        rf"^--profile standard: no calibration comes with version {PROFILES['standard'].version} of it: .*"
        r"`framehold calibrate --reference DIR "
        r"--profile standard` and pass it with --calibration; --profile light has one$"
    )
    crew = Crew(progress=lambda *_: pytest.fail("work has begun"))
    with pytest.raises(FrameholdError, match=told):
        plan_run(clips=str(footage), model="m", profile="standard")
    with pytest.raises(FrameholdError, match=told):
        validate(tmp_path / "study", crew, None, "standard")
    with pytest.raises(FrameholdError, match=told):
        bench.score_video(drawn(SCENES[0], 3), fps=FPS, profile="standard")


@pytest.mark.usefixtures("known")
def test_too_little_footage_is_told_before_it_is_measured(footage: Path, tmp_path: Path) -> None:
    crew = Crew(progress=lambda *_: pytest.fail("work has begun"))
    with pytest.raises(FrameholdError, match=r"level of 0\.05 needs at least 23 sources, and there are 3"):
        calibrate(footage, "standard", 0.05, crew)
    with pytest.raises(FrameholdError, match="takes 23 others: got 3 sources in all"):
        validate(tmp_path / "study", crew, footage, "standard")
