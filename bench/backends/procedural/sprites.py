"""Flat textured pieces with soft edges, and how they are laid on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from bench.backends.procedural.textures import Bytes, Colour, Colours, Field, Material

Matrix = NDArray[np.float64]  # 3 x 3
Point = tuple[float, float]

SUBPIXEL_BITS = 4  # cv2 draws polygons on a grid of 1/16 px
GRAIN = 0.006  # picture heights of the finest texture detail
MARGIN = 2  # px of nothing around a sprite, so that its edge blends when it is turned
LIGHT = (0.5, 0.85)  # from the upper left; x, y weights of the shading


@dataclass(frozen=True)
class Sprite:
    """A piece of picture: height x width x 4 bytes, RGB multiplied by alpha. It turns about `pivot` (x, y px)."""

    pixels: Bytes
    pivot: Point


def lay(canvas: Bytes, pixels: Bytes, matrix: Matrix) -> None:
    """Draw `pixels` (premultiplied RGBA) on the canvas, in place. `matrix` takes its px to canvas px, affine or not."""
    height, width = pixels.shape[:2]
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    flat = abs(matrix[2, 0]) + abs(matrix[2, 1]) < 1e-12
    x, y = (corners[0], corners[1]) if flat else (corners[0] / corners[2], corners[1] / corners[2])
    left, top = max(0, int(np.floor(x.min()))), max(0, int(np.floor(y.min())))
    right, bottom = min(canvas.shape[1], int(np.ceil(x.max())) + 1), min(canvas.shape[0], int(np.ceil(y.max())) + 1)
    if left >= right or top >= bottom:
        return
    moved = matrix.copy()
    moved[0] -= left * matrix[2]
    moved[1] -= top * matrix[2]
    size = (right - left, bottom - top)
    piece = cv2.warpAffine(pixels, moved[:2], size) if flat else cv2.warpPerspective(pixels, moved, size)
    blend(canvas[top:bottom, left:right], piece)


def blend(target: Bytes, piece: MatLike) -> None:
    """Lay a premultiplied RGBA piece over a part of the canvas of the same size, in place."""
    clear = cv2.bitwise_not(cv2.extractChannel(piece, 3))
    cv2.multiply(target, cv2.merge([clear, clear, clear, clear]), dst=target, scale=1 / 255)
    cv2.add(target, piece, dst=target)


def rounded(values: MatLike) -> Bytes:
    """The nearest bytes, 0 and 255 being the ends."""
    return np.asarray(cv2.addWeighted(values, 1.0, values, 0.0, 0.0, dtype=cv2.CV_8U), np.uint8)


def premultiplied(colours: Colours, alpha: Bytes | Field) -> Bytes:
    """RGBA bytes of colours under an alpha of 0..255."""
    share = np.asarray(alpha, np.float32)
    ceiling = np.maximum(np.minimum(colours, np.float32(255)), np.float32(0))
    rgb = cv2.multiply(ceiling, cv2.merge([share, share, share]), scale=1 / 255)
    return rounded(cv2.merge([*cv2.split(rgb), share]))


def flattened(sprites: Sequence[Sprite]) -> Sprite:
    """Several sprites with a common pivot, laid over one another in order, as one."""
    left = max(sprite.pivot[0] for sprite in sprites)
    top = max(sprite.pivot[1] for sprite in sprites)
    right = max(sprite.pixels.shape[1] - sprite.pivot[0] for sprite in sprites)
    bottom = max(sprite.pixels.shape[0] - sprite.pivot[1] for sprite in sprites)
    board = np.zeros((int(top + bottom), int(left + right), 4), np.uint8)
    for sprite in sprites:
        x, y = int(left - sprite.pivot[0]), int(top - sprite.pivot[1])
        blend(board[y : y + sprite.pixels.shape[0], x : x + sprite.pixels.shape[1]], sprite.pixels)
    return Sprite(board, (left, top))


def curve(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """A closed Catmull-Rom curve through the points."""
    p = np.asarray(points, np.float64)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    s = (np.arange(steps) / steps)[None, :, None]
    one, two, three = after - before, 2 * before - 5 * p + 4 * after - beyond, 3 * p - before - 3 * after + beyond
    found = 0.5 * (2 * p[:, None] + one[:, None] * s + two[:, None] * s**2 + three[:, None] * s**3)
    return [(float(x), float(y)) for x, y in found.reshape(-1, 2)]


class Workshop:
    """Makes sprites for one figure. All lengths are in the figure's units, of `unit` canvas px each."""

    def __init__(self, unit: float, grain: float, rng: np.random.Generator) -> None:
        self.unit = unit
        self.grain = grain  # px of the finest texture detail
        self.rng = rng

    def shape(self, outline: Sequence[Point], material: Material, relief: float = 0.22) -> Sprite:
        """A filled outline, shaded as if it bulged by `relief`; the pivot is the outline's origin."""
        points = np.asarray(outline, np.float64) * self.unit
        low = np.floor(points.min(0)) - MARGIN
        width, height = (np.ceil(points.max(0)) + MARGIN + 1 - low).astype(int)
        mask = np.zeros((height, width), np.uint8)
        fixed = np.rint((points - low) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        colours = material.paint(self.rng, height, width, self.grain) * bulge(mask, relief)[:, :, None]
        return Sprite(premultiplied(colours, mask), (-float(low[0]), -float(low[1])))

    def blob(self, points: Sequence[Point], material: Material, relief: float = 0.22) -> Sprite:
        """A smooth closed shape through the points."""
        return self.shape(curve(points), material, relief)

    def disc(self, radius: Point, material: Material, at: Point = (0.0, 0.0), relief: float = 0.22) -> Sprite:
        """An ellipse about `at`."""
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        ring = [(at[0] + radius[0] * float(np.cos(a)), at[1] + radius[1] * float(np.sin(a))) for a in angles]
        return self.shape(ring, material, relief)

    def limb(self, length: float, top: float, bottom: float, material: Material) -> Sprite:
        """A rounded bar that hangs from its pivot; `top` and `bottom` are its widths."""
        upper = np.linspace(np.pi, 2 * np.pi, 9)
        lower = np.linspace(0, np.pi, 9)
        outline = [(top / 2 * float(np.cos(a)), top / 2 * float(np.sin(a))) for a in upper]
        outline += [(bottom / 2 * float(np.cos(a)), length + bottom / 2 * float(np.sin(a))) for a in lower]
        return self.shape(outline, material)

    def shadow(self, radius: Point, strength: float = 0.45) -> Sprite:
        """A soft dark ellipse about its pivot."""
        rx, ry = (max(1.5, r * self.unit) for r in radius)
        y, x = np.mgrid[-int(ry * 2) : int(ry * 2) + 1, -int(rx * 2) : int(rx * 2) + 1].astype(np.float32)
        alpha = 255 * strength * np.exp(-((x / rx) ** 2 + (y / ry) ** 2) * 1.2)
        alpha *= np.clip((4 - (x / rx) ** 2 - (y / ry) ** 2) / 2, 0, 1)
        black = np.zeros((*alpha.shape, 3), np.float32)
        return Sprite(premultiplied(black, np.asarray(alpha, np.float32)), (float(int(rx * 2)), float(int(ry * 2))))

    def lines(self, sprite: Sprite, strokes: Sequence[Sequence[Point]], width: float, colour: Colour) -> Sprite:
        """The sprite with strokes drawn on it, only where it is opaque."""
        mask = np.zeros(sprite.pixels.shape[:2], np.uint8)
        thickness = max(1, round(width * self.unit))
        for stroke in strokes:
            points = (np.asarray(stroke, np.float64) * self.unit + sprite.pivot) * 2**SUBPIXEL_BITS
            cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        alpha = mask.astype(np.float32) * sprite.pixels[:, :, 3] / 255
        ink = premultiplied(
            np.broadcast_to(np.asarray(colour, np.float32), (*mask.shape, 3)), np.asarray(alpha, np.float32)
        )
        board = sprite.pixels.copy()
        blend(board, ink)
        return Sprite(board, sprite.pivot)


def bulge(mask: Bytes, relief: float) -> Field:
    """Light and shade of a shape that bulges, 1 on average: its blurred outline read as a height."""
    sigma = max(1.0, 0.16 * min(mask.shape))
    height = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    slope = LIGHT[0] * cv2.Sobel(height, cv2.CV_32F, 1, 0) + LIGHT[1] * cv2.Sobel(height, cv2.CV_32F, 0, 1)
    return np.asarray(1 + relief * slope / max(float(np.abs(slope).max()), 1e-6), np.float32)
