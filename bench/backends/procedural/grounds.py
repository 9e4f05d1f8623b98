"""Grounds in true perspective: earth, sand with a shore, a road, floor boards, water."""

from __future__ import annotations

import math

import cv2
import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.layers import EDGE, GROUND_PERIOD, Ground, Water, opaque
from bench.backends.procedural.places import Place
from bench.backends.procedural.sprites import premultiplied
from bench.backends.procedural.textures import Bytes, Colour, Colours, Field, noise

TILE_ROWS = 1024  # of a ground texture; 3.4 picture heights deep, where it has faded
TILE_COLUMNS = 1024
TEXEL = 1 / 300  # picture heights a row of it
SHORE_SWING = 0.25  # picture heights that a shore line comes and goes along its way
SEA = Colour(44, 92, 122)
DRIFTS = (0.10, -0.06)  # picture heights a second, of the two surfaces that water is made of
BOARD = 0.16  # picture heights that a floor board is wide


def ground_maps(lens: Lens, nearest: float = 0.0) -> tuple[Field, Field, float, float]:
    """(X of every pixel, depth of every row) of a Ground's picture, then its `middle` and `top`.

    X in picture heights at depth 1; the depths as a column. What lies nearer than `nearest` is left out.
    """
    top = 1.0 / lens.height
    last = min(1 - lens.horizon + EDGE, lens.eye / nearest if nearest else math.inf)
    rows = math.ceil(last * lens.height)
    down = top + np.arange(rows, dtype=np.float64) / lens.height
    reach = lens.aspect / 2 + EDGE + GROUND_PERIOD / 2 * float(down[-1]) / lens.eye
    middle = math.ceil(reach * lens.height)
    across = (np.arange(2 * middle + 1, dtype=np.float32) - middle) / np.float32(lens.height)
    depth = (lens.eye / down[:, None]).astype(np.float32)
    return across[None, :] * depth, depth, float(middle), top


def ground_texture(tile: Field, lens: Lens, sideways: Field, depth: Field, texel: float) -> Field:
    """A world tile (wrapping sideways every GROUND_PERIOD, downwards at its height) seen on the ground plane.

    `texel` is picture heights a row of the tile. It fades where the picture is too coarse for it, so it never crawls.
    """
    turns = sideways * np.float32(1 / GROUND_PERIOD)
    turns -= np.floor(turns)
    rows = np.broadcast_to(depth / np.float32(texel) % tile.shape[0], sideways.shape)
    wrapped = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    seen = cv2.remap(wrapped, turns * np.float32(tile.shape[1]), np.ascontiguousarray(rows), cv2.INTER_LINEAR)
    stride = depth**2 / (lens.eye * lens.height * texel)  # rows of the tile that one px of the picture spans
    return np.asarray(seen * np.clip(1.6 / stride, 0, 1), np.float32)


def ground(place: Place, near: Colour, lens: Lens, rng: np.random.Generator) -> Ground:
    """The ground of a place, `near` being its colour at the viewer's feet."""
    sideways, depth, middle, top = ground_maps(lens)
    grain, patches = (
        ground_texture(noise(rng, TILE_ROWS, TILE_COLUMNS, cell, 3, wrap=True), lens, sideways, depth, TEXEL)
        for cell in (place.grain, (110.0, 128.0))
    )
    share = np.clip(1 - 1.1 / depth, 0, 1)[:, :, None]
    farthest = near if place.shore is not None else place.distance  # beyond a shore, the distance is the water's
    first, last = np.asarray(near, np.float32), np.asarray(farthest, np.float32)
    colours = np.broadcast_to(first + (last - first) * share, (*sideways.shape, 3)).astype(np.float32)
    if place.road:
        colours = _painted_road(colours, sideways, depth)
    if place.wall is not None:
        colours = _floor_boards(colours, sideways, depth)
    colours *= (1 + place.contrast * grain + np.float32(0.05) * patches)[:, :, None]
    pixels = opaque(colours) if place.shore is None else _shore(colours, sideways, depth, place.shore)
    return Ground(pixels, middle, top)


