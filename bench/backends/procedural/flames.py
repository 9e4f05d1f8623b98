"""Candles and camp fires. Units: a candle with its flame high, a fire wide."""

from __future__ import annotations

import math

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Bend, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.scenery import BARK, STONE
from bench.backends.procedural.sprites import Sprite, Workshop, flattened, premultiplied
from bench.backends.procedural.textures import Colour, Material, noise

CANDLE = 0.62  # height with its flame
FIRE = 0.62
WAX = (Colour(214, 96, 24), Colour(255, 242, 194))  # rim and core of a candle's flame
BLAZE = (Colour(200, 62, 14), Colour(255, 206, 76))  # of a wood fire's
PUFFS, PUFF_SECONDS, SMOKE_RISE = 5, 3.0, 0.75  # puffs of smoke, how long each lasts, how high it gets


def candle(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A candle on a table, its flame in a draught. Units: one candle with its flame high."""
    size = CANDLE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    wax = Material(next(iter(wish.subject_colours), Colour(216, 196, 158)), "cloth", 0.09)
    foot = shop.disc((0.27, 0.05), Material(Colour(120, 96, 60), "cloth", 0.15), (0.0, 0.0), 0.3)
    lower = shop.shape([(-0.15, 0.0), (-0.15, -0.33), (0.15, -0.33), (0.15, 0.0), (0.0, 0.02)], wax, 0.08)
    drips = [
        shop.blob([(x, -0.32), (x + 0.022, -0.2 + d), (x + 0.045, -0.32)], wax, 0.25)
        for x, d in ((-0.12, 0.05), (-0.03, -0.03), (0.06, 0.08))
    ]
    upper = flattened(
        [
            shop.shape([(-0.15, 0.02), (-0.15, -0.3), (0.15, -0.3), (0.15, 0.02)], wax, 0.08),
            *[_up(d, shop) for d in drips],
        ]
    )
    wick = shop.shape([(-0.01, 0.0), (-0.008, -0.06), (0.012, -0.065), (0.012, 0.0)], Material(Colour(40, 32, 28)))
    parts = (
        Part("shadow", shop.shadow((0.42, 0.06), 0.5), grounded=True),
        Part("foot", foot),
        Part("body", lower, (0.0, -0.01)),
        Part("upper", upper, (0.0, -0.31), "body"),
        Part("wick", wick, (0.0, -0.29), "upper"),
        Part("flame", _flame(shop, *WAX), (0.0, -0.02), "wick", bend=_draught(slot.phase)),
    )
    return Figure(
        name="candle", parts=parts, place=lambda time: Spot(slot.x), size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, haunts=CANDLE_HAUNTS,
    )  # fmt: skip


def _up(sprite: Sprite, shop: Workshop) -> Sprite:
    return Sprite(sprite.pixels, (sprite.pivot[0], sprite.pivot[1] - round(0.03 * shop.unit)))


def _flame(shop: Workshop, rim: Colour, core: Colour) -> Sprite:
    """A flame that stands on its pivot, with room to lean."""
    height, half = round(0.42 * shop.unit), round(0.3 * shop.unit)
    y = np.linspace(-1, 0, height, dtype=np.float32)[:, None]
    x = np.arange(-half, half + 1, dtype=np.float32)[None, :] / np.float32(shop.unit)
    width = 0.098 * np.sqrt(np.clip(-y * 1.4, 0, 1)) * np.clip((1 + y) * 1.5, 0, 1) ** 0.8 + 1e-3
    inner = np.clip(1.25 - (np.abs(x) / width) ** 2, 0, 1) * np.clip((1 + y) * 8, 0, 1)
    streaks = noise(shop.rng, height, 2 * half + 1, (0.1 * shop.unit, 0.03 * shop.unit), 3)
    heat = np.clip(inner * (0.8 + 0.1 * streaks) - 0.25 * np.clip(y + 0.18, 0, 1) * 3, 0, 1)[:, :, None]
    colours = np.asarray(rim, np.float32) + (np.asarray(core, np.float32) - np.asarray(rim, np.float32)) * heat
    return Sprite(
        premultiplied(colours, np.asarray(np.clip(inner * 1.5, 0, 1) * 255, np.float32)), (float(half), float(height))
    )


def _draught(start: float) -> Bend:
    """Waves that run up a flame, wider towards its tip, and make it longer and shorter."""

    def bend(sprite: Sprite, time: float) -> Sprite:
        height, width = sprite.pixels.shape[:2]
        up = np.linspace(1, 0, height, dtype=np.float32)
        t = time + 10 * start
        lean = 0.22 * math.sin(2.1 * t) + 0.16 * math.sin(6.7 * t + 1)
        side = up**1.5 * (np.float32(lean) + 0.17 * np.sin(7 * up - 11 * t + 2).astype(np.float32))
        tall = 0.86 + 0.08 * math.sin(3.7 * t) + 0.05 * math.sin(8.1 * t + 2)
        x = np.arange(width, dtype=np.float32)[None, :] - side[:, None] * np.float32(width)
        y = np.broadcast_to(((1 - up / np.float32(tall)) * height)[:, None], (height, width))
        pixels = cv2.remap(sprite.pixels, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR)
        return Sprite(np.asarray(pixels, np.uint8), sprite.pivot)

    return bend


CANDLE_HAUNTS = (
    Haunt("detach", "upper half comes off", {"upper": Joint(32, 0.3, 0.06)}),
    Haunt("swap", "flame burns at its foot", {"flame": Joint(-60, 0.24, 0.52, 1.8, 1.8)}),
    Haunt("extra", "a second candle grows out of it", extras={"upper": Joint(-72, 0.05, 0.1)}),
)


def candle_light(time: float) -> float:
    """How bright the room is in the candle's light, about 1."""
    return 1 + 0.05 * math.sin(3.7 * time) + 0.035 * math.sin(8.1 * time + 2) + 0.02 * math.sin(13.3 * time)


def fire(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A camp fire between stones, with smoke."""
    del wish
    size = FIRE * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    flames = (("left", -0.15, 1.25, 0.1), ("right", 0.16, 1.1, 0.43), ("middle", 0.01, 1.75, 0.77))

    def pose(time: float) -> Pose:
        t = time + 7 * slot.phase
        joints = {f"{n} flame": Joint(5 * math.sin(3 * t + 9 * p), sx=1.3 * s, sy=s) for n, _, s, p in flames}
        for number in range(PUFFS):
            age = (t / PUFF_SECONDS + number / PUFFS) % 1.0
            grown = 1.5 * math.sin(math.pi * age) ** 0.7 * (0.5 + age)
            drift = 0.05 * math.sin(5 * age + number) + 0.16 * age**2
            joints[f"puff {number}"] = Joint(
                40 * age, drift, -0.42 - SMOKE_RISE * age, max(grown, 1e-3), max(grown, 1e-3)
            )
        return joints

    logs = []
    for x, angle in ((-0.02, 68), (0.02, -68), (0.0, 90)):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        bar = [(-0.04, -0.27), (0.04, -0.27), (0.04, 0.27), (-0.04, 0.27)]
        logs.append(
            shop.shape([(x + c * px + s * py, -0.09 - s * px + c * py) for px, py in bar], BARK.darker(0.8), 0.4)
        )
    stones = []
    for x in (-0.36, -0.24, -0.1, 0.04, 0.18, 0.31, 0.4):
        radius = float(rng.uniform(0.065, 0.09))
        stones.append(shop.disc((radius, 0.72 * radius), STONE.darker(float(rng.uniform(0.6, 0.9))), (x, -0.03), 0.4))
    parts = [Part("shadow", shop.shadow((0.5, 0.06), 0.5), grounded=True)]
    parts += [Part(f"puff {n}", _puff(shop)) for n in range(PUFFS)]
    parts.append(Part("logs", flattened(logs)))
    parts += [
        Part(f"{n} flame", _flame(shop, *BLAZE), (x, -0.06), bend=_draught(slot.phase + p)) for n, x, _, p in flames
    ]
    parts.append(Part("stones", flattened(stones)))
    return Figure(
        name="fire", parts=tuple(parts), pose=pose, place=lambda time: Spot(slot.x), size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, haunts=FIRE_HAUNTS,
        vanishing=("left flame", "right flame", "middle flame", *(f"puff {n}" for n in range(PUFFS))),
    )  # fmt: skip


def _puff(shop: Workshop) -> Sprite:
    """A cloud of smoke that one sees through."""
    edge = max(3, round(0.14 * shop.unit))
    y, x = np.mgrid[-edge : edge + 1, -edge : edge + 1].astype(np.float32) / np.float32(edge)
    ragged = 0.16 * noise(shop.rng, 2 * edge + 1, 2 * edge + 1, (0.7 * edge, 0.7 * edge), 3)
    alpha = 115 * np.clip(1.15 - np.hypot(x, y) * 1.25 + ragged, 0, 1) * np.clip(6 * (1 - np.hypot(x, y)), 0, 1)
    grey = np.broadcast_to(np.asarray((172, 170, 168), np.float32), (*alpha.shape, 3))
    return Sprite(premultiplied(grey, np.asarray(alpha, np.float32)), (float(edge), float(edge)))


FIRE_HAUNTS = (
    Haunt(
        "detach",
        "flames come off the wood",
        {f"{n} flame": Joint(0, x, -0.34) for n, x in (("left", -0.3), ("right", 0.34), ("middle", 0.02))},
    ),
    Haunt(
        "swap", "the fire burns downwards", {f"{n} flame": Joint(180, 0.0, -0.62) for n in ("left", "right", "middle")}
    ),
    Haunt(
        "extra",
        "a second fire hangs over it",
        extras={"middle flame": Joint(38, 0.32, -0.4), "left flame": Joint(-30, -0.2, -0.45, 1.3, 1.3)},
    ),
)
