"""The procedural backend: scenes drawn from a prompt with numpy and OpenCV, each with a known break frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.behaviours import BEHAVIOURS, Behaviour
from bench.backends.procedural.breaking import FAILURES
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.failures import Failure
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render, seen_region, seen_share
from bench.backends.procedural.scenes import RENDERER_VERSION, Scene, compose, streams
from bench.records import Clip, ClipKey, ClipRequest, FrameholdError, Picture, Plan, Suite

LEAST_SIDE, LARGEST_SIDE = 16, 4096  # px
MOST_FRAMES = 100_000
HIGHEST_FPS = 1000.0
LEAST_SEEN = 0.035  # share of the picture that a break should change
REDRAWS = 8  # of a break that would hardly be seen


class ProceduralBackend:
    """Draws clips; costs nothing. The options stand in where a request leaves length, rate or size open."""

    def __init__(self, frames: int = 48, fps: float = 24.0, width: int = 256, height: int = 256) -> None:
        _check(frames, fps, width, height)
        self.frames, self.fps, self.width, self.height = frames, fps, width, height

    def models(self) -> tuple[str, ...]:
        """All behaviours."""
        return tuple(BEHAVIOURS)

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        """A request for every model x prompt x seed, free of charge."""
        for model in models:
            _behaviour(model)
        size = self.frames, self.fps, self.width, self.height
        return Plan(
            tuple(
                ClipRequest(ClipKey(model, prompt.id, seed), prompt, *size, identity=f"renderer {RENDERER_VERSION}")
                for model in models
                for prompt in suite.prompts
                for seed in prompt.seeds
            )
        )

    def submit(self, request: ClipRequest) -> str:
        """Nothing to wait for: an empty ticket. Raises MissingClip when the prompt cannot be drawn."""
        _behaviour(request.key.model)
        read_prompt(request.prompt.text)
        return ""

    def fetch(self, request: ClipRequest, ticket: str = "") -> Clip:
        """The clip, drawn frame by frame as it is read. Raises MissingClip when the prompt cannot be drawn."""
        del ticket
        frames = self.frames if request.frames is None else request.frames
        fps = self.fps if request.fps is None else request.fps
        width = self.width if request.width is None else request.width
        height = self.height if request.height is None else request.height
        _check(frames, fps, width, height)
        behaviour = _behaviour(request.key.model)
        scene = compose(read_prompt(request.prompt.text), request.key.seed, width, height, fps)
        fate = decide(behaviour, request, scene, frames)
        facts = {
            "renderer_version": RENDERER_VERSION,
            "seed": request.key.seed,
            "frames": frames,
            "fps": fps,
            "width": width,
            "height": height,
            **_truth(behaviour, fate, frames),
        }
        return Clip(frames=draw(fate, frames), fps=fps, facts=facts)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Fate:
    """What happens in one clip: the scene under its conditions, and all that goes wrong, the first one first."""

    scene: Scene
    condition: str | None = None
    failures: tuple[tuple[str, Failure], ...] = ()

    @property
    def onset(self) -> int | None:
        """The true break frame."""
        return self.failures[0][1].onset if self.failures else None


def draw(fate: Fate, frames: int) -> Iterator[Picture]:
    """The frames of a clip, one at a time."""
    failures = [failure for _, failure in fate.failures]
    for frame in range(frames):
        yield render(fate.scene, frame, failures)


def decide(behaviour: Behaviour, request: ClipRequest, scene: Scene, frames: int) -> Fate:
    """What goes wrong in this clip and when, from a stream of its own, so that all models share the scene."""
    rng = streams("failure", request.key.model, request.prompt.text, request.key.seed)
    conditions, onsets, kinds = rng("condition"), rng("onset"), rng("kind")
    condition = None
    if behaviour.conditions:
        condition = behaviour.conditions[int(conditions.integers(len(behaviour.conditions)))]
        scene = CONDITIONS[condition](scene, conditions)
    onset = behaviour.onset.draw(frames, onsets) if behaviour.failures else None
    if onset is None:
        return Fate(scene, condition)
    names = list(behaviour.failures)
    chosen = [names.pop(int(kinds.integers(len(names))))]
    at = [onset]
    if behaviour.twice and onset + 1 < frames:
        chosen.append(names.pop(int(kinds.integers(len(names)))))
        at.append(int(onsets.integers(onset + 1, frames)))
    failures = tuple((name, _plainest(scene, name, when, kinds)) for name, when in zip(chosen, at, strict=True))
    return Fate(scene, condition, failures)


def _truth(behaviour: Behaviour, fate: Fate, frames: int) -> dict[str, object]:
    """What is known of a clip because it was drawn; a viewer would have to find out."""
    failures = [
        {
            "failure": name,
            "detail": failure.detail,
            "onset": failure.onset,
            "region": list(seen_region(fate.scene, failure, frames)),
        }
        for name, failure in fate.failures
    ]
    first = failures[0] if failures else {"failure": None, "detail": None, "region": None}
    return {
        "condition": fate.condition,
        "failure": first["failure"],
        "failure_detail": first["detail"],
        "failure_region": first["region"],
        "failures": failures,
        "true_break_frame": fate.onset,
        "true_mean_hold": behaviour.true_mean_hold(frames),
        "static": behaviour.static,
    }


def _plainest(scene: Scene, name: str, onset: int, rng: np.random.Generator) -> Failure:
    """A failure of that name that shows, behind a tree trunk too; of those that hardly do, the plainest."""
    drawn: list[tuple[float, Failure]] = []
    while len(drawn) < REDRAWS and (not drawn or drawn[-1][0] < LEAST_SEEN):
        failure = FAILURES[name].build(scene, onset, rng)
        drawn.append((seen_share(scene, failure), failure))
    return max(drawn, key=lambda pair: pair[0])[1]


def _behaviour(model: str) -> Behaviour:
    if model not in BEHAVIOURS:
        raise FrameholdError(f"unknown model {model!r}: the procedural backend has {', '.join(BEHAVIOURS)}")
    return BEHAVIOURS[model]


def _check(frames: int, fps: float, width: int, height: int) -> None:
    """Raises FrameholdError naming the option that no clip can have."""
    if not 1 <= frames <= MOST_FRAMES:
        raise FrameholdError(f"procedural: frames is {frames}: ask for 1 to {MOST_FRAMES}")
    if not 0 < fps <= HIGHEST_FPS:
        raise FrameholdError(f"procedural: fps is {fps}: ask for more than 0 and at most {HIGHEST_FPS:g}")
    for name, side in (("width", width), ("height", height)):
        if not LEAST_SIDE <= side <= LARGEST_SIDE:
            raise FrameholdError(f"procedural: {name} is {side}: ask for {LEAST_SIDE} to {LARGEST_SIDE} px")
