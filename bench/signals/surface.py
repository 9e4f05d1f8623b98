"""Surfaces: how far each has changed its look since it was first seen, wherever the motion has carried it."""

from __future__ import annotations

import cv2
import numpy as np

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.planes import BLOCK, Plane, exceeded_by, region_of, split
from bench.signals.views import CELL, Step

SETTLED = 2  # distinct frames; before that, a surface has no past to differ from


def _worst(change: Plane, step: Step) -> Reading:
    """The worst 2% of blocks of surfaces that have a past; `change` is in cells."""
    side = BLOCK // CELL
    known = change * (step.surface.age > SETTLED)
    means = cv2.blur(known, (side, side), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    blocks = np.asarray(means[: change.shape[0] - side + 1, : change.shape[1] - side + 1], np.float32)
    return Reading(exceeded_by(blocks, 0.02), region_of(blocks, BLOCK, CELL, step.size))


class SurfaceColour:
    """Colour of tracked surfaces against their first look; a common change of brightness is left out."""

    name, unit, floor = "surface_colour", "grey levels", 3.0
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "features"

    def update(self, step: Step) -> Reading:
        """Mean absolute change of colour that the worst 2% of blocks exceed."""
        red, green, blue, _ = split(step.current.look - step.surface.look)
        light = (red + green + blue) / 3
        tint = np.abs(red - light) + np.abs(green - light) + np.abs(blue - light)
        return _worst(np.asarray(tint / 3, np.float32), step)


class SurfaceTexture:
    """Detail on tracked surfaces against their first look: melting and blurring lower it, noise and ghosts raise it."""

    name, unit, floor = "surface_texture", "log ratio", 0.3
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "features"

    def update(self, step: Step) -> Reading:
        """Absolute log ratio of gradients that the worst 2% of blocks exceed."""
        ratio = (step.current.look[..., 3] + 2.0) / (step.surface.look[..., 3] + 2.0)
        return _worst(np.abs(np.log(ratio)), step)
