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
from bench.backends.procedural import ProceduralBackend
from bench.backends.procedural.behaviours import BEHAVIOURS
from bench.backends.procedural.camera import Lens, View, glide, push
from bench.backends.procedural.figures import Cycle, Slot
from bench.backends.procedural.layers import GROUND_PERIOD, Ground, Strip
from bench.backends.procedural.people import GAITS, hip_height, lowest, stride
from bench.backends.procedural.quadrupeds import LEGS
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render
from bench.backends.procedural.scenes import Scene, compose
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.vocabulary import ACTIONS, NOUNS_OF, OWN_PLACE
from bench.records import Clip, ClipKey, ClipRequest, FrameholdError, MissingClip, Picture, Prompt
from bench.suite import load_suite

SIDE, FRAMES = 96, 24
QUICK = {prompt.id: prompt for prompt in load_suite("quick-v1").prompts}
WALK = "A man in a red shirt walks along a beach"


def fetch(model: str, text: str, seed: int = 1, frames: int = FRAMES, size: tuple[int, int] = (SIDE, SIDE)) -> Clip:
    backend = ProceduralBackend(frames=frames, width=size[0], height=size[1])
    request = ClipRequest(ClipKey(f"procedural/{model}", "a-prompt", seed), Prompt("a-prompt", text))
    return backend.fetch(request, backend.submit(request))


def drawn(clip: Clip) -> list[Picture]:
    assert clip.frames is not None
    return list(clip.frames)


def digest(pictures: list[Picture]) -> str:
    return hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()


@cache
def scene_of(text: str, seed: int = 1, side: int = SIDE) -> Scene:
    return compose(read_prompt(text), seed, side, side, 24.0)


# ---- the protocol ---------------------------------------------------------------------------------------------------


def test_it_is_registered_and_plans_model_by_prompt_by_seed() -> None:
    backend = open_backend("procedural", {"frames": 7, "fps": 12.0, "width": 80, "height": 64})
    suite = load_suite("quick")
    assert backend.models() == tuple(BEHAVIOURS)
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
    clip = fetch(model.split("/")[1], WALK, frames=12)
    facts = json.loads(json.dumps(clip.facts, allow_nan=False))
    assert set(facts) == {
        "renderer_version", "seed", "frames", "fps", "width", "height", "condition", "failure", "failure_detail",
        "failure_region", "failures", "true_break_frame", "true_mean_hold", "static",
    }  # fmt: skip
    assert (facts["frames"], facts["width"], facts["height"]) == (12, SIDE, SIDE)
    assert (facts["true_break_frame"] is None) == (facts["failure"] is None)
    assert facts["true_mean_hold"] == BEHAVIOURS[model].true_mean_hold(12)
    assert facts["static"] == (model == "procedural/frozen")
    if facts["failure_region"]:
        x, y, w, h = facts["failure_region"]
        assert min(x, y) >= 0 < min(w, h)
        assert max(x + w, y + h) <= 1.0001


