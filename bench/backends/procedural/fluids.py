"""Waterfalls and waves. Their parts are sheets whose texture runs through a fixed outline."""

from __future__ import annotations

import math

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Bend, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.scenery import STONE
from bench.backends.procedural.sprites import Sprite, Workshop, flattened, premultiplied
from bench.backends.procedural.textures import LARGEST_CELL, Bytes, Colour, Field, Material, noise

FALL_HEIGHT = 1.12  # picture heights, from above the picture down to the pool
FALL_WIDTH = 0.34  # figure units
FALL_SPEED = 0.42  # figure units a second
WAVE_ROWS = 4
WAVE_PERIOD = 2.6  # seconds
FOAM = Colour(226, 234, 236)


def running(sheets: tuple[Bytes, Bytes], alpha: Bytes, speeds: tuple[float, float]) -> Bend:
    """Two textures that run down (px a second) behind one outline, blended: water never looks the same twice."""
    cover = cv2.merge([alpha, alpha, alpha, alpha])

    def bend(sprite: Sprite, time: float) -> Sprite:
        height, width = alpha.shape
        seen = []
        for sheet, speed in zip(sheets, speeds, strict=True):
            period = sheet.shape[0] - height - 2
            offset = (-speed * time) % period
            whole = int(offset)
            shift = np.array([[1, 0, 0], [0, 1, whole - offset]], np.float64)
            seen.append(cv2.warpAffine(sheet[whole : whole + height + 1], shift, (width, height)))
        mixed = cv2.addWeighted(seen[0], 0.5, seen[1], 0.5, 0)
        return Sprite(np.asarray(cv2.multiply(mixed, cover, scale=1 / 255), np.uint8), sprite.pivot)

    return bend


def _sheet(rng: np.random.Generator, height: int, width: int, cell: tuple[float, float]) -> Bytes:
    """Falling water of one period, repeated downwards far enough to read `height` rows from anywhere."""
    period = max(1, round(2 * height / LARGEST_CELL)) * LARGEST_CELL
    field = noise(rng, width, period, (cell[1], cell[0]), 3, wrap=True).T
    light = np.clip(0.52 + 0.24 * field, 0, 1)[:, :, None]
    colours = np.asarray((112, 150, 168), np.float32) + np.asarray((126, 94, 78), np.float32) * light
    pixels = premultiplied(colours, np.full(field.shape, 255, np.float32))
    return np.ascontiguousarray(np.concatenate([pixels, pixels[: height + 2]]))


