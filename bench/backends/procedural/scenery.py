"""Things that stand about: trees, lamps, houses, rocks. As sprites, their foot at the pivot, one unit high or so."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from bench.backends.procedural.sprites import Point, Sprite, Workshop, flattened
from bench.backends.procedural.textures import WHITE, Colour, Material

BARK = Material(Colour(104, 78, 56), "wood", 0.22)
PLASTER = (
    Colour(214, 200, 172),
    Colour(196, 170, 150),
    Colour(178, 186, 190),
    Colour(208, 184, 150),
    Colour(186, 142, 120),
)
TILES = (Colour(150, 72, 56), Colour(120, 70, 62), Colour(92, 88, 98))
STONE = Material(Colour(128, 122, 116), "cloth", 0.2)
GLASS = Material(Colour(62, 78, 98), "cloth", 0.12)
LEAVES = (Colour(70, 112, 52), Colour(84, 124, 58), Colour(58, 98, 56))


def foliage(shop: Workshop, radius: Point, colour: Colour, leaves: int = 170) -> Sprite:
    """A crown of leaves about its pivot: many discs, the upper ones lit."""
    rx, ry = radius[0] * shop.unit, radius[1] * shop.unit
    size = 0.17 * min(rx, ry)
    left, top = int(rx + size + 2), int(ry + size + 2)
    board = np.zeros((2 * top, 2 * left, 4), np.uint8)
    angle = shop.rng.uniform(0, 2 * np.pi, leaves)
    reach = np.sqrt(shop.rng.uniform(0, 1, leaves))
    gains = shop.rng.uniform(0.82, 1.18, leaves)
    for index in np.argsort(-reach * 0.3 - 0.7 * np.sin(angle) * reach):  # lower leaves first, upper ones over them
        x, y = reach[index] * np.cos(angle[index]), reach[index] * np.sin(angle[index])
        tint = colour.times(float(gains[index]) * (1.0 - 0.22 * float(y)))
        centre = (round((left + x * rx) * 16), round((top + y * ry) * 16))
        cv2.circle(board, centre, round(size * 16 * float(gains[index])), (*tint, 255), -1, cv2.LINE_AA, 4)
    return Sprite(board, (float(left), float(top)))


def moved(sprite: Sprite, shop: Workshop, x: float, y: float) -> Sprite:
    """The same sprite, its pivot at -x, -y of where it was (whole px)."""
    return Sprite(sprite.pixels, (sprite.pivot[0] - round(x * shop.unit), sprite.pivot[1] - round(y * shop.unit)))


def tree(shop: Workshop) -> Sprite:
    """A broad tree."""
    trunk = shop.shape([(-0.045, 0.0), (-0.03, -0.5), (0.03, -0.5), (0.045, 0.0)], BARK)
    colour = LEAVES[int(shop.rng.integers(len(LEAVES)))]
    crowns = [
        moved(foliage(shop, (0.2, 0.17), colour.times(gain), 90), shop, x, y)
        for x, y, gain in ((-0.15, -0.55, 0.9), (0.16, -0.57, 0.95), (0.0, -0.75, 1.08), (0.0, -0.55, 1.0))
    ]
    return flattened([trunk, *crowns])


def pine(shop: Workshop) -> Sprite:
    """A fir."""
    trunk = shop.shape([(-0.03, 0.0), (-0.025, -0.2), (0.025, -0.2), (0.03, 0.0)], BARK)
    needles = Material(Colour(46, 84, 62).times(float(shop.rng.uniform(0.85, 1.15))), "wood", 0.25)
    tiers = [
        shop.shape([(-width, foot), (0.0, foot - 0.36), (width, foot), (0.0, foot + 0.03)], needles, 0.3)
        for width, foot in ((0.24, -0.14), (0.2, -0.36), (0.14, -0.6))
    ]
    return flattened([trunk, *tiers])


def palm(shop: Workshop) -> Sprite:
    """A palm."""
    trunk = shop.blob([(-0.03, 0.0), (0.0, -0.4), (0.07, -0.8), (0.1, -0.79), (0.045, -0.4), (0.03, 0.0)], BARK)
    green = Material(Colour(72, 118, 58), "wood", 0.25)
    fronds = []
    for angle in (-2.9, -2.4, -1.9, -1.2, -0.7, -0.2, 0.25, -3.4):
        tip = (0.085 + 0.3 * float(np.cos(angle)), -0.78 + 0.22 * float(np.sin(angle)) + 0.1)
        bow = (0.085 + 0.18 * float(np.cos(angle)), -0.8 + 0.18 * float(np.sin(angle)))
        fronds.append(shop.blob([(0.085, -0.8), bow, tip, (bow[0], bow[1] + 0.045)], green))
    return flattened([trunk, *fronds])


def bush(shop: Workshop) -> Sprite:
    """A round bush."""
    return moved(foliage(shop, (0.5, 0.4), LEAVES[int(shop.rng.integers(len(LEAVES)))], 130), shop, 0.0, -0.34)


def lamp(shop: Workshop) -> Sprite:
    """A street lamp."""
    iron = Material(Colour(70, 74, 80), "cloth", 0.1)
    post = shop.shape([(-0.016, 0.0), (-0.011, -0.9), (0.011, -0.9), (0.016, 0.0)], iron)
    head = shop.shape([(-0.05, -0.9), (-0.035, -0.98), (0.035, -0.98), (0.05, -0.9)], iron)
    light = shop.disc((0.035, 0.02), Material(Colour(250, 240, 205)), (0.0, -0.895))
    return flattened([post, light, head])


def rock(shop: Workshop) -> Sprite:
    """A boulder."""
    spread = shop.rng.uniform(0.85, 1.15, 7)
    points = [(-0.5, 0.0), (-0.46, -0.25), (-0.2, -0.5), (0.12, -0.55), (0.4, -0.34), (0.5, 0.0), (0.0, 0.05)]
    return shop.blob([(x * float(s), y * float(s)) for (x, y), s in zip(points, spread, strict=True)], STONE, 0.35)


def house_parts(shop: Workshop) -> dict[str, Sprite]:
    """A small house as the pieces `walls`, `roof` and `chimney`, all about its foot; some 1.2 units wide."""
    wall = Material(PLASTER[int(shop.rng.integers(len(PLASTER)))], "bricks", 0.1)
    tiles = Material(TILES[int(shop.rng.integers(len(TILES)))], "bricks", 0.16)
    wood = Material(Colour(96, 66, 48).mixed(Colour(60, 90, 110), float(shop.rng.uniform(0, 1))), "wood", 0.2)
    walls = shop.shape([(-0.55, 0.0), (-0.55, -0.55), (0.55, -0.55), (0.55, 0.0)], wall, 0.06)
    pieces = [walls, _box(shop, (-0.1, -0.34, 0.12, 0.0), wood)]
    for left in (-0.43, 0.24):
        pieces.append(_box(shop, (left - 0.02, -0.42, left + 0.22, -0.16), Material(WHITE.times(0.9))))
        pieces.append(_box(shop, (left, -0.4, left + 0.2, -0.18), GLASS))
        pieces.append(_box(shop, (left + 0.09, -0.4, left + 0.11, -0.18), Material(WHITE.times(0.9))))
    roof = shop.shape([(-0.66, -0.52), (-0.45, -0.95), (0.45, -0.95), (0.66, -0.52)], tiles, 0.12)
    chimney = shop.shape([(0.2, -0.9), (0.2, -1.12), (0.34, -1.12), (0.34, -0.9)], Material(TILES[0], "bricks", 0.15))
    return {"walls": flattened(pieces), "chimney": chimney, "roof": roof}


def house(shop: Workshop) -> Sprite:
    """A small house in one piece."""
    parts = house_parts(shop)
    return flattened([parts["chimney"], parts["walls"], parts["roof"]])


def building(shop: Workshop) -> Sprite:
    """A town house, three windows wide, taller than the picture needs."""
    wall = Material(PLASTER[int(shop.rng.integers(len(PLASTER)))].times(0.86), "bricks", 0.12)
    height = float(shop.rng.uniform(1.3, 1.9))
    pieces = [shop.shape([(-0.42, 0.0), (-0.42, -height), (0.42, -height), (0.42, 0.0)], wall, 0.06)]
    pieces.append(_box(shop, (-0.36, -0.27, 0.36, 0.0), GLASS.darker(1.1)))
    pieces.append(
        _box(shop, (-0.4, -0.33, 0.4, -0.25), Material(TILES[int(shop.rng.integers(len(TILES)))], "stripes", 0.15))
    )
    for floor in range(int((height - 0.45) / 0.36)):
        for left in (-0.33, -0.08, 0.17):
            foot = -0.45 - 0.36 * floor
            pieces.append(_box(shop, (left - 0.015, foot - 0.235, left + 0.175, foot + 0.015), wall.darker(1.18)))
            pieces.append(
                _box(shop, (left, foot - 0.22, left + 0.16, foot), GLASS.darker(float(shop.rng.uniform(0.8, 1.2))))
            )
    return flattened(pieces)


def _box(shop: Workshop, edges: tuple[float, float, float, float], material: Material) -> Sprite:
    left, top, right, bottom = edges
    return shop.shape([(left, top), (right, top), (right, bottom), (left, bottom)], material, 0.05)


SCENERY: dict[str, Callable[[Workshop], Sprite]] = {
    "tree": tree,
    "pine": pine,
    "palm": palm,
    "bush": bush,
    "lamp": lamp,
    "rock": rock,
    "house": house,
    "building": building,
}
