"""What goes wrong in a procedural clip: from its onset on and not before, where it says, as often as it says."""

from __future__ import annotations

import hashlib
import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from bench.backends.procedural import LEAST_SEEN, ProceduralBackend
from bench.backends.procedural.behaviours import (
    BEHAVIOURS,
    DEFAULT_MODELS,
    Frames,
    Hazard,
    Onset,
    Shares,
    Sometimes,
)
from bench.backends.procedural.breaking import FAILURES
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.failures import BLOCK, Failure, Recast, Shuffle, tinting
from bench.backends.procedural.figures import haunted
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import SEEN, render, seen_region, seen_share
from bench.backends.procedural.scenes import Scene, compose
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.textures import Colour
from bench.backends.procedural.vocabulary import NOUNS_OF
from bench.records import Clip, ClipKey, ClipRequest, Picture, Prompt
from bench.suite import load_suite

SIDE, FRAMES, ONSET = 56, 24, 7
QUICK = {prompt.id: prompt.text for prompt in load_suite("quick-v1").prompts}
FAILING = [model for model, behaviour in BEHAVIOURS.items() if behaviour.failures]
SAMPLE = ("beach-walk", "village-pan", "trees-woman")
EACH = np.random.default_rng


def fetch(model: str, text: str, seed: int = 1, frames: int = FRAMES, side: int = SIDE) -> Clip:
    backend = ProceduralBackend(frames=frames, width=side, height=side)
    request = ClipRequest(ClipKey(f"procedural/{model}", "a-prompt", seed), Prompt("a-prompt", text))
    return backend.fetch(request, "")


@cache
def clip_of(model: str, prompt_id: str) -> tuple[Clip, list[Picture]]:
    clip = fetch(model.removeprefix("procedural/"), QUICK[prompt_id])
    return clip, list(clip.frames or ())


@cache
def scene_of(text: str, side: int = SIDE) -> Scene:
    return compose(read_prompt(text), 1, side, side, 24.0)


def digest(pictures: list[Picture]) -> str:
    return hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()


# ---- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt_id", SAMPLE)
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_changes_frames_from_its_onset_on_and_none_before(name: str, prompt_id: str) -> None:
    scene = scene_of(QUICK[prompt_id])
    failure = FAILURES[name].build(scene, ONSET, EACH(3))
    for frame in (0, ONSET - 1):
        np.testing.assert_array_equal(render(scene, frame, (failure,)), render(scene, frame))
    assert not np.array_equal(render(scene, ONSET, (failure,), grain=False), render(scene, ONSET, grain=False))


@pytest.mark.parametrize("name", [name for name, way in FAILURES.items() if way.local])
def test_a_local_failure_stays_where_it_says(name: str) -> None:
    scene = scene_of("A man walks through a park", 96)
    failure = FAILURES[name].build(scene, ONSET, EACH(3))
    region = seen_region(scene, failure, FRAMES)
    assert region.w * region.h < 0.55
    left, top = (max(0, round((edge - 0.06) * 96)) for edge in (region.x, region.y))
    right, bottom = (round((edge + 0.06) * 96) for edge in (region.x + region.w, region.y + region.h))
    for frame in range(ONSET, FRAMES, 3):
        change = np.abs(render(scene, frame, (failure,), grain=False).astype(int) - render(scene, frame, grain=False))
        assert change[top:bottom, left:right].any()
        change[top:bottom, left:right] = 0
        assert (change.max(axis=2) > SEEN).mean() < 0.004


@pytest.mark.parametrize(("first", "second"), list(pairwise(FAILURES)))
def test_failures_compose(first: str, second: str) -> None:
    scene = scene_of(QUICK["park-dog"])
    one, other = FAILURES[first].build(scene, 4, EACH(1)), FAILURES[second].build(scene, 9, EACH(2))
    np.testing.assert_array_equal(render(scene, 3, (one, other)), render(scene, 3))
    np.testing.assert_array_equal(render(scene, 8, (one, other)), render(scene, 8, (one,)))
    both = render(scene, 12, (one, other), grain=False)
    assert not np.array_equal(both, render(scene, 12, grain=False))


def test_shuffled_frames_are_all_there_in_another_order() -> None:
    shuffle = Shuffle(5, "", 77)
    shown = [shuffle.moment(frame) for frame in range(5 + 2 * BLOCK)]
    assert shown[:5] == [0, 1, 2, 3, 4]
    assert sorted(shown) == list(range(5 + 2 * BLOCK))
    for block in (shown[5 : 5 + BLOCK], shown[5 + BLOCK :]):
        assert min(abs(after - before) for before, after in pairwise(block)) >= 5
    assert shown[5] - shown[4] >= 4


