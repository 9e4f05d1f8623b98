"""What stands behind the figures and before them: sky, ridges, rows of scenery, walls, near tree trunks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.grounds import SHORE_SWING, ground, water
from bench.backends.procedural.layers import EDGE, Backdrop, Layer, Strip, backdrop_size, opaque, repeated, strip_size
from bench.backends.procedural.places import Band, Place, Prop
from bench.backends.procedural.scenery import BARK, SCENERY, STONE
from bench.backends.procedural.sprites import GRAIN, Workshop, blend, premultiplied
from bench.backends.procedural.textures import WHITE, Bytes, Colour, Material, noise

Rng = Callable[[str], np.random.Generator]  # a named stream of randomness, the same for every model

WALL_DEPTH = 2.4
OCCLUDER_DEPTH = 0.74  # nearer than any figure, its foot below the picture
KINDS = 3  # different ones of a kind of scenery; more would take longer than a viewer looks
OCCLUDERS = 3  # a period of two picture widths


def build_place(place: Place, lens: Lens, rng: Rng) -> tuple[Layer, ...]:
    """Its layers, farthest first."""
    layers: list[Layer] = [_sky(place, lens, rng("sky"))]
    layers += [_band(band, place, lens, rng(f"band {number}")) for number, band in enumerate(place.bands)]
    if place.ground is None or place.shore is not None:
        nearest = place.shore - SHORE_SWING if place.shore is not None else 0.0
        layers.append(water(lens, rng("water"), place.distance, nearest))
    if place.ground is not None:
        layers.append(ground(place, place.ground, lens, rng("ground")))
    if place.wall is not None:
        layers.append(_wall(place.wall, lens, rng("wall")))
    layers += [_props(prop, lens, rng(f"props {number}")) for number, prop in enumerate(place.props)]
    return tuple(layers)


def _sky(place: Place, lens: Lens, rng: np.random.Generator) -> Backdrop:
    height, width = backdrop_size(lens)
    down = np.clip(np.linspace(0, 1 / max(lens.horizon, 0.2), height, dtype=np.float32), 0, 1)[:, None, None]
    top, bottom = (np.asarray(colour, np.float32) for colour in place.sky)
    colours = np.broadcast_to(top + (bottom - top) * down, (height, width, 3))
    puffs = noise(rng, height, width, (0.16 * lens.height, 0.42 * lens.height), 5)
    share = np.clip(0.35 * puffs + 0.1, 0, 0.85)[:, :, None] * place.clouds * (1.15 - 0.5 * down)
    light = np.asarray(WHITE.mixed(Colour(*(float(c) for c in bottom)), 0.25), np.float32)
    return Backdrop(opaque(np.asarray(colours + (light - colours) * np.clip(share, 0, 0.9), np.float32)))


def _band(band: Band, place: Place, lens: Lens, rng: np.random.Generator) -> Strip:
    """A ridge whose crest is a wrapping noise, hazier the farther it is."""
    period, width = strip_size(lens)
    rise = band.height / band.depth
    height = max(4, round((rise + lens.ground(band.depth)) * lens.height) + 4)
    crest = noise(rng, 1, period, (1, band.cell * lens.height), 4, wrap=True)[0]
    level = 2 + (0.45 - 0.22 * np.clip(crest, -2, 2)) * rise * lens.height
    rows = np.arange(height, dtype=np.float32)[:, None]
    alpha = np.clip(rows - level[None, :] + 0.5, 0, 1) * 255
    haze = band.colour.mixed(place.sky[1], min(0.55, band.depth / 40))
    texture = noise(rng, height, period, (0.03 * lens.height, 0.05 * lens.height), 4, wrap=True)[:, :, None]
    lit = 1 + 0.045 * texture - 0.12 * (rows / height)[:, :, None]
    pixels = premultiplied(np.asarray(np.asarray(haze, np.float32) * lit, np.float32), np.asarray(alpha, np.float32))
    top = lens.ground(band.depth) - (height - 2) / lens.height
    return Strip(repeated(pixels, width), period, top, band.depth)


def _props(prop: Prop, lens: Lens, rng: np.random.Generator) -> Strip:
    """Scenery spaced along one depth, with a shadow under each, no two in one place."""
    period, width = strip_size(lens)
    unit = prop.size / prop.depth * lens.height
    shop = Workshop(unit, GRAIN * lens.height, rng)
    count = round(prop.number * max(1.0, lens.aspect))  # a wider picture has a longer period
    sprites = [SCENERY[prop.kind](shop) for _ in range(min(count, KINDS))]
    above = round(max(sprite.pivot[1] for sprite in sprites)) + 2
    below = round(max(sprite.pixels.shape[0] - sprite.pivot[1] for sprite in sprites) + 0.14 * unit) + 2
    board = np.zeros((above + below, period, 4), np.uint8)
    shadow = shop.shadow((0.3, 0.05), 0.35)
    for number in range(count):
        x = round((number + float(rng.uniform(0.3, 0.7))) * period / count)
        for sprite in (shadow, sprites[number % len(sprites)]):
            paste(board, sprite.pixels, x - round(sprite.pivot[0]), above - round(sprite.pivot[1]))
    return Strip(repeated(board, width), period, lens.ground(prop.depth) - above / lens.height, prop.depth)


def paste(board: Bytes, pixels: Bytes, left: int, top: int) -> None:
    """Lay a sprite on a strip; what reaches over one end comes in at the other."""
    period = board.shape[1]
    columns = np.arange(left, left + pixels.shape[1]) % period
    piece = np.ascontiguousarray(board[top : top + pixels.shape[0], columns])
    blend(piece, pixels[: piece.shape[0]])
    board[top : top + pixels.shape[0], columns] = piece


def _wall(material: Material, lens: Lens, rng: np.random.Generator) -> Strip:
    """The wall behind a room's floor, with a skirting board and upright stripes."""
    period, width = strip_size(lens)
    height = round((lens.horizon + lens.ground(WALL_DEPTH) + 2 * EDGE) * lens.height)
    field = noise(rng, height, period, (0.05 * lens.height, 0.06 * lens.height), 4, wrap=True)
    stripes = np.sin(
        np.arange(period, dtype=np.float32) * np.float32(2 * np.pi * round(period / (0.09 * lens.height)) / period)
    )
    lit = 1 + material.contrast * field + 0.05 * np.clip(3 * stripes, -1, 1)[None, :]
    colours = np.asarray(material.colour, np.float32) * lit[:, :, None]
    board = round(0.045 * lens.height)
    colours[-board:] = np.asarray((206, 200, 188), np.float32) * (1 + 0.05 * field[-board:, :, None])
    colours *= np.linspace(1.05, 0.88, height, dtype=np.float32)[:, None, None]
    top = lens.ground(WALL_DEPTH) - height / lens.height
    return Strip(repeated(opaque(np.asarray(colours, np.float32)), width), period, top, WALL_DEPTH)


