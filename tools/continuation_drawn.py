"""Clips drawn by the procedural backend to teach the continuation network: unbroken, and broken by the renderer.

Their seeds are no suite's, so the drawn clips that framehold is tried on are never among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.backends.procedural import ProceduralBackend
from bench.backends.procedural.composing import compose_prompt
from bench.records import Clip, ClipKey, ClipRequest, Picture, Prompt
from bench.signals.views import working_picture

DRAWN = 100  # clips
FIRST_SEED = 70_000
FRAMES, RATE, SIDE = 48, 24.0, 256
HELD = ("procedural/steady", "procedural/trying-times")
BROKEN = tuple(
    f"procedural/{name}"
    for name in ("haunted-knees", "method-actor", "mood-ring", "pop", "green-screen", "understudy", "flicker")
)
EVERY = "procedural/dream-filter"  # of every clip: nothing else in the training melts as drawn textures do
BROKEN_EACH = 2
GRADUAL = ("melt", "identity", "colour")


@dataclass(frozen=True)
class DrawnBreak:
    """The same clip, broken by the renderer from the onset on."""

    name: str
    onset: int
    gradual: bool
    frames: list[Picture]


@dataclass(frozen=True)
class DrawnClip:
    """An unbroken clip, another one of the same size, and ways in which it breaks."""

    seed: int
    pictures: list[Picture]
    other: list[Picture]
    broken: tuple[DrawnBreak, ...]


def drawn_clip(number: int) -> DrawnClip:
    """One of the clips, by its number; every second one is under hard conditions and broken only by what is laid on."""
    rng = np.random.default_rng([FIRST_SEED, number])
    prompt, another = (Prompt(id=f"drawn-{number}", text=compose_prompt(rng).text) for _ in range(2))
    seed = FIRST_SEED + number
    pictures = _frames(_drawn(HELD[number % 2], prompt, seed))
    other = _frames(_drawn(HELD[0], another, seed))
    broken = []
    if number % 2 == 0:  # a hard condition is drawn under its model's name: no other model shares that scene
        models = [EVERY, *(str(name) for name in rng.choice(BROKEN, BROKEN_EACH, replace=False))]
        broken = [each for model in models if (each := _break(model, prompt, seed))]
    return DrawnClip(seed, pictures, other, tuple(broken))


def _break(model: str, prompt: Prompt, seed: int) -> DrawnBreak | None:
    clip = _drawn(model, prompt, seed)
    onset = clip.facts["true_break_frame"]
    if not isinstance(onset, int) or onset > FRAMES - 2:
        return None
    name = str(clip.facts["failure"])
    return DrawnBreak(name, onset, name in GRADUAL, _frames(clip))


def _drawn(model: str, prompt: Prompt, seed: int) -> Clip:
    return ProceduralBackend().fetch(ClipRequest(ClipKey(model, prompt.id, seed), prompt, FRAMES, RATE, SIDE, SIDE))


def _frames(clip: Clip) -> list[Picture]:
    return [working_picture(picture) for picture in clip.frames or ()]