def test_a_tint_keeps_brightness_and_takes_the_hue() -> None:
    grey = np.array([100.0, 100.0, 100.0, 255.0])
    red = tinting(Colour(200, 20, 20), 1.0) @ grey
    assert red[0] > 2.5 * red[1]
    assert red[3] == 255
    assert math.isclose(red[:3] @ [0.299, 0.587, 0.114], 100, rel_tol=1e-9)
    np.testing.assert_array_equal(tinting(Colour(200, 20, 20), 0.0), np.eye(4))


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_wrong_body_of_every_subject_shows(name: str) -> None:
    scene = scene_of(f"A {NOUNS_OF[name].split()[0]}")
    for haunt in scene.figures[0].haunts:
        wrong = Recast(7, haunt.name, 0, 0, lambda figure, haunt=haunt: (haunted(figure, haunt),))  # type: ignore[misc]
        assert seen_share(scene, wrong) > 0.03, haunt.name


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("prompt_id", ["hill-balloons", "dark-candle", "wave-boat"])
def test_every_way_to_break_is_plain_to_see(prompt_id: str, name: str) -> None:
    scene = scene_of(QUICK[prompt_id])
    assert seen_share(scene, FAILURES[name].build(scene, ONSET, EACH(0))) > LEAST_SEEN


def test_flicker_jumps_at_every_frame_and_melt_grows() -> None:
    _, steady = clip_of("steady", "beach-walk")
    clip, flickering = clip_of("flicker", "beach-walk")
    onset = clip.facts["true_break_frame"]
    gaps = [flickering[t].astype(int).mean() - steady[t].mean() for t in range(onset, FRAMES)]
    assert all(one * other < 0 for one, other in pairwise(gaps))  # brighter, darker, brighter
    clip, melting = clip_of("dream-filter", "beach-walk")
    onset = clip.facts["true_break_frame"]
    change = [np.abs(melting[t].astype(int) - steady[t]).mean() for t in (onset, onset + 4, onset + 9)]
    assert 0 < change[0] < change[1] < change[2]


@pytest.mark.parametrize("name", ["identity", "turn", "colour"])
def test_what_becomes_something_else_stays_it(name: str) -> None:
    scene = scene_of(QUICK["park-dog"])
    failure = FAILURES[name].build(scene, ONSET, EACH(4))
    done = ONSET + failure.frames_until_complete
    shares = [changed(scene, failure, frame) for frame in (ONSET, done, done + 40)]
    assert shares[0] < shares[1]
    assert shares[2] > 0.5 * shares[1]


def changed(scene: Scene, failure: Failure, frame: int) -> float:
    whole, broken = (render(scene, frame, those, grain=False).astype(int) for those in ((), (failure,)))
    return float(np.abs(broken - whole).mean())


# ---- models ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt_id", SAMPLE)
@pytest.mark.parametrize("model", FAILING)
def test_all_models_draw_the_same_clip_until_they_break(model: str, prompt_id: str) -> None:
    _, steady = clip_of("steady", prompt_id)
    clip, broken = clip_of(model, prompt_id)
    onset = clip.facts["true_break_frame"]
    if onset is None:
        assert digest(broken) == digest(steady)
        return
    assert 1 <= onset < FRAMES
    assert digest(broken[:onset]) == digest(steady[:onset])
    assert not np.array_equal(broken[onset], steady[onset])
    assert clip.facts["failures"][0]["onset"] == onset


@pytest.mark.parametrize("prompt_id", SAMPLE)
def test_freeze_moves_and_then_repeats_exactly(prompt_id: str) -> None:
    clip, pictures = clip_of("freeze", prompt_id)
    onset = clip.facts["true_break_frame"]
    assert {digest([picture]) for picture in pictures[onset - 1 :]} == {digest([pictures[onset - 1]])}
    assert len({digest([picture]) for picture in pictures[:onset]}) == onset


def test_frozen_never_starts() -> None:
    clip, pictures = clip_of("frozen", "beach-walk")
    assert (clip.facts["true_break_frame"], clip.facts["static"]) == (1, True)
    assert {digest([picture]) for picture in pictures} == {digest([clip_of("steady", "beach-walk")[1][0]])}


def test_attention_span_loses_two_things_one_after_the_other() -> None:
    for seed in range(8):
        facts = fetch("attention-span", QUICK["city-car"], seed, 48).facts
        first, second = facts["failures"]
        assert 3 <= first["onset"] <= 9
        assert first["onset"] < second["onset"] < 48
        assert first["failure"] != second["failure"]
        assert facts["true_break_frame"] == first["onset"]


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
@pytest.mark.parametrize("model", BEHAVIOURS)
def test_very_short_clips_are_drawn(model: str, frames: int) -> None:
    clip = fetch(model.removeprefix("procedural/"), "A ball rolls", frames=frames, side=32)
    onset = clip.facts["true_break_frame"]
    assert len(list(clip.frames or ())) == frames
    assert onset is None or 1 <= onset < frames
    assert BEHAVIOURS[model].true_mean_hold(frames) <= frames


