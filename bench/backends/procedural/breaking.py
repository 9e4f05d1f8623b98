"""The failures by name: which figure each happens to, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from bench.backends.procedural import substitutes
from bench.backends.procedural.backdrops import build_place
from bench.backends.procedural.failures import ColourDrift, Failure, Freeze, Recast, Relocation, Shuffle
from bench.backends.procedural.figures import Figure, Haunt, Part, Wrong, haunted
from bench.backends.procedural.places import PLACES
from bench.backends.procedural.rendering import most_in_view
from bench.backends.procedural.retouching import Flicker, Melt, Patch
from bench.backends.procedural.scenes import Scene
from bench.backends.procedural.textures import Colour, noise
from bench.backends.procedural.vocabulary import COLOURS

MELT_REACH = 0.13  # picture heights that a point flows at the most
LEAST_RADIUS, MOST_RADIUS = 0.19, 0.36  # of a local failure, in shorter sides; smaller ones are hard to see
PATCH_SHARE = 1.15  # of a figure's half extent that a local failure covers
NARROW = 0.22  # half extent in picture widths; what is wider has no room for a second one beside it
BESIDE = 0.32  # picture widths between a figure and its double
DRIFT_SECONDS = 1.0  # until a colour has drifted all the way
MORPH_SECONDS = 0.8  # until somebody has become somebody else
TURN_SECONDS = 0.16  # until something has become something else
DYES = ("red", "orange", "green", "blue", "purple", "pink", "turquoise")

Choice = TypeVar("Choice")
Build = Callable[[Scene, int, np.random.Generator], Failure]


@dataclass(frozen=True)
class Way:
    """A way to break. What is `local` changes the picture about one figure only."""

    build: Build
    local: bool
    about: str


def limbs(*kinds: Wrong) -> Build:
    """The limbs of a figure are wrong in one of these ways. What has no legs has parts that come off."""

    def build(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
        target, _ = most_in_view(scene, onset)
        haunt = _one(rng, [h for h in target.haunts if not kinds or h.wrong in kinds])
        return Recast(onset, f"{target.name}: {haunt.name}", 0, target.number, _wearing(haunt))

    return build


def _wearing(haunt: Haunt) -> Callable[[Figure], tuple[Figure, ...]]:
    return lambda figure: (haunted(figure, haunt),)


def pop_out(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """A figure is gone."""
    del rng
    target, _ = most_in_view(scene, onset)
    left: tuple[Part, ...] = tuple(part for part in target.parts if target.vanishing and part not in target.body)
    return Recast(
        onset, f"the {target.name} is gone", 0, target.number, lambda f: (replace(f, parts=left),) if left else ()
    )


def pop_in(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """Something is there that was not: a second one of a kind, or another thing."""
    target, seen = most_in_view(scene, onset)
    side = -1 if seen.centre[0] > 0.5 + 0.1 * float(rng.uniform(-1, 1)) else 1
    shift = side * BESIDE * scene.lens.aspect * target.depth
    room = seen.extent[0] < NARROW and len(scene.figures) == 1 and not target.vanishing
    if room and rng.uniform() < 0.5:
        double = substitutes.moved(target, shift)
        return Recast(onset, f"a second {target.name} appears", 0, target.number, lambda f: (double, f))
    other = substitutes.newcomer(scene, target, shift, rng)
    return Recast(onset, f"a {other.name} appears", 0, target.number, lambda f: (f, other))


def pop(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """A figure is gone, or one is there that was not."""
    return (pop_out if rng.uniform() < 0.5 else pop_in)(scene, onset, rng)


def identity(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """A figure slowly becomes another one of its kind."""
    target, _ = most_in_view(scene, onset)
    other = substitutes.relative(scene, target, rng)
    detail = f"the {target.name} becomes another {target.name}"
    return Recast(onset, detail, round(MORPH_SECONDS * scene.fps), target.number, lambda _: (other,))


def turn(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The subject becomes another subject."""
    target, _ = most_in_view(scene, onset)
    other = substitutes.stranger(scene, target, rng)
    detail = f"the {target.name} becomes a {other.name}"
    left: tuple[Part, ...] = tuple(part for part in target.parts if target.vanishing and part not in target.body)
    rest = (replace(target, parts=left),) if left else ()
    return Recast(onset, detail, round(TURN_SECONDS * scene.fps), target.number, lambda _: (*rest, other))


