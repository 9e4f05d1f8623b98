"""Articulated figures as data: parts that hang from one another, a pose that turns them, a place in the world."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens, View
from bench.backends.procedural.sprites import GRAIN, Matrix, Point, Sprite, Workshop, lay
from bench.backends.procedural.textures import Bytes


class Joint(NamedTuple):
    """How a part sits on its parent: turned (degrees, hanging parts swing forward), moved (figure units), stretched."""

    turn: float = 0.0
    x: float = 0.0
    y: float = 0.0
    sx: float = 1.0
    sy: float = 1.0

    def plus(self, other: Joint) -> Joint:
        """Both at once."""
        return Joint(self.turn + other.turn, self.x + other.x, self.y + other.y, self.sx * other.sx, self.sy * other.sy)

    def matrix(self, at: Point) -> Matrix:
        """From the part's own units to its parent's, the joint being at `at`."""
        angle = math.radians(self.turn)
        cos, sin = math.cos(angle), math.sin(angle)
        return np.array(
            [
                [cos * self.sx, sin * self.sy, at[0] + self.x],
                [-sin * self.sx, cos * self.sy, at[1] + self.y],
                [0, 0, 1],
            ],
            np.float64,
        )


class Spot(NamedTuple):
    """Where a figure stands: x along the world and height over ground, both in picture heights."""

    x: float
    lift: float = 0.0


class Slot(NamedTuple):
    """Which of several figures it is: where it stands, its size beside a lone one, where in its cycle it starts."""

    x: float = 0.0
    scale: float = 1.0
    depth: float = 1.0
    phase: float = 0.0
    faces: int = 1

    def workshop(self, size: float, lens: Lens, rng: np.random.Generator) -> Workshop:
        """Where its sprites are made, sharp at this distance; `size` is picture heights a figure unit."""
        return Workshop(size / self.depth * lens.height, GRAIN * lens.height, rng)


Pose = Mapping[str, Joint]
Bend = Callable[[Sprite, float], Sprite]  # a soft part at a time in seconds


@dataclass(frozen=True)
class Part:
    """One piece. It hangs at `at` of its parent (figure units); `bend` reshapes it; `grounded` stays on the ground."""

    name: str
    sprite: Sprite
    at: Point = (0.0, 0.0)
    parent: str = ""
    bend: Bend | None = None
    grounded: bool = False


Wrong = Literal["twist", "swap", "detach", "extra"]  # bent or grown, in another's place, come off, one too many


@dataclass(frozen=True)
class Haunt:
    """A wrong body: joints that are off (on top of the pose), parts that wear another part's sprite, parts too many.

    `extras` are parts that are there twice, with all that hangs from them; the second ones are off by that joint.
    """

    wrong: Wrong
    name: str
    joints: Mapping[str, Joint] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, Joint] = field(default_factory=dict)


def at_rest(time: float) -> Pose:
    """The pose of what has no joints to move."""
    del time
    return {}


@dataclass(frozen=True)
class Figure:
    """Parts in drawing order, how they move, and what a failure of limbs does to them.

    `size` is picture heights a figure unit at depth 1, `unit` the px a figure unit its sprites were made with.
    The ground is y = 0 in figure units; `speed` is what a camera that follows it has to do. When the figure vanishes,
    its `vanishing` parts do, or all of it where none are named. `tint` turns the colours of all that can vanish,
    `number` tells it from the other figures of its scene.
    """

    name: str
    parts: tuple[Part, ...]
    place: Callable[[float], Spot]
    size: float
    unit: float
    haunts: tuple[Haunt, ...]
    pose: Callable[[float], Pose] = at_rest
    depth: float = 1.0
    faces: int = 1
    speed: float = 0.0
    haunt: Haunt | None = None
    vanishing: tuple[str, ...] = ()
    tint: Matrix | None = None
    number: int = 0

    @property
    def body(self) -> tuple[Part, ...]:
        """The parts that are the thing itself: without its shadow and what stays when it vanishes."""
        return tuple(p for p in self.parts if not p.grounded and (not self.vanishing or p.name in self.vanishing))

    def matrices(self, lens: Lens, view: View, time: float) -> dict[str, Matrix]:
        """From every part's own units to canvas px."""
        pose = self.pose(time)
        wrong = self.haunt.joints if self.haunt else {}
        spot = self.place(time)
        size = self.size / self.depth
        scene = view.matrix(lens, self.depth)
        found: dict[str, Matrix] = {}
        for part in self.parts:
            lift = 0.0 if part.grounded else spot.lift / self.depth
            root = np.array(
                [[size * self.faces, 0, spot.x / self.depth], [0, size, lens.ground(self.depth) - lift], [0, 0, 1]],
                np.float64,
            )
            found[f"root of {part.name}"] = scene @ root
        by_name = {part.name: part for part in self.parts}

        def solve(part: Part) -> Matrix:
            if part.name not in found:
                joint = pose.get(part.name, Joint())
                if part.name in wrong:
                    joint = joint.plus(wrong[part.name])
                above = solve(by_name[part.parent]) if part.parent else found[f"root of {part.name}"]
                found[part.name] = above @ joint.matrix(part.at)
            return found[part.name]

        return {part.name: solve(part) for part in self.parts}

    def draw(self, canvas: Bytes, lens: Lens, view: View, time: float) -> None:
        """Lay all parts on the canvas."""
        matrices = self.matrices(lens, view, time)
        swaps = self.haunt.swaps if self.haunt else {}
        by_name = {part.name: part for part in self.parts}
        tinted = {part.name for part in self.body} if self.tint is not None else set()
        for part in self.parts:
            look = by_name[swaps.get(part.name, part.name)]
            sprite = look.bend(look.sprite, time) if look.bend else look.sprite
            pixels = sprite.pixels
            if part.name in tinted and self.tint is not None:
                pixels = np.asarray(cv2.transform(pixels, self.tint), np.uint8)
            lay(canvas, pixels, matrices[part.name] @ sprite_to_units(sprite, self.unit))


