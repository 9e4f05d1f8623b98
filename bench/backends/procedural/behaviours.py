"""The procedural models: what each does wrong and when, and how long it therefore holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Onset:
    """When a clip breaks: never. A break always has a frame before it."""

    def chances(self, frames: int) -> Chances:
        """The chance that a clip of so many frames holds 0, 1, ... frames; the last one that it never breaks."""
        chances = np.zeros(frames + 1)
        chances[frames] = 1.0
        return chances

    def mean(self, frames: int) -> float:
        """The frames that a clip of so many holds on average, the unbroken ones counting all of theirs."""
        return float(self.chances(frames) @ np.arange(frames + 1))

    def draw(self, frames: int, rng: np.random.Generator) -> int | None:
        """One break frame; None where the clip never breaks."""
        held = int(np.searchsorted(np.cumsum(self.chances(frames)), rng.uniform(), side="right"))
        return held if held < frames else None


@dataclass(frozen=True)
class Shares(Onset):
    """Uniform over all whole frames between two shares of the clip's length, both included."""

    earliest: float
    latest: float

    def bounds(self, frames: int) -> tuple[int, int]:
        """First and last frame that can be the break.

        >>> Shares(0.125, 0.8).bounds(48)
        (6, 38)
        """
        low = max(1, round(self.earliest * frames))
        return low, max(low, min(frames - 1, math.floor(self.latest * frames)))

    def chances(self, frames: int) -> Chances:
        """Equal."""
        return _even(*self.bounds(frames), frames)


@dataclass(frozen=True)
class Frames(Onset):
    """Uniform over the frames from `first` to `last`, both included, whatever the length of the clip.

    >>> Frames(3, 9).mean(48)
    6.0
    """

    first: int
    last: int

    def chances(self, frames: int) -> Chances:
        """Equal; what would come after the end never comes."""
        return _even(self.first, self.last, frames)


@dataclass(frozen=True)
class Hazard(Onset):
    """Every frame but the first breaks with the same chance, if none before it did.

    >>> round(Hazard(1 / 6).mean(1000), 6)
    6.0
    """

    a_frame: float

    def chances(self, frames: int) -> Chances:
        """Geometric."""
        chances = np.zeros(frames + 1)
        chances[1:] = self.a_frame * (1 - self.a_frame) ** np.arange(frames)
        chances[frames] = 1 - chances[:frames].sum()
        return chances


@dataclass(frozen=True)
class Sometimes(Onset):
    """Only a share of the clips break."""

    share: float
    onset: Onset

    def chances(self, frames: int) -> Chances:
        """Mixed with never."""
        return self.share * self.onset.chances(frames) + (1 - self.share) * Onset().chances(frames)


def _even(first: int, last: int, frames: int) -> Chances:
    chances = np.zeros(frames + 1)
    each = 1 / (last - first + 1)
    chances[first : min(last, frames - 1) + 1] = each
    chances[frames] += max(0, last + 1 - max(first, frames)) * each
    return chances


@dataclass(frozen=True)
class Behaviour:
    """One of `failures` goes wrong at the onset, and another later where `twice`; `conditions` are hard, not wrong."""

    about: str
    failures: tuple[str, ...] = ()
    onset: Onset = Onset()
    conditions: tuple[str, ...] = ()
    twice: bool = False
    static: bool = False

    def true_mean_hold(self, frames: int) -> float:
        """The frames that its clips of so many truly hold on average: exact, from the distribution of its onsets."""
        return self.onset.mean(frames)


# Frames truly held of 48, on average, in brackets. They differ, so that the models have a true order.
BEHAVIOURS: dict[str, Behaviour] = {
    "procedural/steady": Behaviour("Nothing goes wrong. [48]"),
    "procedural/trying-times": Behaviour(
        "Nothing goes wrong, but it runs, hides, loses the sun or whips the camera about. [48]",
        conditions=("fast", "occlusion", "light", "whip"),
    ),
    "procedural/attention-span": Behaviour(
        "Holds for six frames, then forgets what it was drawing, and later something else too. [6]",
        ("limb-detach", "extra-limb", "pop-out", "turn", "background", "flicker"),
        Frames(3, 9),
        twice=True,
    ),
    "procedural/shuffle-play": Behaviour(
        "Has all the right frames, not necessarily in the right order. [11]", ("shuffle",), Shares(0.125, 0.35)
    ),
    "procedural/haunted-knees": Behaviour(
        "Its knees secede; so do other limbs. [13.5]", ("limbs",), Shares(0.125, 0.45)
    ),
    "procedural/dream-filter": Behaviour("Melts, slowly. [17]", ("melt",), Shares(0.125, 0.6)),
    "procedural/method-actor": Behaviour(
        "Becomes somebody else without leaving the scene. [19]", ("identity",), Shares(0.2, 0.6)
    ),
    "procedural/mood-ring": Behaviour(
        "Takes on another colour, at any moment or at none. [21.5]", ("colour",), Hazard(0.04)
    ),
    "procedural/pop": Behaviour("Things are gone, or suddenly there. [22.5]", ("pop",), Shares(0.25, 0.7)),
    "procedural/flicker": Behaviour("Has a loose contact. [26]", ("flicker",), Shares(0.3, 0.8)),
    "procedural/freeze": Behaviour("Stops. [31]", ("freeze",), Shares(0.5, 0.8)),
    "procedural/green-screen": Behaviour(
        "Goes elsewhere without moving, in three clips of five. [33.3]",
        ("background",),
        Sometimes(0.6, Shares(0.3, 0.7)),
    ),
    "procedural/understudy": Behaviour(
        "Is replaced by another subject, towards the end. [36]", ("turn",), Shares(0.6, 0.9)
    ),
    "procedural/frozen": Behaviour("Never starts. [1]", ("freeze",), Frames(1, 1), static=True),
}
DEFAULT_MODELS = tuple(
    f"procedural/{name}"
    for name in (
        "steady",
        "attention-span",
        "haunted-knees",
        "dream-filter",
        "pop",
        "flicker",
        "freeze",
        "understudy",
        "frozen",
    )
)
"""What `framehold run` makes clips with when nobody says: those whose true order is plainest."""