def waterfall(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """Water that pours over a cliff into a pool. Units: picture heights or less; the pool's edge is y = 0."""
    del wish
    size = FALL_HEIGHT * max(1.0, lens.aspect) * slot.scale
    shop = slot.workshop(size, lens, rng)
    parts = [Part("cliff", _cliff(shop))]
    for name, top, foot, width in (
        ("upper fall", -1.05, -0.44, FALL_WIDTH),
        ("lower fall", -0.47, 0.0, FALL_WIDTH * 1.3),
    ):
        parts.append(_fall(name, top, foot, width, shop))
    parts.append(Part("ledge", _ledge(shop), (0.0, -0.46)))
    foam = Material(FOAM, "cloth", 0.06)
    for n, x in enumerate((-0.2, -0.07, 0.07, 0.2)):
        parts.append(Part(f"foam {n}", flattened([_soft(shop.disc((0.11, 0.042), foam), 4)]), (x, 0.0)))

    def pose(time: float) -> Pose:
        t = time + 3 * slot.phase
        return {
            f"foam {n}": Joint(x=0.02 * math.sin(4.1 * t + 2 * n), y=0.014 * math.sin(5.3 * t + 1.7 * n))
            for n in range(4)
        }

    return Figure(
        name="waterfall", parts=tuple(parts), pose=pose, place=lambda time: Spot(slot.x), size=size, unit=shop.unit,
        depth=slot.depth, haunts=FALL_HAUNTS,
        vanishing=("upper fall", "lower fall", *(f"foam {n}" for n in range(4))),
    )  # fmt: skip


def _soft(sprite: Sprite, sigma: float) -> Sprite:
    pad = int(3 * sigma)
    pixels = cv2.copyMakeBorder(sprite.pixels, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    blurred = cv2.GaussianBlur(pixels, (0, 0), sigma)
    return Sprite(np.asarray(blurred, np.uint8), (sprite.pivot[0] + pad, sprite.pivot[1] + pad))


def _fall(name: str, top: float, foot: float, width: float, shop: Workshop) -> Part:
    """One drop; its pivot is the middle of its upper edge."""
    rows, columns = round((foot - top) * shop.unit), round(width * shop.unit)
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    ragged = noise(shop.rng, rows, 1, (0.12 * shop.unit, 1), 3) * 0.05
    alpha = np.rint(np.clip((1 - np.abs(across + ragged)) * 7, 0, 1) * 250).astype(np.uint8)
    thin, broad = (0.14 * shop.unit, 0.018 * shop.unit), (0.3 * shop.unit, 0.05 * shop.unit)
    sheets = (_sheet(shop.rng, rows, columns, thin), _sheet(shop.rng, rows, columns, broad))
    blank = Sprite(np.zeros((rows, columns, 4), np.uint8), (columns / 2, 0.0))
    speeds = (FALL_SPEED * shop.unit, 0.7 * FALL_SPEED * shop.unit)
    return Part(name, blank, (0.0, top), bend=running(sheets, alpha, speeds))


def _cliff(shop: Workshop) -> Sprite:
    """A wall of rock from above the picture to the pool, cut into blocks."""
    wall = Material(STONE.colour.times(0.62), "cloth", 0.22)
    face = shop.shape([(-1.0, -1.05), (1.0, -1.05), (1.0, -0.02), (-1.0, -0.02)], wall, 0.0)
    pieces = [face]
    for row in range(6):
        for column in range(-4, 5):
            x = 0.24 * column + 0.12 * (row % 2) + float(shop.rng.uniform(-0.04, 0.04))
            y = -0.08 - 0.18 * row + float(shop.rng.uniform(-0.03, 0.03))
            tone = float(shop.rng.uniform(0.55, 0.85))
            w, h = float(shop.rng.uniform(0.11, 0.15)), float(shop.rng.uniform(0.08, 0.12))
            block = [
                (x - w, y + h * 0.6),
                (x - 0.8 * w, y - h),
                (x + 0.3 * w, y - 1.1 * h),
                (x + w, y - 0.5 * h),
                (x + 0.9 * w, y + h),
            ]
            pieces.append(shop.blob(block, STONE.darker(tone), 0.4))
    return flattened(pieces)


def _ledge(shop: Workshop) -> Sprite:
    """Wet stones over which the fall breaks."""
    stones = []
    for x, radius in ((-0.24, 0.08), (-0.1, 0.05), (0.22, 0.09), (0.08, 0.045)):
        stones.append(shop.disc((radius, radius * 0.6), STONE.darker(0.55), (x, 0.02), 0.4))
    return flattened(stones)


FALL_HAUNTS = (
    Haunt("swap", "lower fall stands beside the upper", {"lower fall": Joint(0, 0.3, -0.2)}),
    Haunt("detach", "lower fall pours sideways", {"lower fall": Joint(62, -0.1, 0.05)}),
    Haunt(
        "extra",
        "two more falls pour from nowhere",
        extras={"upper fall": Joint(0, 0.33, 0.2), "lower fall": Joint(0, -0.38, -0.25)},
    ),
)


def waves(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """Rows of waves that roll in, the nearer the larger. Units: one picture wide."""
    del wish
    size = max(1.0, lens.aspect) * slot.scale
    shop = slot.workshop(size, lens, rng)
    parts = [Part(f"row {n}", _crest(shop, n), (0.0, -0.32 + 0.13 * n)) for n in range(WAVE_ROWS)]

    def pose(time: float) -> Pose:
        joints = {}
        for n in range(WAVE_ROWS):
            phase = 2 * math.pi * (time / WAVE_PERIOD + slot.phase) - 1.3 * n
            joints[f"row {n}"] = Joint(
                x=0.05 * math.cos(phase) * (0.5 + 0.3 * n), y=0.022 * math.sin(phase) * (0.6 + 0.3 * n)
            )
        return joints

    return Figure(
        name="waves", parts=tuple(parts), pose=pose, place=lambda time: Spot(slot.x), size=size, unit=shop.unit,
        depth=slot.depth, haunts=WAVE_HAUNTS, vanishing=("row 1", "row 2", "row 3"),
    )  # fmt: skip


def _crest(shop: Workshop, row: int) -> Sprite:
    """One wave: a crest with foam, its body fading into the water below."""
    grown = 0.5 + 0.25 * row
    width, height = round(1.5 * shop.unit), round(0.2 * shop.unit * grown)
    columns = np.arange(width, dtype=np.float32) / np.float32(shop.unit)
    swell = np.sin(columns * (15 - 2 * row) + row) + 0.5 * np.sin(columns * 31 + 2 * row)
    level = (0.3 - 0.12 * swell) * height
    rows = np.arange(height, dtype=np.float32)[:, None]
    depth: Field = np.asarray((rows - level[None, :]) / height, np.float32)
    texture = noise(shop.rng, height, width, (0.02 * shop.unit, 0.07 * shop.unit), 3)
    foam = np.clip(1 - np.abs(depth - 0.05) * (11 - 2 * row) + 0.35 * texture, 0, 1)[:, :, None]
    colours = np.asarray((50, 104, 132), np.float32) * (1.12 - 0.35 * depth + 0.1 * texture)[:, :, None]
    colours = colours + (np.asarray(FOAM, np.float32) - colours) * foam * np.float32(0.8)
    alpha = np.clip(depth * height + 0.5, 0, 1) * np.clip((0.68 - depth) * 5, 0, 1) * 255
    return Sprite(
        premultiplied(np.asarray(colours, np.float32), np.asarray(alpha, np.float32)), (width / 2, 0.3 * height)
    )


WAVE_HAUNTS = (
    Haunt("twist", "a wave stands upright", {"row 2": Joint(62, 0.0, -0.15)}),
    Haunt("swap", "waves hang in the sky", {"row 1": Joint(180, 0.0, -0.28), "row 2": Joint(-20, 0.1, -0.5)}),
    Haunt("detach", "a wave comes off the water", {"row 2": Joint(14, 0.1, -0.42)}),
    Haunt("extra", "a wave too many rolls through the sky", extras={"row 1": Joint(-12, 0.0, -0.3, 1.0, 1.5)}),
)