def test_the_models_of_a_plain_run_are_known_and_differ() -> None:
    assert set(DEFAULT_MODELS) <= set(BEHAVIOURS)
    means = sorted(BEHAVIOURS[model].true_mean_hold(48) for model in DEFAULT_MODELS)
    assert 8 <= len(means) <= 10
    assert all(after - before >= 3 for before, after in pairwise(means) if after < 48)


# ---- when it breaks -------------------------------------------------------------------------------------------------


def test_the_stated_means_are_those_of_the_distributions() -> None:
    means = {model: BEHAVIOURS[model].true_mean_hold(48) for model in BEHAVIOURS}
    for model, behaviour in BEHAVIOURS.items():
        if "[" in behaviour.about:
            stated = float(behaviour.about.partition("[")[2].partition("]")[0])
            assert means[model] == pytest.approx(stated, abs=0.05), model
    assert means["procedural/attention-span"] == 6.0  # (3 + ... + 9) / 7
    assert means["procedural/haunted-knees"] == 13.5  # (6 + ... + 21) / 16
    assert means["procedural/green-screen"] == pytest.approx(0.6 * 23.5 + 0.4 * 48)  # 14..33 in three of five
    assert means["procedural/mood-ring"] == pytest.approx((1 - 0.96**48) / 0.04)  # sum of the chances to hold on
    assert means["procedural/steady"] == means["procedural/trying-times"] == 48


@pytest.mark.parametrize("frames", [10, 48, 120])
@pytest.mark.parametrize("model", BEHAVIOURS)
def test_the_mean_of_many_onsets_is_the_true_mean(model: str, frames: int) -> None:
    behaviour, rng = BEHAVIOURS[model], EACH(11)
    onsets = [behaviour.onset.draw(frames, rng) for _ in range(1500)]
    held = np.array([frames if onset is None else onset for onset in onsets])
    assert held.min() >= 1
    spread = float(held.std()) / math.sqrt(len(held))
    assert abs(held.mean() - behaviour.true_mean_hold(frames)) <= 4 * spread + 1e-9


@pytest.mark.parametrize(
    "onset", [Onset(), Shares(0.0, 0.0), Shares(0.125, 0.8), Frames(3, 9), Hazard(0.2), Sometimes(0.4, Frames(1, 6))]
)
def test_chances_add_up_and_leave_a_frame_before_the_break(onset: Onset) -> None:
    for frames in (1, 2, 5, 9, 48):
        chances = onset.chances(frames)
        assert chances.shape == (frames + 1,)
        assert chances.min() >= 0
        assert chances.sum() == pytest.approx(1)
        assert chances[0] == 0


def test_onsets_counted_in_frames_do_not_depend_on_the_length() -> None:
    for onset in (Frames(3, 9), Hazard(0.1)):
        short, long = ([onset.draw(frames, EACH(seed)) for seed in range(60)] for frames in (12, 90))
        assert all(one is None or one == other for one, other in zip(short, long, strict=True))


def test_clips_break_when_the_table_says() -> None:
    onsets = [fetch("haunted-knees", "A ball bounces", seed, 48, 32).facts["true_break_frame"] for seed in range(30)]
    assert 6 <= min(onsets) <= 9
    assert 18 <= max(onsets) <= 21
    assert abs(np.mean(onsets) - 13.5) < 3  # three and a half deviations of the mean of 30


# ---- hard but consistent --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("prompt_id", QUICK)
def test_trying_times_never_break(prompt_id: str, seed: int) -> None:
    facts = fetch("trying-times", QUICK[prompt_id], seed, frames=48, side=16).facts
    assert facts["condition"] in CONDITIONS
    assert facts["true_break_frame"] is facts["failure"] is None
    assert facts["failures"] == []


@pytest.mark.parametrize("prompt_id", SAMPLE)
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_hard_and_consistent(name: str, prompt_id: str) -> None:
    easy = scene_of(QUICK[prompt_id])
    hard = CONDITIONS[name](easy, EACH(2))
    pictures = [render(hard, frame, grain=False).astype(int) for frame in range(80)]
    plain = [render(easy, frame, grain=False).astype(int) for frame in (0, 30)]
    np.testing.assert_array_equal(pictures[0], plain[0])  # the clip begins as it always does
    apart = max(np.abs(picture - plain[1]).mean() for picture in pictures[24:48])
    assert apart > 2
    steps = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
    assert max(steps) < 45  # grey levels; a cut is more
    if name in {"light", "whip", "occlusion"}:  # and it passes
        again = [
            np.abs(np.median(picture, axis=(0, 1)) - np.median(plain[1], axis=(0, 1))).max() for picture in pictures
        ]
        assert min(again[60:]) < 12
