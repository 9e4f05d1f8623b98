"""Hard but consistent: what a viewer follows without a doubt, and a careless measure takes for a break."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens, Move, View, together
from bench.backends.procedural.figures import Figure, Slot, Spot
from bench.backends.procedural.layers import Layer
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.scenes import Scene
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.textures import Bytes

FAST = 2.2  # times its usual speed
PASSER_DEPTH = 0.72  # nearer than any figure
PASSER_SPEED = 1.5  # picture heights a second at depth 1, before the camera
PASSER_EVERY = 4.0  # seconds
DIMMED = 0.6  # of the light, under a cloud
SHADE = 0.25  # of its colour is left of what passes before a lamp
CLOUD_SECONDS, CLOUD_STAYS = 0.9, 0.2  # from light to dark, or back; how long it stays dark
CLOUD_EVERY = 4.0  # seconds
WHIP = 0.9  # picture heights that the camera is whipped aside
ZOOM = 0.4  # of the way to depth 1, where it cannot be moved aside
WHIP_SECONDS = 0.9  # there and back
WHIP_EVERY = 3.5  # seconds

Condition = Callable[[Scene, np.random.Generator], Scene]


def fast(scene: Scene, rng: np.random.Generator) -> Scene:
    """Everything is in a hurry."""
    return replace(scene, pace=FAST * float(rng.uniform(0.9, 1.1)))


@dataclass(frozen=True)
class Cloud:
    """The light of the whole scene, times `gain(time)`."""

    gain: Callable[[float], float]

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Dim all that is drawn already."""
        del lens, view
        cv2.convertScaleAbs(canvas, canvas, self.gain(time))


def light(scene: Scene, rng: np.random.Generator) -> Scene:
    """A cloud comes before the sun, and goes."""
    start = float(rng.uniform(0.1, 0.5))

    def gain(time: float) -> float:
        phase = (time - start) % CLOUD_EVERY if time > start else 0.0
        shade = min(1.0, phase / CLOUD_SECONDS, max(0.0, 2 + (CLOUD_STAYS - phase) / CLOUD_SECONDS))
        return 1 - (1 - DIMMED) * 0.5 * (1 - math.cos(math.pi * shade))

    return replace(scene, before=(*scene.before, Cloud(gain)))


def occlusion(scene: Scene, rng: np.random.Generator) -> Scene:
    """Something large passes between the camera and the subject, which is still there afterwards."""
    on_water = scene.wish.place == "sea" or SUBJECTS[scene.wish.subject].setting is not None
    kind = "boat" if on_water else "person" if scene.wish.place == "room" else "bus"
    return replace(scene, before=(*scene.before, _passer(scene, kind, rng)))


def _passer(scene: Scene, kind: str, rng: np.random.Generator) -> Layer:
    """It comes into view soon, crosses it, and comes again later."""
    faces = 1 if rng.uniform() < 0.5 else -1
    wish = Wish("", kind, 1, scene.wish.place, (), "walk" if kind == "person" else "drive", {}, frozenset({kind}))
    slot = Slot(0.0, 1.25 if kind != "person" else 1.1, PASSER_DEPTH, float(rng.uniform()), faces)
    figure: Figure = SUBJECTS[kind].build(wish, slot, scene.lens, rng)
    half = 0.5 * scene.lens.aspect * PASSER_DEPTH + 1.0
    first = float(rng.uniform(0.2, 0.5))

    def place(time: float) -> Spot:
        gone = (time - first) % PASSER_EVERY if time > first else 0.0
        seen_from = scene.camera(time).x
        return Spot(seen_from + faces * (PASSER_SPEED * gone - half), figure.place(time).lift)

    unlit = SHADE * np.eye(4) + (1 - SHADE) * np.diag([0.0, 0.0, 0.0, 1.0]) if scene.lights else None
    return replace(figure, place=place, tint=unlit)


def whip(scene: Scene, rng: np.random.Generator) -> Scene:
    """The camera is thrown aside and back; where there is nothing beside the scene, it is thrown at it."""
    start = float(rng.uniform(0.3, 0.9))
    aside = SUBJECTS[scene.wish.subject].setting is None and not scene.lights
    side = 1 if rng.uniform() < 0.5 else -1

    def thrown(time: float) -> View:
        phase = ((time - start) % WHIP_EVERY) / WHIP_SECONDS if time > start else 0.0
        swing = 0.5 * (1 - math.cos(2 * math.pi * phase)) if phase < 1 else 0.0
        return View(x=side * WHIP * swing) if aside else View(z=ZOOM * swing)

    move: Move = together([scene.camera, thrown])
    return replace(scene, camera=move)


CONDITIONS: dict[str, Condition] = {"fast": fast, "occlusion": occlusion, "light": light, "whip": whip}
