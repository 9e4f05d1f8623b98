"""Cars and buses, side view, facing +x. Units: one of them long."""

from __future__ import annotations

import math

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Sprite, Workshop, flattened
from bench.backends.procedural.textures import WHITE, Colour, Material

CAR_LENGTH = 0.8  # picture heights
WHEEL = 0.105  # radius
CAR_SPEED = 0.5  # picture heights a second
BUS_LENGTH = 0.9
BUS_WHEEL = 0.072
GLASS = Material(Colour(64, 82, 104), "cloth", 0.2)
METAL = Material(Colour(168, 172, 178), "cloth", 0.14)


def car(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A car that drives beside the camera."""
    size = CAR_LENGTH * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    return _driving("car", _car_parts(wish, shop), CAR_HAUNTS, size, WHEEL, shop, slot)


def bus(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A bus that drives beside the camera."""
    size = BUS_LENGTH * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    return _driving("bus", _bus_parts(wish, shop), BUS_HAUNTS, size, BUS_WHEEL, shop, slot)


def _driving(
    name: str, parts: tuple[Part, ...], haunts: tuple[Haunt, ...], size: float, wheel: float, shop: Workshop, slot: Slot
) -> Figure:
    """A vehicle whose wheels roll on the road; `wheel` is their radius in figure units."""
    speed = slot.faces * CAR_SPEED
    turn = -math.degrees(CAR_SPEED / (wheel * size))  # degrees a second; forward is clockwise, a negative joint

    def pose(time: float) -> Pose:
        shake = 0.004 * math.sin(7.3 * time + slot.phase)
        body = Joint(0.5 * math.sin(5.1 * time + slot.phase), y=shake)
        return {"body": body, "front wheel": Joint(turn * time), "back wheel": Joint(turn * time + 40)}

    return Figure(
        name=name, parts=parts, pose=pose, place=lambda time: Spot(slot.x + speed * time), size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, speed=speed, haunts=haunts,
    )  # fmt: skip


def _car_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(168, 58, 48))
    paint = Material(colour, "cloth", 0.08)
    hull = shop.blob(
        [(-0.5, -0.1), (-0.49, -0.22), (-0.36, -0.27), (-0.25, -0.38), (-0.1, -0.415), (0.08, -0.4), (0.22, -0.28),
         (0.42, -0.235), (0.5, -0.17), (0.495, -0.09), (0.2, -0.075), (-0.2, -0.075)],
        paint, 0.3,
    )  # fmt: skip
    pieces = [hull]
    pieces.append(shop.shape([(-0.27, -0.27), (-0.2, -0.36), (-0.07, -0.38), (-0.07, -0.27)], GLASS, 0.15))
    pieces.append(shop.shape([(-0.04, -0.27), (-0.04, -0.38), (0.07, -0.37), (0.16, -0.27)], GLASS, 0.15))
    pieces.append(shop.disc((0.022, 0.02), Material(Colour(250, 240, 200)), (0.465, -0.19)))
    pieces.append(shop.disc((0.016, 0.026), Material(Colour(170, 30, 30)), (-0.483, -0.2)))
    pieces.append(shop.disc((0.028, 0.006), METAL, (-0.13, -0.225)))
    body = shop.lines(
        flattened(pieces), [[(-0.055, -0.28), (-0.055, -0.09)], [(0.16, -0.26), (0.14, -0.1)]], 0.006, colour.times(0.6)
    )
    parts = [Part("shadow", shop.shadow((0.48, 0.04), 0.55), grounded=True)]
    return (*parts, Part("body", body), *_wheels(shop, WHEEL, (-0.3, 0.3)))


def _wheels(shop: Workshop, radius: float, axles: tuple[float, float]) -> list[Part]:
    """Two wheels under their arches."""
    arch = Material(Colour(34, 34, 38))
    arches = flattened([shop.disc((radius * 1.14, radius * 1.14), arch, (x, -radius)) for x in axles])
    return [
        Part("arches", arches, (0.0, 0.0), "body"),
        Part("back wheel", _wheel(shop, radius), (axles[0], -radius)),
        Part("front wheel", _wheel(shop, radius), (axles[1], -radius)),
    ]


