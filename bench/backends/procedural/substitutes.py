"""Who takes a figure's place when something goes wrong: a relative, a stranger, a newcomer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.backends.procedural.failures import tinting
from bench.backends.procedural.figures import Figure, Spot
from bench.backends.procedural.phrases import PHRASES
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.scenes import Scene
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.textures import Colour
from bench.backends.procedural.vocabulary import ACTIONS, COLOURS, NOUNS_OF

STRANGERS = ("person", "dog", "cat", "horse", "car", "ball", "bird", "balloon", "tree")
NEWCOMERS = ("ball", "balloon", "cat", "dog", "bird", "tree")
DYES = ("red", "green", "purple", "turquoise", "golden")
DYED = 0.6  # how strongly
NEWCOMER_SCALE = 0.75  # beside a lone figure of its kind
GENDERS = {"man": "woman", "woman": "man", "boy": "girl", "girl": "boy", "lady": "gentleman", "gentleman": "lady"}


def relative(scene: Scene, target: Figure, rng: np.random.Generator) -> Figure:
    """Another one of the same kind in the same place and pose, in another colour."""
    wish = scene.wish
    phrases = PHRASES[wish.subject]
    taken = {name for names in wish.colours.values() for name in names}
    free = [name for name in phrases.colours if name not in taken]
    words = wish.words | {"man" if "woman" in wish.words else "woman"}
    for word in wish.words & set(GENDERS):
        words = words - {word} | {GENDERS[word]}
    noun = (phrases.garments or NOUNS_OF[wish.subject].split())[0]
    colours = {noun: (free[int(rng.integers(len(free)))],)} if free else {}
    other = replace(wish, words=words, colours=colours)
    figure = SUBJECTS[wish.subject].build(other, scene.slots[target.number], scene.lens, rng)
    if not free:  # water and fire come in no colours
        figure = replace(figure, tint=tinting(COLOURS[DYES[int(rng.integers(len(DYES)))]], DYED))
    return _in_its_place(figure, target)


def stranger(scene: Scene, target: Figure, rng: np.random.Generator) -> Figure:
    """Another subject in the same place."""
    kinds = [kind for kind in STRANGERS if kind != scene.wish.subject and kind in SUBJECTS]
    kind = kinds[int(rng.integers(len(kinds)))]
    slot = scene.slots[target.number]._replace(depth=target.depth)
    return _in_its_place(SUBJECTS[kind].build(_plain(scene.wish, kind, rng), slot, scene.lens, rng), target)


def newcomer(scene: Scene, target: Figure, shift: float, rng: np.random.Generator) -> Figure:
    """Another thing, `shift` picture heights (at depth 1) beside the target, going where it goes."""
    kinds = [kind for kind in NEWCOMERS if kind != scene.wish.subject and kind in SUBJECTS]
    kind = kinds[int(rng.integers(len(kinds)))]
    own = scene.slots[target.number]
    slot = own._replace(depth=target.depth, scale=NEWCOMER_SCALE * min(1.0, 1.5 * own.scale))
    figure = SUBJECTS[kind].build(_plain(scene.wish, kind, rng), slot, scene.lens, rng)
    return moved(_in_its_place(figure, target), shift)


def moved(figure: Figure, shift: float) -> Figure:
    """A figure of its own, that far (picture heights at depth 1) beside where the figure is."""

    def beside(time: float) -> Spot:
        spot = figure.place(time)
        return Spot(spot.x + shift, spot.lift)

    return replace(figure, place=beside, number=-1)


def mean_colour(figure: Figure) -> Colour:
    """Of all parts of its body."""
    pixels = np.concatenate([part.sprite.pixels.reshape(-1, 4) for part in figure.body])
    solid = pixels[pixels[:, 3] > 250]
    return Colour(*(float(channel) for channel in solid[:, :3].mean(axis=0))) if len(solid) else Colour(128, 128, 128)


def _plain(wish: Wish, kind: str, rng: np.random.Generator) -> Wish:
    """The wish for one of that kind that goes its own way."""
    colours = PHRASES[kind].colours
    noun = (PHRASES[kind].garments or NOUNS_OF[kind].split())[0]
    named = {noun: (colours[int(rng.integers(len(colours)))],)} if colours else {}
    words = frozenset({NOUNS_OF[kind].split()[0]})
    return replace(
        wish, subject=kind, action=next(iter(ACTIONS[kind])), count=1, cameras=(), words=words, colours=named
    )


def _in_its_place(figure: Figure, target: Figure) -> Figure:
    """The figure where the target goes, at its own height over ground."""
    return replace(
        figure,
        place=lambda time: Spot(target.place(time).x, figure.place(time).lift),
        speed=target.speed,
        number=target.number,
    )