def occluders(kind: str, lens: Lens, rng: np.random.Generator) -> Strip:
    """Trunks or posts between the camera and the subject, taller than the picture."""
    period, width = strip_size(lens)
    shop = Workshop(lens.height, GRAIN * lens.height, rng)
    material = BARK.darker(0.8) if kind == "trunks" else STONE
    half = 0.09 if kind == "trunks" else 0.055
    height = lens.height + 2 * round(EDGE * lens.height)
    board = np.zeros((height, period, 4), np.uint8)
    for number in range(OCCLUDERS):
        steps = np.linspace(0, height / lens.height, 12)
        rough = noise(rng, 2, 12, (1, 3), 2) * (0.008 if kind == "trunks" else 0.0)
        left = [(-half + float(r), float(s)) for s, r in zip(steps, rough[0], strict=True)]
        right = [(half + float(r), float(s)) for s, r in zip(steps, rough[1], strict=True)]
        sprite = shop.shape([*left, *reversed(right)], material, 0.4)
        x = round((number + 0.35 + 0.3 * float(rng.uniform())) * period / OCCLUDERS)
        top = round(sprite.pivot[1])
        paste(board, sprite.pixels[top : top + height], x - round(sprite.pivot[0]), 0)
    return Strip(repeated(board, width), period, -lens.horizon - EDGE, OCCLUDER_DEPTH)