def _painted_road(colours: Colours, sideways: Field, depth: Field) -> Colours:
    """A pavement beyond a kerb, and dashes down the middle of the lane before it."""
    pavement = np.clip((depth - 1.62) * 60, 0, 1)
    kerb = np.clip((depth - 1.56) * 60, 0, 1) - pavement
    along = np.cos(sideways * np.float32(4 * np.pi / GROUND_PERIOD))  # dashes repeat with the ground
    dash = 0.8 * np.clip(along * 8 + 0.5, 0, 1) * np.clip((0.018 - np.abs(depth - 0.86)) * 120, 0, 1)
    for share, colour in ((pavement, (158, 152, 144)), (kerb, (186, 182, 174)), (dash, (226, 222, 208))):
        _tint(colours, share, colour)
    return colours


def _floor_boards(colours: Colours, sideways: Field, depth: Field) -> Colours:
    """Dark gaps between the boards of a floor, and where one board ends and the next begins."""
    board = np.floor(depth / BOARD)
    gap = 0.55 * np.clip(1 - np.abs(depth / BOARD - board - 0.5) * 24, 0, 1) * np.clip(2.2 - depth, 0, 1)
    turns = sideways / np.float32(GROUND_PERIOD) + board * np.float32(0.38)
    end = 0.55 * np.clip(1 - np.abs(turns - np.floor(turns) - 0.5) * 300, 0, 1) * np.clip(2.2 - depth, 0, 1)
    _tint(colours, np.maximum(gap, end), (70, 46, 30))
    return colours


def _tint(colours: Colours, share: Field, colour: tuple[float, float, float]) -> None:
    """Mix a colour in, in place, working only on the rows that have any of it."""
    rows = np.flatnonzero(share.max(axis=1) > 0)
    if rows.size:
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        colours[part] += (np.asarray(colour, np.float32) - colours[part]) * share[part][:, :, None]


def _shore(colours: Colours, sideways: Field, depth: Field, shore: float) -> Bytes:
    """Sand that ends in wet sand, a line of foam, and then nothing: the water behind shows."""
    pixels = opaque(colours)
    rows = int(np.searchsorted(-depth[:, 0], -(shore - SHORE_SWING - 1.2)))  # nearer sand is dry
    turns = sideways[:rows] * np.float32(2 * np.pi / GROUND_PERIOD)
    line = shore + SHORE_SWING * (0.62 * np.sin(turns) + 0.28 * np.sin(3 * turns + 1.3))
    beyond = depth[:rows] - line
    sand = colours[:rows] * (1 - 0.34 * np.clip((beyond + 0.9) / 0.7, 0, 1))[:, :, None]
    _tint(sand, 0.85 * np.clip((beyond + 0.16) * 14, 0, 1), (236, 236, 236))
    pixels[:rows] = premultiplied(sand, np.asarray(np.clip(-beyond * 14, 0, 1) * 255, np.float32))
    return pixels


def water(lens: Lens, rng: np.random.Generator, far: Colour, nearest: float = 0.0) -> Water:
    """Open water that drifts both ways at once; none nearer than `nearest`."""
    sideways, depth, middle, top = ground_maps(lens, nearest)
    share = np.clip(1 - 1.0 / depth, 0, 1)[:, :, None]
    surfaces = []
    for drift in DRIFTS:
        ripples = ground_texture(
            noise(rng, TILE_ROWS, TILE_COLUMNS, (16, 64), 3, wrap=True), lens, sideways, depth, TEXEL
        )
        swell = ground_texture(
            noise(rng, TILE_ROWS, TILE_COLUMNS, (60, 128), 2, wrap=True), lens, sideways, depth, TEXEL * 3
        )
        base = np.asarray(SEA, np.float32) + (np.asarray(far, np.float32) - np.asarray(SEA, np.float32)) * share
        lit = 1 + np.float32(0.17) * ripples + np.float32(0.14) * swell
        glints = np.clip(ripples - 1.5, 0, 1) * np.float32(60)
        surfaces.append(Ground(opaque(base * lit[:, :, None] + glints[:, :, None]), middle, top, drift))
    return Water(*surfaces)
