"""Misses of a study: which are chosen, that they are drawn as they were judged, and what is left in the folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.records import FrameholdError, Picture, Prompt
from bench.report.filmstrips import jpeg_size
from bench.stages import Crew, miss_strips, misses, trials
from bench.stages.calibrate import load_calibration
from bench.stages.miss_strips import LAID, UNTOUCHED, draw_misses, shown_frames
from bench.stages.misses import (
    BELIEVED,
    CONTROLS,
    FALSE_ALARMS,
    MISNAMED,
    MISSED,
    PREMATURE,
    Wrong,
    went_wrong,
    worst,
)
from bench.stages.told import read_told, write_told
from bench.stages.trials import Break, Footage, Told, TrialJob, run_trials, trial_pictures
from bench.validation import OWN, Finding, Trial

FRAMES = 12
WALK = Footage("walk-1", "walk", prompt=Prompt("walk", "A man in a red shirt walks along a beach"), seed=1)
DOG = Footage("dog-2", "dog", prompt=Prompt("dog", "A brown dog runs across a park"), seed=2)
BREAKS = (
    Break("noise", "weak", 1.0, 0.9, 5),
    Break("vanish", "strong", 0.25, 0.4, 3),
    Break("local_wobble", "strong", 0.1, 0.4, 4),
)


def job(*breaks: Break) -> TrialJob:
    classes = load_calibration("light")[0].classes
    controls, posers = ("lighting_change", "fast_motion", "compressed"), ("noisy_still", "moving footage")
    return TrialJob(WALK, DOG, FRAMES, "light", classes, breaks, controls, posers, 7)


def told(
    name: str = "",
    kind: str = "clean",
    alarm: int | None = None,
    named: int | None = None,
    *,
    score: float = 0.5,
    onset: int = 48,
    severity: str = "",
    visibility: float = 0.0,
    source: str = "a",
    held: float = 1.0,
) -> Told:
    finding = Finding(score, alarm, alarm if named is None else named)
    trial = Trial(source, 48, {OWN: finding}, name, kind, severity, 1.0 if severity else 0.0, onset, visibility)
    return Told(trial, {}, held, "residual_local" if alarm else None, (9, "continuation"))


def cut(visibility: float, alarm: int | None = None, named: int | None = None, **fields: Any) -> Told:
    return told("cut", "abrupt", alarm, named, onset=20, severity="strong", visibility=visibility, **fields)


def test_pictures_of_a_trial_are_those_that_were_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[list[Picture]] = []
    true_judge = trials._Watch.judge

    def judge(watch: Any, name: str, kind: str, pictures: Sequence[Picture], moves: Any) -> Told:
        judged.append(list(pictures))
        return true_judge(watch, name, kind, pictures, moves)

    monkeypatch.setattr(trials._Watch, "judge", judge)
    its = run_trials(job(*BREAKS))
    assert len(judged) == 6
    assert [each.trial.name for each in its[6:]] == ["vanish", "local_wobble", "noise"]  # by onset, then by seed
    for number, one in enumerate(its):
        untouched, laid = trial_pictures(job(*BREAKS), number)
        assert np.array_equal(untouched, judged[0])
        assert len(laid) == one.trial.frames
        if number < len(judged):
            assert np.array_equal(laid, judged[number])
        else:  # the curves of the baselines were measured on the frames that were judged
            assert trials._baselines(laid) == {key: one.baselines[key] for key in trials._baselines(laid)}
            assert not np.array_equal(laid[one.trial.onset + 1 :], untouched[one.trial.onset + 1 :])
            assert np.array_equal(laid[: one.trial.onset], untouched[: one.trial.onset])


def test_a_trial_tells_where_the_evidence_is_highest() -> None:
    broken = run_trials(job(Break("cut", "strong", 1.0, 0.5, 3)))[-1]
    assert broken.peak is not None
    assert broken.trial.findings[OWN].alarm == broken.peak[0] == 6  # round(0.5 x 11)
    assert broken.cause


def test_what_went_wrong_and_in_which_order() -> None:
    study = [
        [told(alarm=30, score=1.5), told("pan", "control", 12, score=1.1), cut(90.0, 5, score=1.5)],
        [told(), cut(40.0), cut(200.0, 22), cut(5.0), cut(60.0, 30, 26), told("pan", "control")],
        [told(source="b"), cut(80.0), cut(80.0, score=0.2), told("two_frames", "adversary", held=1.0)],
        [told(), told("moving footage", "adversary", held=1.0), told("two_frames", "adversary", held=0.9)],
        [told("two_frames", "adversary", 5, score=2.0, held=0.1)],
    ]
    groups = went_wrong(study)
    found = {
        name: (group.trials, [(each.job, each.number, each.how) for each in group.wrong])
        for name, group in groups.items()
    }
    assert found == {
        # Of 7 cuts the one of 5 grey levels is not seen. Missed: 80 grey levels (least evidence first), then 40. Six
        # frames late comes behind; two frames late (job 1, number 2) is right; early (job 0) is no miss of this family.
        "cut": (6, [(2, 2, MISSED), (2, 1, MISSED), (1, 1, MISSED), (1, 4, MISNAMED)]),
        PREMATURE: (6, [(0, 2, PREMATURE)]),
        FALSE_ALARMS: (4, [(0, 0, FALSE_ALARMS)]),
        CONTROLS: (2, [(0, 1, CONTROLS)]),
        BELIEVED: (3, [(2, 3, BELIEVED)]),
    }


def test_a_gradual_failure_may_be_named_five_frames_away() -> None:
    def melt(named: int) -> Told:
        return told("local_melt", "gradual", 40, named, onset=20, severity="weak", visibility=50.0)

    assert [each.number for each in went_wrong([[melt(25), melt(26), melt(15), melt(14)]])["local_melt"].wrong] == [
        1,
        3,
    ]


def test_the_worst_are_taken_turn_by_turn_from_different_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "MOST", 4)
    study = [
        [told(alarm=30, score=1.5), cut(90.0, 5)],
        [cut(80.0, source="b"), cut(70.0, source="b"), cut(60.0, source="c"), cut(50.0, 21)],
        [told("freeze", "abrupt", onset=20, severity="weak", visibility=50.0)],
    ]
    chosen = {name: [(each.job, each.number) for each in its] for name, its in worst(went_wrong(study)).items()}
    # The early alarm of the first clip is its false alarm. Then freeze (missed in 1 of 1) before cut (3 of 5).
    assert chosen == {"cut": [(1, 0), (1, 2)], "freeze": [(2, 0)], PREMATURE: [], FALSE_ALARMS: [(0, 0)]}


def test_which_frames_are_shown() -> None:
    def frames(one: Told, how: str, untouched: int = 48) -> list[tuple[str, int]]:
        return list(shown_frames(Wrong(0, 0, one, how), untouched))

    pairs = [(clip, frame) for frame in (19, 20, 24, 28) for clip in (UNTOUCHED, LAID)]
    assert frames(cut(90.0), MISSED) == pairs
    assert [frame for _, frame in frames(cut(90.0, 27, 25), MISNAMED)[::2]] == [19, 20, 24, 25]
    late = told("noise", "gradual", onset=46, severity="weak", visibility=20.0)
    assert [frame for _, frame in frames(late, MISSED)[::2]] == [45, 47]  # the clip ends
    assert frames(told(alarm=2), FALSE_ALARMS) == [(LAID, frame) for frame in (0, 1, 2, 3, 6, 10)]
    assert [clip for clip, _ in frames(told("pan", "control", 12), CONTROLS)[:2]] == [UNTOUCHED, LAID]
    assert frames(told("fast_motion", "control", 12), CONTROLS, 96)[0] == (LAID, 4)
    assert [frame for _, frame in frames(told("two_frames", "adversary"), BELIEVED)] == [0, 7, 13, 20, 27, 34, 40, 47]


def test_strips_are_drawn_and_those_of_before_go(tmp_path: Path) -> None:
    its = run_trials(job(*BREAKS))
    blind = [
        each._replace(
            trial=replace(each.trial, findings={OWN: Finding(0.3)}, visibility=max(each.trial.visibility, 50.0))
        )
        for each in its
    ]
    for name in ("0123456789abcdef.jpg", "mine.jpg"):
        (tmp_path / "misses").mkdir(exist_ok=True)
        (tmp_path / "misses" / name).write_bytes(b"")
    sections = {each.name: each for each in draw_misses(tmp_path, [job(*BREAKS)], [blind], Crew())}
    one, none = (1, 1, 1), (1, 0, 0)
    assert {name: (its.trials, its.misses, len(its.shown)) for name, its in sections.items()} == {
        "vanish": one, "noise": one, "local_wobble": one, PREMATURE: (3, 0, 0), FALSE_ALARMS: none, CONTROLS: (3, 0, 0),
        BELIEVED: none,
    }  # fmt: skip
    miss = sections["vanish"].shown[0]
    assert (miss.clip, miss.onset, miss.evidence, miss.held_frames, miss.undrawn) == ("walk-1", 4, 0.3, 4, None)
    before, broken = miss.pictures[:2], miss.pictures[3]
    assert [(each.clip, each.frame, each.place) for each in before] == [(UNTOUCHED, 3, 0), (LAID, 3, 0)]  # equal: once
    assert before[1].region is None
    assert broken.clip == LAID
    assert broken.region is not None
    assert 0.1 < broken.region.w * broken.region.h < 0.6  # of what covers a quarter
    assert sections["noise"].shown[0].pictures[-1].region is None  # not local
    pictures = 1 + max(each.place for each in miss.pictures)
    assert jpeg_size((tmp_path / miss.strip).read_bytes()) == (155 * pictures, 155)
    left = {path.name for path in (tmp_path / "misses").iterdir()}
    assert left == {"mine.jpg", *(Path(each.strip).name for its in sections.values() for each in its.shown)}
    again = draw_misses(tmp_path, [job(*BREAKS)], [blind], Crew(workers=2))
    assert {each.name: each for each in again} == sections


def test_a_clip_that_is_gone_is_counted_and_says_why_it_has_no_pictures(tmp_path: Path) -> None:
    gone = replace(job(BREAKS[1]), footage=Footage("gone.mp4", "gone", path=str(tmp_path / "gone.mp4")))
    blind = [told()] * 6 + [told("vanish", "abrupt", onset=4, severity="strong", visibility=90.0)]
    section = draw_misses(tmp_path, [gone], [blind], Crew())[0]
    assert (section.name, section.misses, section.shown[0].pictures) == ("vanish", 1, ())
    assert "gone.mp4" in str(section.shown[0].undrawn)


def test_what_was_told_is_read_back_also_from_studies_of_before(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    its = [cut(90.0, 22), told()]
    write_told(path, its)
    assert read_told(path) == its
    rows = json.loads(path.read_text(encoding="utf-8"))
    for row in rows:
        del row["cause"], row["peak"]
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert read_told(path) == [each._replace(cause=None, peak=None) for each in its]
    for torn in ("[{", "[3]", '[{"trial": {}}]', '{"a": 1}'):
        path.write_text(torn, encoding="utf-8")
        with pytest.raises(FrameholdError, match=r"part\.json: not what a study writes there: remove it"):
            read_told(path)


def test_strips_of_wide_and_tall_pictures_keep_their_shape() -> None:
    for height, width in ((256, 256), (144, 455), (455, 144), (20, 30)):
        small = miss_strips._reduced(np.zeros((height, width, 3), np.uint8))
        assert small.shape[0] * small.shape[1] <= 24_500
        assert small.shape[1] / small.shape[0] == pytest.approx(width / height, rel=0.02)