def _wheel(shop: Workshop, radius: float) -> Sprite:
    """Tyre, rim and five spokes."""
    tyre = shop.disc((radius, radius), Material(Colour(44, 44, 48), "cloth", 0.3), relief=0.1)
    rim = shop.disc((radius * 0.64, radius * 0.64), METAL, relief=0.1)
    spokes = []
    for number in range(5):
        angle = 2 * math.pi * number / 5
        spokes.append([(0.0, 0.0), (0.6 * radius * math.cos(angle), 0.6 * radius * math.sin(angle))])
    return shop.lines(flattened([tyre, rim]), spokes, 0.28 * radius, Colour(70, 72, 78))


CAR_HAUNTS = (
    Haunt("detach", "wheels come off", {"back wheel": Joint(0, -0.02, -0.42), "front wheel": Joint(0, 0.1, -0.3)}),
    Haunt(
        "twist",
        "wheels swell and sink",
        {"back wheel": Joint(0, 0.1, -0.1, 2.2, 2.2), "front wheel": Joint(0, -0.12, -0.02, 0.5, 2.0)},
    ),
    Haunt("swap", "the wheels carry it upside down", {"body": Joint(180, 0.0, -0.46)}),
    Haunt(
        "extra",
        "two more wheels",
        extras={"back wheel": Joint(0, 0.3, -0.3, 1.7, 1.7), "front wheel": Joint(0, 0.12, -0.16, 1.6, 1.6)},
    ),
)


def _bus_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(188, 60, 48))
    paint = Material(colour, "cloth", 0.07)
    hull = shop.blob(
        [(-0.5, -0.09), (-0.5, -0.3), (-0.495, -0.46), (-0.44, -0.485), (0.0, -0.49), (0.42, -0.485), (0.485, -0.45),
         (0.5, -0.28), (0.5, -0.09), (0.2, -0.075), (-0.2, -0.075)],
        paint, 0.16,
    )  # fmt: skip
    band = shop.shape([(-0.495, -0.19), (0.495, -0.19), (0.495, -0.225), (-0.495, -0.225)], Material(WHITE.times(0.86)))
    pieces = [hull, band]
    for number in range(5):
        left = -0.46 + 0.155 * number
        pieces.append(
            shop.shape([(left, -0.27), (left, -0.43), (left + 0.13, -0.43), (left + 0.13, -0.27)], GLASS, 0.15)
        )
    pieces.append(shop.shape([(0.33, -0.1), (0.33, -0.43), (0.42, -0.43), (0.42, -0.1)], GLASS.darker(0.85), 0.1))
    pieces.append(shop.shape([(0.44, -0.27), (0.44, -0.43), (0.478, -0.42), (0.492, -0.28)], GLASS, 0.15))
    pieces.append(shop.disc((0.014, 0.02), Material(Colour(250, 240, 200)), (0.482, -0.14)))
    pieces.append(shop.disc((0.01, 0.024), Material(Colour(170, 30, 30)), (-0.487, -0.15)))
    body = shop.lines(flattened(pieces), [[(0.375, -0.43), (0.375, -0.1)]], 0.008, colour.times(0.6))
    shadow = Part("shadow", shop.shadow((0.5, 0.03), 0.55), grounded=True)
    return (shadow, Part("body", body), *_wheels(shop, BUS_WHEEL, (-0.3, 0.27)))


BUS_HAUNTS = (
    Haunt("detach", "wheels come off", {"back wheel": Joint(0, -0.04, -0.5), "front wheel": Joint(0, 0.1, -0.42)}),
    Haunt("swap", "the wheels carry it upside down", {"body": Joint(180, 0.0, -0.5)}),
    Haunt(
        "extra",
        "two more wheels",
        extras={"back wheel": Joint(0, 0.28, -0.2, 2.6, 2.6), "front wheel": Joint(0, 0.1, -0.3, 2.4, 2.4)},
    ),
)