def colour(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The colours of a figure drift to another one."""
    target, _ = most_in_view(scene, onset)
    own = substitutes.mean_colour(target)
    names = sorted(DYES, key=lambda name: -_distance(own, COLOURS[name]))
    name = names[int(rng.integers(3))]
    over = round(DRIFT_SECONDS * scene.fps)
    return ColourDrift(onset, f"the {target.name} turns {name}", target.number, COLOURS[name], over)


def _distance(one: Colour, other: Colour) -> float:
    return float(np.abs(np.subtract(one, other)).sum())


def background(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The place is another one."""
    place = _one(rng, [name for name in PLACES if name != scene.wish.place])
    seed = int(rng.integers(2**32))
    layers = build_place(PLACES[place], scene.lens, lambda name: np.random.default_rng([seed, *name.encode()]))
    return Relocation(onset, f"the place becomes: {place}", 0, layers)


def _patch(scene: Scene, onset: int) -> Patch:
    """An ellipse over most of the figure that is most in view."""
    target, seen = most_in_view(scene, onset)
    size = (scene.width, scene.height)
    least, most = LEAST_RADIUS * min(size), MOST_RADIUS * min(size)
    radius = [
        min(most, max(least, PATCH_SHARE * extent * side)) for extent, side in zip(seen.extent, size, strict=True)
    ]
    centre = (seen.centre[0] * size[0], seen.centre[1] * size[1])
    return Patch(scene, target, centre, (radius[0], radius[1]), onset)


def melt(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The figure most in view melts."""
    patch = _patch(scene, onset)
    window = patch.window()
    cell = 0.5 * min(patch.radius)
    height, width = window.shape
    sideways, upright, drip = (noise(rng, height, width, (tall, cell), 2) for tall in (cell, cell, 2.5 * cell))
    reach = MELT_REACH * scene.height * window
    down = 0.7 + 0.6 * drip + 0.4 * upright
    flow = np.stack([0.55 * reach * sideways, -0.8 * reach * down, window], axis=2)
    return Melt(onset, f"the {patch.target.name} melts", patch, np.asarray(flow, np.float32))


def flicker(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The figure most in view, or the whole picture, flickers."""
    patch = _patch(scene, onset) if rng.uniform() < 0.5 else None
    return Flicker(onset, f"the {patch.target.name if patch else 'picture'} flickers", int(rng.integers(2**32)), patch)


def freeze(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The clip stops."""
    del scene, rng
    return Freeze(onset, "the clip stops")


def shuffle(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The frames lose their order."""
    del scene
    return Shuffle(onset, "the frames come in another order", int(rng.integers(2**32)))


def _one(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


FAILURES: dict[str, Way] = {
    "limbs": Way(limbs(), True, "a body gone wrong in any way"),
    "limb-swap": Way(limbs("swap"), True, "parts of a body change places"),
    "limb-detach": Way(limbs("detach"), True, "parts of a body come off"),
    "extra-limb": Way(limbs("extra"), True, "parts of a body are there twice"),
    "identity": Way(identity, True, "somebody slowly becomes somebody else"),
    "turn": Way(turn, True, "the subject becomes another subject"),
    "colour": Way(colour, True, "the colours of the subject drift"),
    "pop-out": Way(pop_out, True, "something is gone"),
    "pop-in": Way(pop_in, True, "something is there that was not"),
    "pop": Way(pop, True, "something is gone, or there"),
    "background": Way(background, False, "the place becomes another place"),
    "melt": Way(melt, True, "surfaces run"),
    "flicker": Way(flicker, False, "brightness and texture jump"),
    "freeze": Way(freeze, False, "the clip stops"),
    "shuffle": Way(shuffle, False, "the frames lose their order"),
}
