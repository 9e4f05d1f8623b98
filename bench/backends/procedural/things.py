"""Balls and flags."""

from __future__ import annotations

import math

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Bend, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Sprite, Workshop, flattened, premultiplied
from bench.backends.procedural.textures import WHITE, Colour, Material

BALL = 0.34  # picture heights across
BALL_SPEED = 0.22  # picture heights a second
BOUNCE, BOUNCE_SECONDS = 0.3, 1.1
FLAG = 0.72


def ball(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A ball that bounces or rolls along beside the camera. Units: one ball across."""
    size = BALL * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    speed = slot.faces * BALL_SPEED
    height = 0.0 if wish.action == "roll" else BOUNCE * lens.figure_scale * slot.scale
    spin = -math.degrees(BALL_SPEED / (0.5 * size))

    def lift(time: float) -> float:
        share = (time / BOUNCE_SECONDS + slot.phase + 0.2) % 1.0
        return height * 4 * share * (1 - share)

    def pose(time: float) -> Pose:
        turn, near = spin * time, 1 - 0.45 * lift(time) / (BOUNCE + size)
        return {"left half": Joint(turn), "right half": Joint(turn), "shadow": Joint(0, sx=near, sy=near)}

    colours = wish.subject_colours or (Colour(186, 52, 48),)
    second = colours[1] if len(colours) > 1 else WHITE.times(0.88)
    pattern = (
        Material(colours[0], "stripes", 0.15, second) if "striped" in wish.words else Material(colours[0], "cloth", 0.3)
    )
    coarse = Workshop(shop.unit, 0.07 * shop.unit, rng)
    halves = []
    for side, start in (("left", 0.5), ("right", 1.5)):
        angles = np.linspace(start * math.pi, (start + 1) * math.pi, 33)
        points = [(0.5 * float(np.cos(a)), 0.5 * float(np.sin(a))) for a in angles]
        overlap = (0.02 if side == "left" else -0.02, 0.0)  # so that no seam shows between them
        halves.append(Part(f"{side} half", coarse.shape([*points, overlap], pattern, 0.0), (0.0, -0.5)))
    shade = Part("shade", _sphere_shade(shop), (0.0, -0.5))
    return Figure(
        name="ball", parts=(Part("shadow", shop.shadow((0.42, 0.09), 0.5), grounded=True), *halves, shade), pose=pose,
        place=lambda time: Spot(slot.x + speed * time, lift(time)), size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, speed=speed, haunts=BALL_HAUNTS,
    )  # fmt: skip


def _sphere_shade(shop: Workshop) -> Sprite:
    """The dark side of a ball, which does not turn with it."""
    radius = 0.5 * shop.unit
    edge = int(radius) + 3
    y, x = np.mgrid[-edge : edge + 1, -edge : edge + 1].astype(np.float32) / np.float32(radius)
    inside = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)
    dark = np.clip(0.72 * (np.hypot(x + 0.3, y + 0.42) / 1.3) ** 2, 0, 0.75) * inside * 255
    return Sprite(
        premultiplied(np.zeros((*dark.shape, 3), np.float32), np.asarray(dark, np.float32)), (float(edge), float(edge))
    )


GONE = Joint(0, 0, 0, 1e-3, 1e-3)
BALL_HAUNTS = (
    Haunt(
        "detach",
        "comes apart in halves",
        {"left half": Joint(0, -0.32, 0.0), "right half": Joint(0, 0.32, -0.2), "shade": GONE},
    ),
    Haunt(
        "twist",
        "one half is gone, one has grown",
        {"left half": GONE, "right half": Joint(0, 0, 0, 1.7, 1.0), "shade": GONE},
    ),
    Haunt("swap", "halves change sides", {"left half": Joint(0, 0.5), "right half": Joint(0, -0.5), "shade": GONE}),
    Haunt(
        "extra",
        "a second ball grows out of it",
        extras={part: Joint(0, 0.52, -0.42) for part in ("left half", "right half", "shade")},
    ),
)


def flag(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A flag on its pole in the wind. Units: one pole high."""
    size = FLAG * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    colours = wish.subject_colours or (Colour(176, 46, 46),)
    second = colours[1] if len(colours) > 1 else WHITE.times(0.9)
    striped = "striped" in wish.words or len(colours) > 1
    cloth = Material(colours[0], "stripes", 0.15, second) if striped else Material(colours[0], "cloth", 0.2)
    broad = Workshop(shop.unit, 0.03 * shop.unit, rng)
    sheet = broad.shape([(0.0, -0.24), (0.86, -0.24), (0.86, 0.24), (0.0, 0.24)], cloth, 0.0)
    pad = round(0.14 * shop.unit)
    sheet = Sprite(
        cv2.copyMakeBorder(sheet.pixels, pad, pad, 0, 0, cv2.BORDER_CONSTANT).astype(np.uint8),
        (sheet.pivot[0], sheet.pivot[1] + pad),
    )
    pole = shop.shape(
        [(-0.016, 0.0), (-0.013, -1.14), (0.013, -1.14), (0.016, 0.0)], Material(Colour(150, 146, 138), "wood", 0.12)
    )
    knob = shop.disc((0.028, 0.028), Material(Colour(196, 160, 70)), (0.0, -1.15))
    parts = (
        Part("shadow", shop.shadow((0.1, 0.02)), (-0.36, 0.0), grounded=True),
        Part("cloth", sheet, (0.012, -0.87), "pole", bend=_wind(slot.phase)),
        Part("pole", flattened([pole, knob]), (-0.36, 0.0)),
    )
    return Figure(
        name="flag", parts=parts, place=lambda time: Spot(slot.x), size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, haunts=FLAG_HAUNTS,
    )  # fmt: skip


def _wind(start: float) -> Bend:
    """Waves that run along the cloth, higher away from the pole, and the light on their slopes."""

    def bend(sprite: Sprite, time: float) -> Sprite:
        height, width = sprite.pixels.shape[:2]
        along = np.linspace(0, 1, width, dtype=np.float32)
        phase = np.float32(2 * math.pi) * (1.5 * along - np.float32(1.15 * time + start))
        ripple = np.float32(2 * math.pi) * (2.6 * along - np.float32(1.9 * time))
        rise = along**0.7 * (0.07 * np.sin(phase) + 0.018 * np.sin(ripple)) * width * 0.8
        slope = along**0.7 * (np.cos(phase) + 0.45 * np.cos(ripple))
        squeeze = along + 0.016 * np.sin(2 * phase) * along
        x = np.broadcast_to((squeeze * (width - 1))[None, :], (height, width)).astype(np.float32)
        y = np.arange(height, dtype=np.float32)[:, None] - rise[None, :].astype(np.float32)
        pixels = np.asarray(cv2.remap(sprite.pixels, x, np.ascontiguousarray(y), cv2.INTER_LINEAR), np.uint8)
        light = np.rint(np.clip(208 + 60 * slope, 0, 255)).astype(np.uint8)
        lit = np.empty_like(pixels)
        lit[:, :, :3] = np.broadcast_to(light[None, :, None], (height, width, 3))
        lit[:, :, 3] = 255
        return Sprite(np.asarray(cv2.multiply(pixels, lit, scale=1 / 255), np.uint8), sprite.pivot)

    return bend


FLAG_HAUNTS = (
    Haunt("detach", "cloth comes off", {"cloth": Joint(-42, 0.26, 0.2)}),
    Haunt("swap", "cloth hangs from the wrong side", {"cloth": Joint(78, 0.1, 0.1)}),
    Haunt("extra", "a second cloth flies below", extras={"cloth": Joint(0, 0.0, 0.52)}),
)
