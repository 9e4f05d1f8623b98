"""The subjects by name: how each is built, how wide it is, where it stands. To add one: a function, a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural import afloat, birds, breeds, flames, fluids, people, rooted, things, vehicles
from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Figure, Slot
from bench.backends.procedural.places import PLACES, Place
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.textures import Colour

Build = Callable[[Wish, Slot, Lens, np.random.Generator], Figure]

POOL = Place((), PLACES["forest"].sky, None, Colour(52, 84, 84), bands=PLACES["forest"].bands)


@dataclass(frozen=True)
class Subject:
    """`width` is of a lone one in picture heights; `setting` overrules the place the prompt names."""

    build: Build
    width: float
    depth: float = 1.0
    setting: Place | None = None


SUBJECTS: dict[str, Subject] = {
    "person": Subject(people.person, 0.36),
    "dog": Subject(breeds.dog, 0.72),
    "cat": Subject(breeds.cat, 0.74),
    "horse": Subject(breeds.horse, 0.82),
    "cow": Subject(breeds.cow, 0.84),
    "bird": Subject(birds.bird, 0.6),
    "ball": Subject(things.ball, 0.36),
    "car": Subject(vehicles.car, 0.84),
    "bus": Subject(vehicles.bus, 1.0),
    "boat": Subject(afloat.boat, 0.7, depth=1.12),
    "balloon": Subject(afloat.balloon, 0.56),
    "candle": Subject(flames.candle, 0.4),
    "fire": Subject(flames.fire, 0.6),
    "flag": Subject(things.flag, 0.72),
    "tree": Subject(rooted.tree, 0.6, depth=1.08),
    "house": Subject(rooted.house, 0.84, depth=1.1),
    "lighthouse": Subject(rooted.lighthouse, 0.6, depth=1.05),
    "windmill": Subject(rooted.windmill, 0.8, depth=1.05),
    "waterfall": Subject(fluids.waterfall, 1.0, depth=1.45, setting=POOL),
    "waves": Subject(fluids.waves, 1.0, setting=PLACES["sea"]),
}
