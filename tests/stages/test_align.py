"""Which CLIP sees a run's prompts when nobody says, and the threshold with which its alignment ends a hold."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.calibration import conformal_rank
from bench.networks import EMBEDDED_CLIP, EMBEDDED_SHA256, EMBEDDED_WEIGHTS, EXAMPLE_CLIP
from bench.records import FrameholdError, Prompt, ScoredRow, Source, Suite
from bench.run_folder import RunFolder, read_records, read_rows
from bench.signals import about
from bench.stages import Crew, align
from bench.stages.align import alignment_threshold, can_read, default_clip, why_no_default, with_alignment
from bench.stages.calibrate import load_calibration
from bench.stages.redraw import redraw
from bench.stages.rescore import stored_numbers
from bench.stages.run import plan_run, run_all
from bench.stages.verify import verify
from bench.suite import load_suite, suite_hash
from tests.factory import procedural_spec

DRAWN = (Source("procedural", {}, ("procedural/steady",)),)
KNOWN, STRANGE = Prompt("known", "A dog runs in a park"), Prompt("strange", "A unicorn, a tram, an elk and a yak")
LEAST_CLIPS = 200


# ---- the choice --------------------------------------------------------------------------------------------------


def test_by_default_the_embedded_clip_sees_what_the_renderer_draws() -> None:
    assert plan_run().clip_model == EMBEDDED_CLIP
    assert plan_run("quick", ["procedural/pop"]).clip_model == EMBEDDED_CLIP
    assert plan_run(clip_model="none").clip_model is None
    assert plan_run(clip_model=EXAMPLE_CLIP).clip_model == EXAMPLE_CLIP
    with pytest.raises(FrameholdError, match="--clip 'nobody': expected embedded"):
        plan_run(clip_model="nobody")


def test_by_default_nothing_is_guessed_of_other_prompts_and_pictures(tmp_path: Path) -> None:
    strange = Suite("strange", 1, (STRANGE, Prompt("elk", "An elk walks in a park")))
    assert default_clip(strange, DRAWN) is None
    assert why_no_default(strange, DRAWN) == (
        f"the embedded CLIP was never taught 'unicorn', 'tram', 'elk', and 1 more: pass a pretrained one, for example "
        f"--clip {EXAMPLE_CLIP}"
    )
    quick = load_suite("quick")
    assert why_no_default(quick, DRAWN) is None
    foreign = why_no_default(quick, (*DRAWN, Source("diffusers", {}, ("a/model",))))
    assert foreign == why_no_default(Suite("clips", 1, ()), (Source("folder", {"path": "x"}),))
    assert foreign == (
        f"the embedded CLIP knows only what the procedural backend draws: pass a pretrained one, for example --clip "
        f"{EXAMPLE_CLIP}"
    )
    assert plan_run(clips=str(tmp_path), model="m").clip_model is None


def test_one_prompt_known_in_full_is_enough_whatever_the_others_are() -> None:
    assert default_clip(Suite("both", 1, (STRANGE, KNOWN)), DRAWN) == EMBEDDED_CLIP
    assert can_read(EMBEDDED_CLIP, KNOWN.text)
    assert not can_read(EMBEDDED_CLIP, STRANGE.text)
    assert can_read(EXAMPLE_CLIP, STRANGE.text)


def test_asked_for_by_name_it_must_know_a_prompt_of_the_suite(tmp_path: Path) -> None:
    suite = tmp_path / "own.txt"
    suite.write_text("An elk walks in a park\n")
    with pytest.raises(FrameholdError) as refused:
        plan_run(str(suite), ["procedural/pop"], clip_model=EMBEDDED_CLIP)
    assert str(refused.value) == (
        "--clip embedded: no prompt of suite own can be scored: the embedded CLIP was never taught 'elk': pass a "
        f"pretrained one, for example --clip {EXAMPLE_CLIP}"
    )
    assert plan_run(str(suite), ["procedural/pop"], clip_model=EXAMPLE_CLIP).clip_model == EXAMPLE_CLIP
    suite.write_text("An elk walks in a park\nA dog walks in a park\n")
    assert plan_run(str(suite), ["procedural/pop"], clip_model=EMBEDDED_CLIP).clip_model == EMBEDDED_CLIP
    assert plan_run(clips=str(tmp_path), model="m", clip_model=EMBEDDED_CLIP).clip_model == EMBEDDED_CLIP  # no suite


@pytest.mark.parametrize("suite", ["core", "mini"])
def test_suites_for_real_models_need_a_pretrained_one(suite: str) -> None:
    assert default_clip(load_suite(suite), DRAWN) is None


# ---- the threshold -----------------------------------------------------------------------------------------------


def test_the_threshold_is_that_of_its_clips_and_of_the_weights_that_are_shipped() -> None:
    learnt = alignment_threshold()
    assert learnt.clip_sha256 == EMBEDDED_SHA256[EMBEDDED_WEIGHTS]
    assert len(learnt.scores) >= LEAST_CLIPS
    assert list(learnt.scores) == sorted(learnt.scores)
    assert learnt.threshold == learnt.scores[conformal_rank(len(learnt.scores), learnt.alpha) - 1]
    assert 0 < learnt.threshold < 1
    assert learnt.alpha <= 0.01
    conditions = [learnt.clips[name] for name in ("plain", "fast", "occlusion", "light", "whip")]
    assert sum(conditions) == len(learnt.scores)
    assert {"24 fps", "12 fps", "8 fps", "4 fps", "2 s", "4 s"} <= set(learnt.clips)
    assert learnt.least_seconds == min(float(name[:-2]) for name in learnt.clips if name.endswith(" s"))


def test_one_detector_more_and_another_mark_with_that_clip_alone() -> None:
    plain, mark = load_calibration("light")
    for other in (None, EXAMPLE_CLIP):
        assert load_calibration("light", None, other) == (plain, mark)
    aligned, other_mark = load_calibration("light", None, EMBEDDED_CLIP)
    assert other_mark != mark
    for rate, before in zip(aligned.classes, plain.classes, strict=True):
        assert rate.detectors[:-1] == before.detectors
        added = rate.detectors[-1]
        assert (added.signal, added.decides, added.names) == ("alignment_loss", True, True)
        assert added.least_seconds == alignment_threshold().least_seconds
        floor = about("alignment_loss").floor
        assert math.exp(added.threshold or 0) * floor - floor == pytest.approx(alignment_threshold().threshold)
        assert replace(rate, detectors=before.detectors) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clip_sha256": "0" * 64}, "made for another CLIP"),
        ({"scores": "none"}, "not the file it should be"),
        (None, ""),
    ],
)
def test_a_threshold_of_other_weights_is_refused(
    change: dict[str, object] | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = alignment_threshold()
    place = tmp_path / "assets" / "calibrations"
    place.mkdir(parents=True)
    if change is not None:
        content = asdict(shipped) | change
        (place / align.THRESHOLD_FILE).write_text(json.dumps(content))
    monkeypatch.setattr(align, "files", lambda _: tmp_path)
    alignment_threshold.cache_clear()
    try:
        with pytest.raises(FrameholdError, match=f"{align.THRESHOLD_FILE}.*{told}"):
            with_alignment(load_calibration("light")[0], EMBEDDED_CLIP)
    finally:
        monkeypatch.undo()
        alignment_threshold.cache_clear()


# ---- in a run ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A clip that keeps its subject and one that does not, seen by the embedded CLIP."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "turned")
    models = ("procedural/steady", "procedural/understudy")
    prompts = (Prompt("dog", "A brown dog trots through a park", "animals"),)
    options = {"frames": 48, "width": 96, "height": 96}
    spec = procedural_spec(models, prompts, options, clip_model=EMBEDDED_CLIP)
    suite = replace(spec.suite, sha256=suite_hash(spec.suite))
    run_all(run, replace(spec, suite=suite), Crew(), offline=True)
    return run


@pytest.mark.slow
def test_alignment_ends_a_hold_where_the_subject_becomes_another(turned: RunFolder) -> None:
    curves = turned.table(turned.curves_path).to_pandas()
    truth = {row["model"]: row["facts"]["true_break_frame"] for row in read_rows(turned.clips_path)}
    limit = alignment_threshold().threshold
    for clip in read_rows(turned.clips_path):
        loss = curves[(curves["clip_id"] == clip["clip_id"]) & (curves["signal"] == "alignment_loss")]
        over = loss["frame"][loss["value"] > limit]
        if truth[clip["model"]] is None:
            assert over.empty
        else:
            assert int(over.min()) == pytest.approx(truth[clip["model"]], abs=3)
    evidence = turned.table(turned.evidence_path).to_pandas()
    assert "alignment_loss" in set(evidence["signal"])
    notes = " ".join(turned.summary()["notes"])
    assert "Alignment" not in notes
    told = turned.summary()["calibration"]["alignment"]
    assert (told["clip"], told["threshold"], told["clips"]) == (EMBEDDED_CLIP, limit, len(alignment_threshold().scores))


@pytest.mark.slow
def test_of_short_clips_it_is_measured_and_ends_no_hold(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "short")
    spec = procedural_spec(("procedural/attention-span",), options={"frames": 24}, clip_model=EMBEDDED_CLIP)
    run_all(run, spec, Crew(), offline=True)
    (note,) = [note for note in run.summary()["notes"] if "Alignment" in note]
    assert note == "Alignment to the prompt ends no hold of clips shorter than 2 seconds, 2 here."
    assert "alignment_loss" in set(run.table(run.curves_path).to_pandas()["signal"])
    assert "alignment_loss" not in set(run.table(run.evidence_path).to_pandas()["signal"])
    assert "alignment_loss" not in set(run.table(run.holds_path).to_pandas()["cause"])


@pytest.mark.slow
def test_a_clip_of_an_unknown_word_is_not_counted_among_the_short_ones(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "short")
    prompts = (KNOWN, Prompt("noble", "A noble dog runs in a park"))
    spec = procedural_spec(("procedural/pop",), prompts, options={"frames": 24}, clip_model=EMBEDDED_CLIP)
    run_all(run, spec, Crew(), offline=True)
    unknown, short = (note for note in run.summary()["notes"] if "Alignment" in note)
    assert unknown.startswith("Alignment to the prompt is not scored for 1 of 2 clips: the embedded CLIP was never")
    assert short == "Alignment to the prompt ends no hold of clips shorter than 2 seconds, 1 here."


@pytest.mark.slow
def test_it_is_verified_and_drawn_anew_as_other_runs_are(turned: RunFolder) -> None:
    found = {finding.check: finding for finding in verify(turned, Crew(), sample=2, offline=True)}
    assert {check: found[check].detail for check in found if found[check].status != "ok"} == {}
    held = redraw(turned)
    holds = {row["clip_id"]: row["held_frames"] for row in turned.table(turned.holds_path).to_pylist()}
    assert {clip_id: each.hold.held_frames for clip_id, each in held.judged.items()} == holds
    signals = [detector.signal for detector in held.calibration.classes[0].detectors]
    assert signals[-1] == "alignment_loss"


@pytest.mark.slow
def test_one_video_is_judged_by_it_as_well(turned: RunFolder) -> None:
    for clip in turned.clips():
        alone = bench.score_video(turned.root / str(clip.file), prompt=clip.prompt, clip_model=EMBEDDED_CLIP)
        (row,) = [row for row in turned.table(turned.holds_path).to_pylist() if row["clip_id"] == clip.clip_id]
        assert (alone.hold.held_frames, alone.hold.cause) == (row["held_frames"], row["cause"])
        assert "alignment_loss" in set(alone.curves["signal"])


@pytest.mark.slow
def test_unknown_words_are_told_in_one_line_and_change_nothing_else(tmp_path: Path) -> None:
    suite = tmp_path / "own.txt"
    suite.write_text("A noble dog runs in a park\n")
    spec = plan_run(str(suite), ["procedural/pop"])
    assert spec.clip_model is None
    small = replace(spec, sources=(replace(spec.sources[0], options={"frames": 12, "width": 64, "height": 64}),))
    run = RunFolder(tmp_path / "run")
    run_all(run, small, Crew(), offline=True)
    (note,) = [note for note in run.summary()["notes"] if "Alignment" in note]
    assert note == (
        "Alignment to the prompt is not scored for 1 of 1 clips: the embedded CLIP was never taught 'noble': pass a "
        f"pretrained one, for example --clip {EXAMPLE_CLIP}."
    )
    assert "alignment" not in run.summary()["calibration"]
    assert np.all([not name.startswith("alignment") for name in run.table(run.curves_path).to_pandas()["signal"]])


@pytest.mark.slow
def test_a_prompt_with_an_unknown_word_is_left_out_and_the_others_are_scored_as_alone(tmp_path: Path) -> None:
    noble, gallant = Prompt("noble", "A noble dog runs in a park"), Prompt("gallant", "A gallant dog sits in a park")
    asked = {"all": (noble, KNOWN, gallant), "known": (KNOWN,), "strange": (noble, gallant)}
    runs = {name: RunFolder(tmp_path / name) for name in asked}
    for name, prompts in asked.items():
        seen_by = None if name == "strange" else EMBEDDED_CLIP
        run_all(runs[name], procedural_spec(("procedural/pop",), prompts, clip_model=seen_by), Crew(), offline=True)
    alone = stored_numbers(runs["known"]) | stored_numbers(runs["strange"])
    np.testing.assert_equal(stored_numbers(runs["all"]), alone)
    assert ["alignment_loss" in numbers.curves for numbers in alone.values()] == [True, False, False]
    told = {row.clip_id.split("_")[1]: row.unscored for row in read_records(runs["all"].scored_path, ScoredRow)}
    reason = (
        "the embedded CLIP was never taught 'noble', 'gallant': pass a pretrained one, for example --clip "
        f"{EXAMPLE_CLIP}"
    )
    assert told == {"noble": {"alignment": reason}, "known": {}, "gallant": {"alignment": reason}}
    notes = [note for note in runs["all"].summary()["notes"] if "not scored" in note]
    assert notes == [f"Alignment to the prompt is not scored for 2 of 3 clips: {reason}."]
    marks = {row["clip_id"]: row["fingerprint"] for name in runs for row in read_rows(runs[name].scored_path)}
    assert marks == {row["clip_id"]: row["fingerprint"] for row in read_rows(runs["all"].scored_path)}


def test_one_video_with_an_unknown_word_is_refused() -> None:
    with pytest.raises(FrameholdError, match="prompt 'A noble dog runs': the embedded CLIP was never taught 'noble'"):
        bench.score_video(np.zeros((4, 64, 64, 3), np.uint8), fps=24, prompt="A noble dog runs", clip_model="embedded")
