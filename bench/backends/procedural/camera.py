"""Where the camera stands and how it moves. Apart from the scene, so that any scene can be filmed in any way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.sprites import Matrix

FAR = 1e6  # depth of the sky
GLIDE_SPEED = 0.30  # picture heights a second at depth 1, when a camera glides sideways
GLIDE_TURN = 40.0  # seconds after which a glide has gone there and back
PUSH_DEPTH = 0.45  # how near a push-in comes: share of the way to depth 1
PUSH_SECONDS = 3.0  # it gets there asymptotically, 63% in this time
SHAKE = 0.006  # picture heights a hand shakes
SHAKE_ROLL = 0.004  # radians


@dataclass(frozen=True)
class Lens:
    """Canvas size in px, the horizon (share of the height), the eye over ground (picture heights at depth 1)."""

    width: int
    height: int
    horizon: float = 0.46
    eye: float = 0.42

    @property
    def aspect(self) -> float:
        """Width in picture heights."""
        return self.width / self.height

    @property
    def figure_scale(self) -> float:
        """What figures shrink by, so that they also fit an upright picture."""
        return min(1.0, self.aspect)

    def ground(self, depth: float) -> float:
        """How far under the horizon the ground lies at that depth, in picture heights."""
        return self.eye / depth


@dataclass(frozen=True)
class View:
    """The camera at one moment: moved by x, z (picture heights at depth 1), shaken by dx, dy, rolled (radians)."""

    x: float = 0.0
    z: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    roll: float = 0.0

    def plus(self, other: View) -> View:
        """Both moves at once."""
        return View(self.x + other.x, self.z + other.z, self.dx + other.dx, self.dy + other.dy, self.roll + other.roll)

    def matrix(self, lens: Lens, depth: float) -> Matrix:
        """From the reference picture at that depth (picture heights, origin at the horizon's middle) to canvas px."""
        near = depth - self.z
        scale = depth / near
        flat = np.array([[scale, 0, -self.x / near], [0, scale, 0], [0, 0, 1]], np.float64)
        return self._onto(lens) @ flat

    def ground(self, lens: Lens, x: float) -> Matrix:
        """The same for the whole ground plane, the camera standing at `x`; a homography, since its depth varies."""
        plane = np.array([[lens.eye, -x, 0], [0, lens.eye, 0], [0, -self.z, lens.eye]], np.float64)
        return self._onto(lens) @ (plane / lens.eye)

    def _onto(self, lens: Lens) -> Matrix:
        """Picture heights about the horizon to canvas px, shaken and rolled about the middle of the picture."""
        unit = lens.height
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        down = (lens.horizon - 0.5) * unit
        x, y = lens.width / 2 + self.dx * unit, lens.height / 2 + self.dy * unit
        return np.array(
            [[cos * unit, -sin * unit, x - sin * down], [sin * unit, cos * unit, y + cos * down], [0, 0, 1]], np.float64
        )


Move = Callable[[float], View]  # seconds -> view


def still(time: float) -> View:
    """A tripod."""
    del time
    return View()


def track(speed: float) -> Move:
    """Beside a subject that goes at `speed` picture heights a second."""
    return lambda time: View(x=speed * time)


def glide(direction: int) -> Move:
    """Sideways past a still scene; it turns, so slowly that short clips never see it."""
    reach = GLIDE_SPEED * GLIDE_TURN / (2 * math.pi)
    return lambda time: View(x=direction * reach * math.sin(2 * math.pi * time / GLIDE_TURN))


def push(direction: int) -> Move:
    """Towards the scene (1) or away from it (-1); near things grow faster than far ones."""
    if direction > 0:
        return lambda time: View(z=PUSH_DEPTH * -math.expm1(-time / PUSH_SECONDS))
    return lambda time: View(z=PUSH_DEPTH * math.exp(-time / PUSH_SECONDS))


def handheld(phases: Sequence[float]) -> Move:
    """A hand that is never quite still; six phases make it this hand and not another."""

    def view(time: float) -> View:
        sway = [math.sin(2 * math.pi * (rate * time) + phase) for rate, phase in zip(SHAKE_RATES, phases, strict=True)]
        return View(
            dx=SHAKE * (sway[0] + 0.5 * sway[1]),
            dy=SHAKE * (sway[2] + 0.5 * sway[3]),
            roll=SHAKE_ROLL * (sway[4] + 0.5 * sway[5]),
        )

    return view


SHAKE_RATES = (0.43, 1.31, 0.57, 1.13, 0.37, 0.91)  # cycles a second; no two beat together


def together(moves: Sequence[Move]) -> Move:
    """All those moves at once."""

    def view(time: float) -> View:
        total = View()
        for move in moves:
            total = total.plus(move(time))
        return total

    return view