# ---- determinism ----------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_clip_in_another_process() -> None:
    models, text = ("haunted-knees", "dream-filter", "flicker", "trying-times"), QUICK["trees-woman"].text
    here = digest([picture for model in models for picture in drawn(fetch(model, text, frames=12))])
    code = (
        "import cv2, sys; cv2.setNumThreads(1); sys.path.insert(0, 'tests/backends'); import test_procedural as t; "
        f"print(t.digest([p for m in {models!r} for p in t.drawn(t.fetch(m, {text!r}, frames=12))]))"
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


# ---- nothing breaks in a steady clip --------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt_id", QUICK)
def test_steady_always_moves_and_never_jumps(prompt_id: str) -> None:
    scene = scene_of(QUICK[prompt_id].text)
    pictures = [render(scene, frame, grain=False).astype(int) for frame in range(24)]
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


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_subject_is_complete(name: str) -> None:
    assert set(SUBJECTS) == set(ACTIONS) == set(NOUNS_OF) == set(OWN_PLACE)
    for stems in ACTIONS[name].values():
        wish = read_prompt(f"A {NOUNS_OF[name].split()[0]} {stems.split()[0]}s")
        figure = SUBJECTS[name].build(wish, Slot(), Lens(64, 64), np.random.default_rng(0))
        parts = {part.name for part in figure.parts}
        assert {haunt.wrong for haunt in figure.haunts} >= {"swap", "detach", "extra"}
        assert {part.parent for part in figure.parts} <= parts | {""}
        assert set(figure.vanishing) <= parts
        assert set(figure.pose(0.3)) <= parts | {"skirt"}  # not everybody wears one
        for haunt in figure.haunts:
            named = set(haunt.joints) | set(haunt.swaps) | set(haunt.swaps.values()) | set(haunt.extras)
            assert named <= parts, haunt.name
        for part, matrix in figure.matrices(Lens(64, 64), View(), 0.7).items():
            assert np.isfinite(matrix).all(), part


def test_a_walk_a_run_and_a_rest_are_three_pictures() -> None:
    for noun, rest in (("dog", "sits"), ("horse", "grazes"), ("man", "stands"), ("cat", "sits")):
        pictures = [
            render(scene_of(f"A {noun} {verb} in a meadow"), 4, grain=False) for verb in ("walks", "runs", rest)
        ]
        assert len({digest([picture]) for picture in pictures}) == 3


@pytest.mark.parametrize("text", ["A horse gallops in a desert", "A cat walks in a park", "A cow runs in a meadow"])
def test_paws_push_the_ground_back_as_fast_as_it_goes(text: str) -> None:
    scene = scene_of(text)
    figure, lens = scene.figures[0], scene.lens
    paths = []
    for leg in LEGS:
        lower = next(part for part in figure.parts if part.name == f"{leg} lower")
        foot = np.array([0.0, lower.sprite.pixels.shape[0] - lower.sprite.pivot[1] - 3, 1.0]) / figure.unit
        foot[2] = 1.0
        paths.append([figure.matrices(lens, View(), t / 60)[lower.name] @ foot for t in range(120)])
    feet = np.array(paths)[:, :, :2] / lens.height  # leg, moment, x y
    lowest = feet[:, :-1, 1].argmax(axis=0)
    steps = np.abs(np.diff(feet[:, :, 0], axis=1))[lowest, np.arange(119)]
    assert np.median(steps) * 60 < 0.35 * abs(figure.speed)  # what stands, stands


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (WALK, ("person", 1, "beach", (), "walk")),
        ("Two women run through the snow", ("person", 2, "snow", (), "run")),
        ("A flock of birds flies over a lake", ("bird", 4, "sea", (), "fly")),
        ("In a park, a dog runs along a path", ("dog", 1, "park", (), "run")),
        ("A striped flag waves in the wind", ("flag", 1, "sky", (), "wave")),
        ("A beach ball rolls across a lawn", ("ball", 1, "park", (), "roll")),
        ("A close-up of a candle in a dark room", ("candle", 1, "room", (), "burn")),
        ("A 5 second clip of a boat on a lake, handheld camera", ("boat", 1, "sea", ("handheld",), "rock")),
        ("The camera zooms in on a lighthouse by the sea", ("lighthouse", 1, "sea", ("push in",), "stand")),
        ("The camera pans left across a park", ("tree", 3, "park", ("glide left",), "sway")),
        ("A woman in a red dress waves", ("person", 1, "street", (), "wave")),
        ("The camera zooms out while a flag waves in the snow", ("flag", 1, "snow", ("push out",), "wave")),
        ("A boy jumps in the waves", ("person", 1, "sea", (), "jump")),
        ("A red bus drives through a town", ("bus", 1, "street", (), "drive")),
        ("Two horses graze in a field", ("horse", 2, "meadow", (), "graze")),
        ("A crow soars over the mountains", ("bird", 1, "mountains", (), "glide")),
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
        ("A unicorn dances near a tree", r"no subject it knows \(knows: person, dog, cat, horse"),
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


def test_an_option_that_it_does_not_take_is_named() -> None:
    with pytest.raises(FrameholdError, match="unknown option 'colour': it takes frames, fps, width, height"):
        open_backend("procedural", {"colour": 3, "fps": 12})
