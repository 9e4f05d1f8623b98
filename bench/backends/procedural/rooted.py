"""What stands still, or nearly: trees, houses, lighthouses, windmills."""

from __future__ import annotations

import math

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.scenery import BARK, LEAVES, STONE, foliage, house_parts
from bench.backends.procedural.sprites import Workshop, flattened
from bench.backends.procedural.textures import WHITE, Colour, Material

TREE = 0.86  # picture heights
HOUSE = 0.62
LIGHTHOUSE = 0.8
WINDMILL = 0.82
MILL_SECONDS = 4.5  # of a turn of its sails


def tree(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A tree that sways. Units: one tree high."""
    size = TREE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    colour = next(iter(wish.subject_colours), LEAVES[int(rng.integers(len(LEAVES)))])
    moves = wish.action == "sway"
    still = bool(wish.cameras) and "sway" not in " ".join(wish.words)
    crowns = (
        ("left", -0.17, -0.52, 0.9),
        ("right", 0.18, -0.55, 0.96),
        ("middle", 0.0, -0.5, 1.0),
        ("top", 0.0, -0.74, 1.08),
    )

    def pose(time: float) -> Pose:
        if still or not moves:
            return {}
        t = time + 7 * slot.phase
        joints = {"trunk": Joint(2.2 * math.sin(1.9 * t))}
        for n, (name, *_) in enumerate(crowns):
            joints[name] = Joint(
                4 * math.sin(2.7 * t + n), x=0.016 * math.sin(3.1 * t + 2 * n), y=0.01 * math.sin(2.3 * t + n)
            )
        return joints

    trunk = shop.shape([(-0.06, 0.0), (-0.035, -0.25), (-0.03, -0.6), (0.03, -0.6), (0.035, -0.25), (0.06, 0.0)], BARK)
    parts = [Part("shadow", shop.shadow((0.34, 0.045)), grounded=True), Part("trunk", trunk)]
    parts += [Part(n, foliage(shop, (0.22, 0.2), colour.times(gain), 120), (x, y), "trunk") for n, x, y, gain in crowns]
    return Figure(
        name="tree", parts=tuple(parts), pose=pose, place=lambda time: Spot(slot.x), size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, haunts=TREE_HAUNTS,
    )  # fmt: skip


TREE_HAUNTS = (
    Haunt("detach", "crown comes off", {n: Joint(20, 0.34, 0.16) for n in ("left", "right", "middle", "top")}),
    Haunt("swap", "trunk stands on the crown", {"trunk": Joint(180, 0.0, -0.9)}),
    Haunt("extra", "a second tree grows out of it", extras={"trunk": Joint(-58, 0.02, -0.2)}),
)


def house(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A small house. Units: about one house high."""
    del wish
    size = HOUSE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    sprites = house_parts(shop)
    parts = [Part("shadow", shop.shadow((0.56, 0.035), 0.5), grounded=True)]
    parts += [
        Part("chimney", sprites["chimney"], (0.0, 0.0), "roof"),
        Part("walls", sprites["walls"]),
        Part("roof", sprites["roof"]),
    ]
    return Figure(
        name="house", parts=tuple(parts), place=lambda time: Spot(slot.x), size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, haunts=HOUSE_HAUNTS,
    )  # fmt: skip


HOUSE_HAUNTS = (
    Haunt("detach", "roof comes off", {"roof": Joint(-24, 0.3, -0.12)}),
    Haunt("swap", "walls stand on the roof", {"roof": Joint(0, 0.0, 0.95), "walls": Joint(0, 0.0, -0.42)}),
    Haunt("extra", "a second roof floats over it", extras={"roof": Joint(12, 0.05, -0.42)}),
)


def lighthouse(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A lighthouse on its rock. Units: one lighthouse high."""
    size = LIGHTHOUSE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    colours = wish.subject_colours or (Colour(184, 54, 48),)
    bands = Workshop(shop.unit, 0.055 * shop.unit, rng)
    tower = bands.shape(
        [(-0.15, 0.0), (-0.1, -0.74), (0.1, -0.74), (0.15, 0.0)],
        Material(colours[0], "stripes", 0.1, WHITE.times(0.9)),
        0.3,
    )
    gallery = shop.shape([(-0.14, -0.74), (-0.14, -0.78), (0.14, -0.78), (0.14, -0.74)], STONE)
    lamp = shop.shape([(-0.075, -0.77), (-0.075, -0.9), (0.075, -0.9), (0.075, -0.77)], Material(Colour(240, 222, 160)))
    cap = shop.shape([(-0.1, -0.89), (0.0, -1.0), (0.1, -0.89)], Material(colours[0]))
    rock = shop.blob(
        [(-0.55, 0.08), (-0.4, -0.08), (-0.1, -0.1), (0.2, -0.12), (0.45, -0.05), (0.56, 0.08), (0.0, 0.12)],
        STONE,
        0.35,
    )
    parts = (
        Part("shadow", shop.shadow((0.5, 0.05)), (0.0, 0.06), grounded=True),
        Part("tower", tower),
        Part("top", flattened([lamp, gallery, cap]), (0.0, 0.0), "tower"),
        Part("rock", rock),
    )
    return Figure(
        name="lighthouse", parts=parts, place=lambda time: Spot(slot.x), size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, haunts=LIGHTHOUSE_HAUNTS,
    )  # fmt: skip


LIGHTHOUSE_HAUNTS = (
    Haunt("detach", "tower comes off its rock", {"tower": Joint(-28, 0.2, -0.12)}),
    Haunt("swap", "tower stands on its head", {"tower": Joint(180, 0.0, -0.98)}),
    Haunt("extra", "a second tower leans out of the rock", extras={"tower": Joint(-34, 0.12)}),
)


def windmill(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A windmill whose sails turn. Units: about one windmill high."""
    size = WINDMILL * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    colour = next(iter(wish.subject_colours), Colour(196, 182, 158))
    tower = shop.shape(
        [(-0.19, 0.0), (-0.12, -0.62), (0.12, -0.62), (0.19, 0.0)], Material(colour, "bricks", 0.12), 0.3
    )
    cap = shop.blob(
        [(-0.15, -0.6), (-0.12, -0.7), (0.0, -0.76), (0.12, -0.7), (0.15, -0.6)], Material(Colour(120, 72, 58))
    )
    door = shop.shape([(-0.05, 0.0), (-0.05, -0.14), (0.05, -0.14), (0.05, 0.0)], BARK)
    windows = [shop.disc((0.03, 0.045), Material(Colour(62, 78, 98)), (0.0, y)) for y in (-0.28, -0.46)]
    sails = []
    for quarter in range(4):
        c, s = math.cos(math.pi * quarter / 2), math.sin(math.pi * quarter / 2)
        for outline, stuff in (
            ([(-0.012, 0.0), (0.012, 0.0), (0.012, -0.46), (-0.012, -0.46)], BARK),
            ([(0.012, -0.1), (0.12, -0.1), (0.12, -0.46), (0.012, -0.46)], Material(WHITE.times(0.88), "bricks", 0.16)),
        ):
            sails.append(shop.shape([(c * x - s * y, s * x + c * y) for x, y in outline], stuff, 0.05))
    hub = shop.disc((0.035, 0.035), BARK.darker(0.7))

    def pose(time: float) -> Pose:
        return {"sails": Joint(-360 * (time / MILL_SECONDS + slot.phase))}

    parts = (
        Part("shadow", shop.shadow((0.34, 0.04)), grounded=True),
        Part("tower", flattened([tower, door, *windows])),
        Part("cap", cap, (0.0, 0.0), "tower"),
        Part("sails", flattened([*sails, hub]), (0.0, -0.66), "tower"),
    )
    return Figure(
        name="windmill", parts=parts, pose=pose, place=lambda time: Spot(slot.x), size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, haunts=WINDMILL_HAUNTS,
    )  # fmt: skip


WINDMILL_HAUNTS = (
    Haunt("detach", "sails come off", {"sails": Joint(20, 0.34, 0.3)}),
    Haunt("swap", "the tower hangs from its sails", {"tower": Joint(180, 0.0, -0.72)}),
    Haunt("extra", "a second set of sails", extras={"sails": Joint(30, 0.14, 0.34)}),
)
