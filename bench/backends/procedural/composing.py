"""Prompts in plain English that the renderer can draw, and pictures of them: what an embedded network is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.backends.procedural.phrases import (
    ADJECTIVES,
    BEHIND,
    CAMERAS,
    GOING,
    NUMBERED,
    ON_FOOT,
    OPENERS,
    PHRASES,
    PLACE_PHRASES,
    WAYS,
    Phrases,
)
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render
from bench.backends.procedural.scenes import compose

# Shares of prompts that name a colour, a place, a camera move, several subjects, a pattern, an adjective, an end.
COLOURED, PLACED, FILMED, SEVERAL, PATTERNED, DESCRIBED, ENDED = 0.75, 0.85, 0.2, 0.12, 0.3, 0.12, 0.6
HIDDEN = 0.06  # share of those on foot that go behind something
INVERTED, FRAMED, FILMED_FIRST, CONTINUOUS = 0.15, 0.15, 0.3, 0.4  # of wordings: "on a beach, ...", "a video of ..."


@dataclass(frozen=True)
class Composed:
    """A prompt and what is in it, as the reader reads it. `colour` and `camera` are empty where none is named."""

    text: str
    subject: str
    colour: str
    action: str
    place: str
    camera: str
    count: int = 1


def compose_prompt(rng: np.random.Generator, subject: str | None = None) -> Composed:
    """A random prompt, about a given kind of subject or any, in one of many wordings."""
    kind = subject or _one(rng, tuple(PHRASES))
    phrases = PHRASES[kind]
    colour = _one(rng, phrases.colours) if phrases.colours and rng.uniform() < COLOURED else ""
    action = _one(rng, tuple(phrases.verbs))
    place = _one(rng, phrases.places) if rng.uniform() < PLACED else ""
    camera = _one(rng, phrases.cameras) if rng.uniform() < FILMED else ""
    count = int(rng.integers(2, 2 + len(NUMBERED))) if phrases.several and rng.uniform() < SEVERAL else 1
    text = _sentence(rng, phrases, _who(rng, phrases, colour, count), count > 1, action, place, camera)
    return Composed(text, kind, colour, action, read_prompt(text).place, camera, count)


def draw_frames(
    text: str, seed: int, frames: Sequence[int], width: int = 128, height: int = 128, fps: float = 24.0
) -> NDArray[np.uint8]:
    """Those frames of the unbroken clip of a prompt and a seed, frames x height x width x 3 RGB.

    Raises MissingClip when the prompt cannot be drawn.
    """
    scene = compose(read_prompt(text), seed, width, height, fps)
    return np.stack([render(scene, frame) for frame in frames])


def _sentence(
    rng: np.random.Generator, phrases: Phrases, who: str, several: bool, action: str, place: str, camera: str
) -> str:
    """One wording: who, what it does, where, how it is filmed; the parts in one of several orders."""
    verbs = phrases.verbs[action]
    finite, continuous = verbs[int(rng.integers(len(verbs)))].split("|")
    if several or rng.uniform() < CONTINUOUS:
        finite = f"{'are' if several or not phrases.counted else 'is'} {continuous}"
    where = _where(rng, phrases, action, place)
    before, after = CAMERAS[camera]
    chance = rng.uniform()
    if chance < INVERTED and place:
        text = f"{_one(rng, PLACE_PHRASES[place])}, {who} {finite}{_one(rng, after)}"
    elif chance < INVERTED + FRAMED:
        text = f"{_one(rng, OPENERS)} {who} {continuous}{where}{_one(rng, after)}"
    elif chance > 1 - FILMED_FIRST and before:
        text = f"{_one(rng, before)} {who} {finite}{where}"
    else:
        text = f"{who} {finite}{where}{_one(rng, after)}"
    return text[0].upper() + text[1:] + ("." if rng.uniform() < 0.3 else "")


def _where(rng: np.random.Generator, phrases: Phrases, action: str, place: str) -> str:
    """What comes after the verb."""
    hidden = f" {_one(rng, BEHIND)}" if action in ON_FOOT and rng.uniform() < HIDDEN else ""
    if place:
        ways = WAYS[place] if action in GOING else ()
        return f"{hidden} {_one(rng, (*PLACE_PHRASES[place], *ways))}"
    if phrases.tails and rng.uniform() < ENDED:
        return hidden + _one(rng, phrases.tails)
    return hidden


def _who(rng: np.random.Generator, phrases: Phrases, colour: str, count: int) -> str:
    """The subject with its article or number, and what it looks like."""
    noun = _one(rng, phrases.several if count > 1 else phrases.nouns)
    looks = [_one(rng, ADJECTIVES)] if rng.uniform() < DESCRIBED and phrases.counted else []
    if phrases.patterns and rng.uniform() < PATTERNED:
        looks.append(_one(rng, phrases.patterns))
    worn = ""
    if colour and phrases.garments:
        garment = _one(rng, phrases.garments)
        worn = f" in {colour} {garment}{'es' if garment[-1] == 's' else 's'}" if count > 1 else ""
        worn = worn or f" in {_with_article(f'{colour} {garment}')}"
    elif colour:
        looks.append(colour)
    named = " ".join([*looks, noun])
    if count > 1:
        return f"{NUMBERED[count - 2]} {named}{worn}"
    return f"{_with_article(named) if phrases.counted else named}{worn}"


def _with_article(noun: str) -> str:
    """The noun with a or an."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
