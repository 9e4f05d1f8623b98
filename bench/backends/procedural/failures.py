"""What goes wrong, from which frame on. Composable: each may show another moment, other figures, another place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bench.backends.procedural.figures import Figure
from bench.backends.procedural.layers import Layer
from bench.backends.procedural.sprites import Matrix
from bench.backends.procedural.textures import Colour
from bench.records import Picture

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, after Rec. 601
BLOCK = 12  # frames that are shuffled among themselves
STRIDES = (5, 7)  # both have no divisor in common with BLOCK, so that every frame of it is shown once


@dataclass(frozen=True)
class Failure:
    """Nothing goes wrong. `onset` is the first wrong frame, `detail` says in words what a viewer sees."""

    onset: int
    detail: str

    @property
    def frames_until_complete(self) -> int:
        """From the onset on."""
        return 0

    def moment(self, frame: int) -> int:
        """The frame that is shown in this frame's stead."""
        return frame

    def share(self, frame: int) -> float:
        """How far the old picture has given way to the new one at a frame from the onset on: 1 when all of it has."""
        del frame
        return 1.0

    def whole(self) -> Failure:
        """The same, with nothing of the old picture left."""
        return self

    def cast(self, figures: tuple[Figure, ...], frame: int) -> tuple[Figure, ...]:
        """The figures that take part at a frame from the onset on."""
        del frame
        return figures

    def setting(self, behind: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """What stands behind them from the onset on."""
        return behind

    def retouch(self, picture: Picture, frame: int) -> Picture:
        """The finished picture at a frame from the onset on."""
        del frame
        return picture


@dataclass(frozen=True)
class Freeze(Failure):
    """All frames from the onset show the one before it."""

    def moment(self, frame: int) -> int:
        """Time stands still."""
        return min(frame, self.onset - 1)


@dataclass(frozen=True)
class Shuffle(Failure):
    """The frames from the onset on come in another order, block by block, so that any length can be drawn."""

    seed: int

    def moment(self, frame: int) -> int:
        """Far from the frames before and after it."""
        if frame < self.onset:
            return frame
        block, place = divmod(frame - self.onset, BLOCK)
        rng = np.random.default_rng([self.seed, block])
        start, stride = int(rng.integers(3, BLOCK - 3)), STRIDES[int(rng.integers(2))]
        return self.onset + block * BLOCK + (start + stride * place) % BLOCK


@dataclass(frozen=True)
class Turn(Failure):
    """The old picture gives way to a new one within `over` frames; at once when that is 0."""

    over: int

    @property
    def frames_until_complete(self) -> int:
        """From the onset on."""
        return self.over

    def share(self, frame: int) -> float:
        """Grows evenly."""
        return min(1.0, (frame - self.onset + 1) / (self.over + 1))

    def whole(self) -> Turn:
        """Turned at once."""
        return replace(self, over=0)


@dataclass(frozen=True)
class Recast(Turn):
    """One figure, known by its number, becomes others: a wrong body, another one, none at all, or two."""

    number: int
    change: Callable[[Figure], tuple[Figure, ...]]

    def cast(self, figures: tuple[Figure, ...], frame: int) -> tuple[Figure, ...]:
        """The figures with what has become of that one."""
        del frame
        return tuple(one for f in figures for one in (self.change(f) if f.number == self.number else (f,)))


@dataclass(frozen=True)
class Relocation(Turn):
    """The place is another one; the figures stay."""

    elsewhere: tuple[Layer, ...]

    def setting(self, behind: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The other place."""
        del behind
        return self.elsewhere


@dataclass(frozen=True)
class ColourDrift(Failure):
    """One figure takes on another colour, more and more within `over` frames, light and shade kept."""

    number: int
    colour: Colour
    over: int

    @property
    def frames_until_complete(self) -> int:
        """From the onset on."""
        return self.over

    def cast(self, figures: tuple[Figure, ...], frame: int) -> tuple[Figure, ...]:
        """The figures, that one tinted."""
        severity = min(1.0, (frame - self.onset + 1) / (self.over + 1))
        tint = tinting(self.colour, severity)
        return tuple(replace(f, tint=tint) if f.number == self.number else f for f in figures)


def tinting(colour: Colour, severity: float) -> Matrix:
    """Premultiplied RGBA to RGBA: that share of the colour, as bright as what was there."""
    ink = np.asarray(colour, np.float64)
    dyed = np.outer(ink / float(LUMINANCE @ ink), LUMINANCE)
    matrix = np.eye(4)
    matrix[:3, :3] = (1 - severity) * np.eye(3) + severity * dyed
    return matrix