def haunted(figure: Figure, haunt: Haunt) -> Figure:
    """The figure with that wrong body."""
    copies: dict[str, str] = {}
    for part in parents_first(figure.parts):
        if part.name in haunt.extras or part.parent in copies:
            copies[part.name] = f"second {part.name}"
    parts: list[Part] = []
    for part in figure.parts:
        parts.append(part)
        if part.name in copies:
            parts.append(replace(part, name=copies[part.name], parent=copies.get(part.parent, part.parent)))

    def pose(time: float) -> Pose:
        joints = figure.pose(time)
        still = Joint()
        return {**joints, **{c: joints.get(n, still).plus(haunt.extras.get(n, still)) for n, c in copies.items()}}

    vanishing = figure.vanishing and (*figure.vanishing, *copies.values())
    return replace(figure, parts=tuple(parts), pose=pose if copies else figure.pose, haunt=haunt, vanishing=vanishing)


def parents_first(parts: tuple[Part, ...]) -> list[Part]:
    """The parts in an order in which each comes after what it hangs from."""
    by_name = {part.name: part for part in parts}

    def depth(part: Part) -> int:
        return 1 + depth(by_name[part.parent]) if part.parent else 0

    return sorted(parts, key=depth)


def sprite_to_units(sprite: Sprite, unit: float) -> Matrix:
    """From px of a sprite to figure units about its pivot."""
    x, y = sprite.pivot
    return np.array([[1 / unit, 0, -x / unit], [0, 1 / unit, -y / unit], [0, 0, 1]], np.float64)


class Cycle:
    """A periodic curve through evenly spaced values, as the trigonometric polynomial that meets them all.

    >>> round(Cycle((0.0, 1.0, 0.0, -1.0))(0.125), 3)
    0.707
    """

    def __init__(self, values: tuple[float, ...]) -> None:
        terms = np.fft.rfft(np.asarray(values, np.float64)) / len(values)
        weights = np.full(len(terms), 2.0)
        weights[0] = 1.0
        if len(values) % 2 == 0:
            weights[-1] = 1.0
        self.terms = [
            (n, float(c.real * w), float(c.imag * w)) for n, (c, w) in enumerate(zip(terms, weights, strict=True))
        ]

    def __call__(self, phase: float) -> float:
        """The value at that phase; 1 is a whole cycle."""
        angle = 2 * math.pi * phase
        return sum(real * math.cos(n * angle) - imaginary * math.sin(n * angle) for n, real, imaginary in self.terms)
