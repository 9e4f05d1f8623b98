"""The procedural backend: deterministic, true to its stated break, drawn from what the prompt says."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.backends import open_backend
from bench.backends.procedural import BEHAVIOURS, LEAST_SEEN, Onset, ProceduralBackend
from bench.backends.procedural.breaking import render, seen_change
from bench.backends.procedural.camera import Lens, View, glide, push
from bench.backends.procedural.failures import Recast
from bench.backends.procedural.figures import Cycle, Slot
from bench.backends.procedural.layers import GROUND_PERIOD, Ground, Strip
from bench.backends.procedural.people import GAITS, hip_height, lowest, stride
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.scenes import Scene, compose
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.vocabulary import ACTIONS, NOUNS_OF, OWN_PLACE
from bench.records import Clip, ClipKey, ClipRequest, FrameholdError, MissingClip, Picture, Prompt
from bench.suite import load_suite

SIDE, FRAMES = 96, 24
QUICK = {prompt.id: prompt for prompt in load_suite("quick-v1").prompts}
FAILING = [model for model, behaviour in BEHAVIOURS.items() if behaviour.failure]
SAMPLE = ("beach-walk", "rock-waterfall", "village-pan", "trees-woman")
WALK = "A man in a red shirt walks along a beach"


def fetch(model: str, text: str, seed: int = 1, frames: int = FRAMES, size: tuple[int, int] = (SIDE, SIDE)) -> Clip:
    backend = ProceduralBackend(frames=frames, width=size[0], height=size[1])
    request = ClipRequest(ClipKey(f"procedural/{model}", "a-prompt", seed), Prompt("a-prompt", text))
    return backend.fetch(request, backend.submit(request))


def drawn(clip: Clip) -> list[Picture]:
    assert clip.frames is not None
    return list(clip.frames)


@cache
def clip_of(model: str, prompt_id: str) -> tuple[Clip, list[Picture]]:
    clip = fetch(model, QUICK[prompt_id].text)
    return clip, drawn(clip)


def digest(pictures: list[Picture]) -> str:
    return hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()


@cache
def scene_of(text: str, seed: int = 1, side: int = SIDE) -> Scene:
    return compose(read_prompt(text), seed, side, side, 24.0)


# ---- the protocol ---------------------------------------------------------------------------------------------------


def test_it_is_registered_and_plans_model_by_prompt_by_seed() -> None:
    backend = open_backend("procedural", {"frames": 7, "fps": 12.0, "width": 80, "height": 64})
    suite = load_suite("quick")
    assert len(backend.models()) == 7
    plan = backend.plan(suite, backend.models()[:2])
    assert plan.cost_usd == 0
    keys = [(request.key.model, request.key.prompt_id) for request in plan.requests]
    assert keys == [(model, prompt.id) for model in backend.models()[:2] for prompt in suite.prompts]
    first = plan.requests[0]
    assert (first.frames, first.fps, first.width, first.height) == (7, 12.0, 80, 64)
    backend.close()


def test_a_request_overrules_the_options() -> None:
    backend = ProceduralBackend(frames=9, width=64, height=64)
    request = ClipRequest(
        ClipKey("procedural/steady", "p", 1), Prompt("p", WALK), frames=2, fps=8.0, width=70, height=50
    )
    clip = backend.fetch(request, "")
    assert clip.fps == 8.0
    assert [picture.shape for picture in drawn(clip)] == [(50, 70, 3)] * 2


def test_frames_are_drawn_only_as_they_are_read() -> None:
    clip = fetch("steady", WALK, frames=100_000)
    assert isinstance(clip.frames, Iterator)
    assert next(clip.frames).shape == (SIDE, SIDE, 3)


def test_unknown_models_are_named() -> None:
    with pytest.raises(FrameholdError, match=r"unknown model 'procedural/perfect'.*procedural/steady"):
        fetch("perfect", WALK)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("frames", 0),
        ("frames", -3),
        ("frames", 10**7),
        ("fps", 0.0),
        ("fps", -1.0),
        ("fps", math.nan),
        ("width", 0),
        ("width", 10**6),
        ("height", -8),
        ("height", 15),
    ],
)
def test_impossible_options_are_named(option: str, value: float) -> None:
    with pytest.raises(FrameholdError, match=f"{option} is {value}"):
        ProceduralBackend(**{option: value})  # type: ignore[arg-type]
    request = ClipRequest(ClipKey("procedural/steady", "p", 1), Prompt("p", WALK), **{option: value})  # type: ignore[arg-type]
    with pytest.raises(FrameholdError, match=f"{option} is {value}"):
        ProceduralBackend().fetch(request, "")


@pytest.mark.parametrize(("width", "height"), [(64, 64), (320, 180), (101, 77), (90, 160), (16, 16)])
def test_any_size_is_drawn(width: int, height: int) -> None:
    pictures = drawn(fetch("haunted-knees", WALK, frames=3, size=(width, height)))
    assert all(picture.shape == (height, width, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert pictures[0].std() > 20  # a scene, not an empty canvas


@pytest.mark.parametrize("model", BEHAVIOURS)
def test_facts_hold_the_truth_and_fit_json(model: str) -> None:
    clip, pictures = clip_of(model.split("/")[1], "beach-walk")
    facts = json.loads(json.dumps(clip.facts, allow_nan=False))
    assert set(facts) == {
        "renderer_version", "seed", "frames", "fps", "width", "height", "failure", "failure_detail", "failure_region",
        "true_break_frame", "static",
    }  # fmt: skip
    assert (facts["frames"], facts["width"], facts["height"]) == (len(pictures), *pictures[0].shape[1::-1])
    assert (facts["true_break_frame"] is None) == (facts["failure"] is None) == (model == "procedural/steady")
    assert facts["static"] == (model == "procedural/frozen")
    if facts["failure_region"]:
        x, y, w, h = facts["failure_region"]
        assert min(x, y) >= 0 < min(w, h)
        assert max(x + w, y + h) <= 1.0001


# ---- determinism ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["haunted-knees", "dream-filter", "flicker"])
def test_the_same_key_is_the_same_clip_in_another_process(model: str) -> None:
    here = digest(clip_of(model, "trees-woman")[1])
    assert digest(drawn(fetch(model, QUICK["trees-woman"].text))) == here
    code = (
        "import cv2, sys; cv2.setNumThreads(1); sys.path.insert(0, 'tests/backends'); import test_procedural as t; "
        f"print(t.digest(t.drawn(t.fetch({model!r}, t.QUICK['trees-woman'].text))))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_neither_order_nor_threads_matter() -> None:
    scene = scene_of(QUICK["trees-woman"].text)
    forwards = [render(scene, frame) for frame in range(6)]
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        again = compose(read_prompt(QUICK["trees-woman"].text), 1, SIDE, SIDE, 24.0)
        backwards = [render(again, frame) for frame in reversed(range(6))][::-1]
    finally:
        cv2.setNumThreads(threads)
    assert digest(forwards) == digest(backwards)


def test_a_frame_does_not_depend_on_the_length_of_the_clip() -> None:
    short, long = (drawn(fetch("steady", WALK, frames=frames)) for frames in (7, 12))
    assert digest(short) == digest(long[:7])


def test_another_seed_or_text_is_another_clip() -> None:
    first = [
        next(fetch("steady", text, seed).frames or iter(())) for text, seed in ((WALK, 1), (WALK, 2), (WALK + ".", 1))
    ]
    assert len({digest([picture]) for picture in first}) == 3


# ---- the break ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt_id", SAMPLE)
@pytest.mark.parametrize("model", FAILING)
def test_all_models_draw_the_same_clip_until_they_break(model: str, prompt_id: str) -> None:
    _, steady = clip_of("steady", prompt_id)
    clip, broken = clip_of(model.split("/")[1], prompt_id)
    onset = clip.facts["true_break_frame"]
    assert 1 <= onset < FRAMES
    assert digest(broken[:onset]) == digest(steady[:onset])
    assert not np.array_equal(broken[onset], steady[onset])


@pytest.mark.parametrize("prompt_id", SAMPLE)
@pytest.mark.parametrize(("model", "after"), [("haunted-knees", 0), ("pop", 0), ("flicker", 0), ("dream-filter", 8)])
def test_the_break_is_seen_where_the_facts_say(model: str, after: int, prompt_id: str) -> None:
    _, steady = clip_of("steady", prompt_id)
    clip, broken = clip_of(model, prompt_id)
    frame = min(clip.facts["true_break_frame"] + after, FRAMES - 1)
    x, y, w, h = clip.facts["failure_region"]
    rows, columns = slice(round(y * SIDE), round((y + h) * SIDE)), slice(round(x * SIDE), round((x + w) * SIDE))
    change = np.abs(broken[frame].astype(int) - steady[frame])
    inside = change[rows, columns].mean()
    change[rows, columns] = 0
    assert inside > 5
    assert change.mean() < 0.05 * inside


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


@pytest.mark.parametrize("prompt_id", QUICK)
def test_every_way_to_break_is_plain_to_see(prompt_id: str) -> None:
    for model in ("haunted-knees", "pop"):
        clip = fetch(model, QUICK[prompt_id].text)
        onset = clip.facts["true_break_frame"]
        pictures = [picture for picture, _ in zip(clip.frames or (), range(onset + 1), strict=False)]
        whole = render(scene_of(QUICK[prompt_id].text), onset)
        changed = np.abs(pictures[onset].astype(int) - whole).max(axis=2) > 12
        assert changed.mean() > LEAST_SEEN


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
@pytest.mark.parametrize("model", BEHAVIOURS)
def test_very_short_clips_are_drawn(model: str, frames: int) -> None:
    clip = fetch(model.split("/")[1], "A ball rolls", frames=frames, size=(32, 32))
    onset = clip.facts["true_break_frame"]
    assert len(drawn(clip)) == frames
    assert (onset is None) == (frames == 1 or model == "procedural/steady")
    assert onset is None or 1 <= onset < frames


# ---- when it breaks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", FAILING)
def test_onsets_are_uniform_within_their_bounds(model: str) -> None:
    onset = BEHAVIOURS[model].onset
    low, high = onset.bounds(48)
    drawn_onsets = [onset.draw(48, np.random.default_rng(seed)) for seed in range(2000)]
    assert (min(drawn_onsets), max(drawn_onsets)) == (low, high)
    deviation = math.sqrt(((high - low + 1) ** 2 - 1) / 12)
    assert abs(np.mean(drawn_onsets) - onset.mean(48)) <= 4 * deviation / math.sqrt(2000)


def test_the_stated_means_are_those_of_the_table() -> None:
    means = {model.split("/")[1]: BEHAVIOURS[model].onset.mean(48) for model in FAILING}
    assert means == {
        "haunted-knees": 13.5,
        "dream-filter": 17.0,
        "pop": 22.5,
        "flicker": 26.0,
        "freeze": 31.0,
        "frozen": 1.0,
    }


def test_clips_break_when_the_table_says() -> None:
    onsets = [
        fetch("haunted-knees", "A ball bounces", seed, 48, (32, 32)).facts["true_break_frame"] for seed in range(40)
    ]
    assert 6 <= min(onsets) <= 9
    assert 18 <= max(onsets) <= 21
    assert abs(np.mean(onsets) - 13.5) < 3  # four deviations of the mean of 40


def test_bounds_leave_a_frame_before_the_break() -> None:
    for frames in range(2, 60):
        for onset in (Onset(0.0, 0.0), Onset(0.125, 0.8), Onset(1.0, 1.0)):
            low, high = onset.bounds(frames)
            assert 1 <= low <= high


# ---- nothing breaks in a steady clip --------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt_id", QUICK)
def test_steady_always_moves_and_never_jumps(prompt_id: str) -> None:
    scene = scene_of(QUICK[prompt_id].text)
    pictures = [render(scene, frame, grain=False).astype(int) for frame in range(30)]
    steps = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
    assert min(steps) > 0.12  # grey levels without noise; a candle in a large dark room moves least
    assert max(steps) < 2.2 * np.median(steps) + 1


@pytest.mark.parametrize("text", [WALK, QUICK["village-pan"].text])
def test_scenery_repeats_without_a_seam(text: str) -> None:
    scene = scene_of(text, side=64)
    moments = range(0, 2400, 8)  # a hundred seconds, many periods of every layer
    steps = [np.abs(render(scene, t + 1).astype(int) - render(scene, t)).mean() for t in moments]
    assert max(steps) < 2 * np.median(steps) + 1


def test_every_strip_and_ground_repeats_after_its_period() -> None:
    scene, view = scene_of(QUICK["city-car"].text), View(x=0.31)
    layers = [layer for layer in scene.behind if isinstance(layer, Strip | Ground)]
    assert {type(layer) for layer in layers} == {Strip, Ground}
    for layer in layers:
        period = layer.period / scene.lens.height * layer.depth if isinstance(layer, Strip) else GROUND_PERIOD
        seen = []
        for turns in (-2, 0, 3):
            canvas = np.zeros((scene.lens.height, scene.lens.width, 4), np.uint8)
            layer.draw(canvas, scene.lens, View(x=view.x + turns * period), 0.0)
            seen.append(canvas.astype(int))
        assert seen[0].any()
        assert (
            max(np.abs(seen[0] - seen[1]).max(), np.abs(seen[0] - seen[2]).max()) <= 4
        )  # rounding of sub-pixel places


def test_feet_stay_on_the_ground_and_swing_the_right_way() -> None:
    for gait in GAITS.values():
        height = hip_height(gait)
        phases = [i / 40 for i in range(40)]
        gaps = [height(p) - max(lowest(gait, p), lowest(gait, p + 0.5)) for p in phases]
        assert max(abs(gap) for gap in gaps) < 0.03  # of a body height; running leaves the ground
        assert all(gait.knee(p) > 0 for p in phases)  # knees never bend forwards
        assert 0.5 < stride(gait) < 1.6


def test_a_cycle_meets_its_values() -> None:
    values = (3.0, -1.0, 4.0, 1.0, -5.0, 9.0)
    assert [round(Cycle(values)(i / 6 + 2), 9) for i in range(6)] == list(values)


def test_near_things_pass_faster_than_far_ones() -> None:
    lens = Lens(200, 100)
    for move in (glide(1), push(1)):
        view = move(1.0)
        shifts = [abs((view.matrix(lens, d) - View().matrix(lens, d)) @ [0.3, 0.1, 1])[0] for d in (1.0, 2.0, 8.0)]
        assert shifts[0] > 1.8 * shifts[1] > 3 * shifts[2] > 0


def test_the_ground_moves_with_what_stands_on_it() -> None:
    lens, view = Lens(200, 100), View(x=0.2, z=0.1, roll=0.02, dx=0.01)
    for depth in (0.9, 1.0, 3.0):
        foot = view.matrix(lens, depth) @ [0.15, lens.ground(depth), 1]
        ground = view.ground(lens, view.x) @ [0.15, lens.ground(depth), 1]
        np.testing.assert_allclose(ground[:2] / ground[2], foot[:2], atol=1e-9)


# ---- what the prompt says -------------------------------------------------------------------------------------------


def test_every_subject_is_complete() -> None:
    assert set(SUBJECTS) == set(ACTIONS) == set(NOUNS_OF) == set(OWN_PLACE)
    for name, subject in SUBJECTS.items():
        text = f"A {NOUNS_OF[name].split()[0]}"
        figure = subject.build(read_prompt(text), Slot(), Lens(64, 64), np.random.default_rng(0))
        parts = {part.name for part in figure.parts}
        assert len(figure.haunts) >= 2
        assert {part.parent for part in figure.parts} <= parts | {""}
        assert set(figure.vanishing) <= parts
        assert set(figure.pose(0.3)) <= parts | {"skirt"}  # not everybody wears one
        for haunt in figure.haunts:
            assert set(haunt.joints) | set(haunt.swaps) | set(haunt.swaps.values()) <= parts, (name, haunt.name)


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_haunt_of_every_subject_shows(name: str) -> None:
    scene = scene_of(f"A {NOUNS_OF[name].split()[0]}")
    figure = scene.figures[0]
    for haunt in figure.haunts:
        wrong = Recast(7, haunt.name, figure, (type(figure)(**{**vars(figure), "haunt": haunt}),))
        assert seen_change(scene, wrong)[1] > 0.03, haunt.name


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (WALK, ("person", 1, "beach", (), "walk")),
        ("Two women run through the snow", ("person", 2, "snow", (), "run")),
        ("A flock of birds flies over a lake", ("bird", 4, "sea", (), "flie")),
        ("In a park, a dog runs along a path", ("dog", 1, "park", (), "run")),
        ("A striped flag waves in the wind", ("flag", 1, "sky", (), "wave")),
        ("A beach ball rolls across a lawn", ("ball", 1, "park", (), "roll")),
        ("A close-up of a candle in a dark room", ("candle", 1, "room", (), "burn")),
        ("A 5 second clip of a boat on a lake, handheld camera", ("boat", 1, "sea", ("handheld",), "rock")),
        ("The camera zooms in on a lighthouse by the sea", ("lighthouse", 1, "sea", ("push in",), "stand")),
        ("The camera pans left across a park", ("tree", 3, "park", ("glide left",), "sway")),
        (QUICK["village-pan"].text, ("house", 3, "village", ("glide right",), "stand")),
        (QUICK["rock-waterfall"].text, ("waterfall", 1, "forest", (), "pour")),
    ],
)
def test_prompts_are_read(text: str, read: tuple[str, int, str, tuple[str, ...], str]) -> None:
    wish = read_prompt(text)
    assert (wish.subject, wish.count, wish.place, wish.cameras, wish.action) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A unicorn dances near a tree", r"no subject it knows \(knows: person, dog, bird"),
        ("", "no subject it knows"),
        ("Ein Mann geht am Strand entlang", "no subject it knows"),
        ("The camera pans across a cathedral", "no subject it knows"),
        ("A man and a dog walk in a park", "one kind of subject at a time, not person and dog"),
        ("A dozen birds fly over the sea", "1 to 5 of a subject, not 12"),
        ("A woman swims in a lake", "no person that swims"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_any_work(text: str, reason: str) -> None:
    request = ClipRequest(ClipKey("procedural/steady", "p", 1), Prompt("p", text))
    for act in (ProceduralBackend().submit, lambda r: ProceduralBackend().fetch(r, "")):
        with pytest.raises(MissingClip, match=f"^procedural cannot draw {text!r}: .*{reason}"):
            act(request)


def test_colours_of_the_prompt_are_those_of_the_picture() -> None:
    red, blue = (render(scene_of(f"A man in a {c} shirt walks along a beach"), 0).astype(int) for c in ("red", "blue"))
    middle = (slice(30, 50), slice(44, 52))
    assert (red[middle][..., 0] - red[middle][..., 2]).mean() > 40
    assert (blue[middle][..., 0] - blue[middle][..., 2]).mean() < -10


def test_as_many_are_drawn_as_are_asked_for() -> None:
    assert [len(scene_of(f"{n} balloons rise over hills").figures) for n in ("Two", "Three", "Five")] == [2, 3, 5]


def test_left_and_right_are_obeyed() -> None:
    faces = [scene_of(f"A man walks to the {side} along a beach").figures[0].faces for side in ("left", "right")]
    assert faces == [-1, 1]
