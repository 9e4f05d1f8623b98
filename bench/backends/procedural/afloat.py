"""Boats and hot-air balloons, side view, facing +x. Units: a mast high, a balloon's envelope wide."""

from __future__ import annotations

import math

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Workshop, flattened
from bench.backends.procedural.textures import WHITE, Colour, Material

BOAT_SIZE = 0.62
BALLOON_WIDTH = 0.5
RISE = 0.07  # picture heights a second, at first
RISE_TURN = 14.0  # seconds after which a balloon is back where it was


def boat(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A sailing boat that rocks where it is, waves lapping at its hull."""
    size = BOAT_SIZE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    beat = 2 * math.pi / 2.3

    def pose(time: float) -> Pose:
        phase = beat * time + slot.phase * 2 * math.pi
        bob = 0.035 * math.sin(phase + 0.7)
        lap = {
            f"wave {n}": Joint(x=0.07 * math.sin(phase + n * 1.9), y=0.03 * math.sin(phase + n * 2.3)) for n in (0, 1)
        }
        return {"hull": Joint(7.5 * math.sin(phase), y=bob), "sail": Joint(2 * math.sin(phase - 0.5)), **lap}

    return Figure(
        name="boat", parts=_boat_parts(wish, shop), pose=pose, place=lambda time: Spot(slot.x), size=size,
        unit=shop.unit, depth=slot.depth, faces=slot.faces, haunts=BOAT_HAUNTS,
    )  # fmt: skip


def _boat_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(156, 62, 50))
    cloth = Material(wish.colour("sail") or Colour(232, 226, 210), "stripes", 0.07)
    wood = Material(colour, "stripes", 0.12)
    hull = shop.blob(
        [
            (-0.5, -0.2),
            (-0.2, -0.17),
            (0.2, -0.17),
            (0.56, -0.23),
            (0.4, -0.02),
            (0.2, 0.06),
            (-0.3, 0.06),
            (-0.44, -0.04),
        ],
        wood,
    )
    mast = shop.shape(
        [(-0.012, -0.15), (-0.009, -1.08), (0.009, -1.08), (0.012, -0.15)], Material(Colour(120, 88, 60), "wood", 0.2)
    )
    main = shop.shape([(-0.03, -1.04), (-0.03, -0.27), (-0.46, -0.27), (-0.36, -0.5), (-0.2, -0.8)], cloth, 0.12)
    jib = shop.shape([(0.03, -0.98), (0.03, -0.3), (0.44, -0.27), (0.28, -0.55), (0.15, -0.8)], cloth, 0.12)
    parts = [
        Part("shadow", shop.shadow((0.5, 0.06), 0.4), grounded=True),
        Part("hull", hull),
        Part("mast", mast, (0.02, 0.0), "hull"),
        Part("sail", flattened([main, jib]), (0.0, 0.0), "mast"),
    ]
    sea = Material(Colour(58, 108, 138), "fur", 0.2)
    crest = Material(Colour(150, 182, 194), "fur", 0.14)
    for n, (x, y) in enumerate(((-0.12, 0.03), (0.16, 0.06))):
        outline = [(-0.72, 0.05), (-0.36, -0.03), (-0.1, 0.02), (0.22, -0.04), (0.7, 0.05), (0.3, 0.1), (-0.3, 0.1)]
        foam = shop.blob(outline, crest)
        water = shop.blob([(px, py + 0.016) for px, py in outline], sea)
        parts.append(Part(f"wave {n}", flattened([foam, water]), (x, y), grounded=True))
    return tuple(parts)


BOAT_HAUNTS = (
    Haunt("detach", "mast comes off", {"mast": Joint(-38, 0.34, -0.02)}),
    Haunt("swap", "sail hangs upside down", {"sail": Joint(180, 0.05, -1.12), "mast": Joint(0)}),
    Haunt("extra", "a second mast", extras={"mast": Joint(-46, 0.1)}),
)


def balloon(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A hot-air balloon that rises, slowly enough to stay in the picture for ever."""
    size = BALLOON_WIDTH * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    room = max(0.04, 0.5 - 0.68 * size / slot.depth)  # above and below one that hangs in the middle
    reach = min(room, float(rng.uniform(0.8, 1.15)) * RISE * RISE_TURN / (2 * math.pi))
    start = (
        lens.eye * slot.depth
        + lens.horizon
        - 0.5
        - 0.55 * size
        + 0.7 * (1 - slot.scale) * room * math.cos(5.3 * slot.phase)
    )

    def place(time: float) -> Spot:
        lift = start + reach * math.sin(2 * math.pi * time / RISE_TURN)
        return Spot(slot.x + 0.02 * math.sin(0.9 * time + 6 * slot.phase), lift)

    def pose(time: float) -> Pose:
        sway = math.sin(1.7 * time + 6 * slot.phase)
        return {"envelope": Joint(2.2 * sway), "basket": Joint(-1.5 * sway)}

    return Figure(
        name="balloon", parts=_balloon_parts(wish, shop, rng), pose=pose, place=place, size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, haunts=BALLOON_HAUNTS,
    )  # fmt: skip


BRIGHT = (Colour(196, 58, 50), Colour(60, 104, 168), Colour(220, 150, 50), Colour(92, 142, 76), Colour(140, 84, 150))


def _balloon_parts(wish: Wish, shop: Workshop, rng: np.random.Generator) -> tuple[Part, ...]:
    colours = wish.subject_colours or (BRIGHT[int(rng.integers(len(BRIGHT)))],)
    second = colours[1] if len(colours) > 1 else WHITE.times(0.88)
    silk = Material(colours[0], "gores", 0.1, second)
    ropes = [[(x, -0.3), (0.4 * x, 0.0)] for x in (-0.2, 0.2, -0.07, 0.07)]
    envelope = shop.blob(
        [
            (-0.07, -0.3),
            (-0.3, -0.5),
            (-0.48, -0.8),
            (-0.42, -1.12),
            (-0.2, -1.29),
            (0.2, -1.29),
            (0.42, -1.12),
            (0.48, -0.8),
            (0.3, -0.5),
            (0.07, -0.3),
        ],
        silk,
        0.32,
    )
    cords = shop.lines(
        shop.shape([(-0.2, -0.32), (0.2, -0.32), (0.08, 0.0), (-0.08, 0.0)], Material(WHITE), 0.0),
        ropes,
        0.02,
        Colour(80, 70, 60),
    )
    cords.pixels[(cords.pixels[:, :, :3] > 200).all(axis=2)] = 0  # only the ropes are left
    basket = shop.shape(
        [(-0.11, 0.0), (-0.095, 0.17), (0.095, 0.17), (0.11, 0.0)], Material(Colour(132, 92, 54), "bricks", 0.2)
    )
    return Part("envelope", envelope), Part("basket", flattened([cords, basket]), (0.0, 0.0), "envelope")


BALLOON_HAUNTS = (
    Haunt("swap", "envelope turns upside down", {"envelope": Joint(180, 0.0, -0.85), "basket": Joint(180, 0.0, -0.95)}),
    Haunt("detach", "basket comes off and swells", {"basket": Joint(35, 0.5, -0.9, 3.0, 3.0)}),
    Haunt("extra", "a second balloon grows out of it", extras={"envelope": Joint(-38, 0.3, 0.12, 1.1, 1.1)}),
)
