"""The procedural backend: scenes drawn from a prompt with numpy and OpenCV, each with a known break frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.breaking import FAILURES, render, seen_change
from bench.backends.procedural.failures import Failure
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.scenes import RENDERER_VERSION, Scene, compose, streams
from bench.records import Clip, ClipKey, ClipRequest, FrameholdError, Picture, Plan, Region, Suite

LEAST_SIDE, LARGEST_SIDE = 16, 4096  # px
MOST_FRAMES = 100_000
HIGHEST_FPS = 1000.0
LEAST_SEEN = 0.035  # share of the picture that a break must change
REDRAWS = 12


@dataclass(frozen=True)
class Onset:
    """The true break frame is uniform over all whole frames between two shares of the clip's length, both included."""

    earliest: float
    latest: float

    def bounds(self, frames: int) -> tuple[int, int]:
        """First and last frame that can be the break; a break always has a frame before it.

        >>> Onset(0.125, 0.8).bounds(48)
        (6, 38)
        """
        low = max(1, round(self.earliest * frames))
        return low, max(low, min(frames - 1, math.floor(self.latest * frames)))

    def mean(self, frames: int) -> float:
        """The mean true break frame, which is the mean of frames truly held."""
        return sum(self.bounds(frames)) / 2

    def draw(self, frames: int, rng: np.random.Generator) -> int:
        """One break frame."""
        low, high = self.bounds(frames)
        return int(rng.integers(low, high + 1))


@dataclass(frozen=True)
class Behaviour:
    """What a model does wrong, and when. Without a failure it holds for ever."""

    failure: str | None = None
    onset: Onset = Onset(1.0, 1.0)
    static: bool = False


# Break frames of 48, mean in brackets. They differ, so that the models have a true order. Where something stands before
# the subject, a break that could not be seen is drawn again, so its breaks are uniform over the frames that show them.
BEHAVIOURS: dict[str, Behaviour] = {
    "procedural/steady": Behaviour(),
    "procedural/haunted-knees": Behaviour("limbs", Onset(0.125, 0.45)),  # 6..21 (13.5)
    "procedural/dream-filter": Behaviour("melt", Onset(0.125, 0.6)),  # 6..28 (17)
    "procedural/pop": Behaviour("pop", Onset(0.25, 0.7)),  # 12..33 (22.5)
    "procedural/flicker": Behaviour("flicker", Onset(0.3, 0.8)),  # 14..38 (26)
    "procedural/freeze": Behaviour("freeze", Onset(0.5, 0.8)),  # 24..38 (31)
    "procedural/frozen": Behaviour("freeze", Onset(0.0, 0.0), static=True),  # 1
}


class ProceduralBackend:
    """Draws clips; costs nothing. The options stand in where a request leaves length, rate or size open."""

    def __init__(self, frames: int = 48, fps: float = 24.0, width: int = 256, height: int = 256) -> None:
        _check(frames, fps, width, height)
        self.frames, self.fps, self.width, self.height = frames, fps, width, height

    def models(self) -> tuple[str, ...]:
        """The seven behaviours."""
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
        failure, region = choose_failure(behaviour, request, scene, frames) or (None, None)
        facts = {
            "renderer_version": RENDERER_VERSION,
            "seed": request.key.seed,
            "frames": frames,
            "fps": fps,
            "width": width,
            "height": height,
            "failure": behaviour.failure if failure else None,
            "failure_detail": failure.detail if failure else None,
            "failure_region": list(region) if region else None,
            "true_break_frame": failure.onset if failure else None,
            "static": behaviour.static,
        }
        return Clip(frames=draw(scene, frames, failure), fps=fps, facts=facts)

    def close(self) -> None:
        """Nothing is held."""


def draw(scene: Scene, frames: int, failure: Failure | None) -> Iterator[Picture]:
    """The frames of a clip, one at a time."""
    failures = (failure,) if failure else ()
    for frame in range(frames):
        yield render(scene, frame, failures)


def choose_failure(
    behaviour: Behaviour, request: ClipRequest, scene: Scene, frames: int
) -> tuple[Failure, Region] | None:
    """What goes wrong in this clip and where, from a stream of its own, so that all models share the scene.

    A break that nobody could see, behind a tree trunk, is drawn again: a viewer must be able to find the true one.
    """
    if behaviour.failure is None or frames < 2:
        return None
    rng = streams("failure", request.key.model, request.prompt.text, request.key.seed)
    onsets, kinds = rng("onset"), rng("kind")
    best: tuple[float, Failure, Region] | None = None
    for _ in range(REDRAWS):
        failure = FAILURES[behaviour.failure](scene, behaviour.onset.draw(frames, onsets), kinds)
        region, share = seen_change(scene, failure)
        if best is None or share > best[0]:
            best = share, failure, region
        if share >= LEAST_SEEN:
            break
    return best and best[1:]


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
