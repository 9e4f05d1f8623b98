"""How four-legged animals move, side view, facing +x. Units: a body long; the ground is y = 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Cycle, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Workshop

LEGS = ("near fore", "far fore", "near hind", "far hind")
UPPER_SWING = Cycle((24, 17, 8, -2, -12, -20, -16, 2, 18, 26))  # degrees over one cycle, evenly spaced
LOWER_BEND = Cycle((6, 8, 8, 6, 8, 20, 44, 48, 30, 12))
AHEAD = 0.08  # a body is this far behind the middle, for the sake of the head
SAMPLES = 24  # of a cycle
HARMONICS = 4  # of the body's height that are kept


@dataclass(frozen=True)
class Legs:
    """Lengths in figure units; `fore` and `hind` are x of the two pairs, the far leg `apart` from the near one."""

    upper: float
    lower: float
    paw: float
    fore: float
    hind: float
    apart: float = 0.04

    @property
    def length(self) -> float:
        """From its joint to the ground, stretched."""
        return self.upper + self.lower + self.paw

    def place(self, leg: str) -> float:
        """x of its joint."""
        return (self.fore if "fore" in leg else self.hind) + (self.apart if "far" in leg else 0.0)


@dataclass(frozen=True)
class Gait:
    """When each leg steps (shares of a cycle), how far beside a trot, how often a second, how the body pitches."""

    offsets: tuple[float, float, float, float]
    swing: float
    cadence: float
    pitch: float = 1.2

    def down(self, legs: Legs, leg: int, phase: float) -> tuple[float, float]:
        """(forward, down) of a paw from its joint."""
        upper = math.radians(self.swing * UPPER_SWING(phase + self.offsets[leg]))
        lower = upper - math.radians(self.swing * LOWER_BEND(phase + self.offsets[leg]))
        forward = legs.upper * math.sin(upper) + legs.lower * math.sin(lower)
        return forward, legs.upper * math.cos(upper) + legs.lower * math.cos(lower) + legs.paw

    def carried(self, legs: Legs) -> tuple[Cycle, float]:
        """(height of the joints over a cycle, stride): the lowest paw is on the ground, smoothly."""
        heights, stride = [], 0.0
        for phase in (i / SAMPLES for i in range(SAMPLES)):
            paws = [self.down(legs, leg, phase) for leg in range(4)]
            lowest = max(range(4), key=lambda leg: paws[leg][1])
            heights.append(paws[lowest][1])
            stride += paws[lowest][0] - self.down(legs, lowest, phase + 1 / SAMPLES)[0]
        spectrum = np.fft.rfft(heights)
        spectrum[HARMONICS + 1 :] = 0
        return Cycle(tuple(float(h) for h in np.fft.irfft(spectrum, SAMPLES))), stride


GAITS: dict[str, Gait] = {
    "walk": Gait((0.25, 0.75, 0.0, 0.5), 0.85, 0.9),
    "trot": Gait((0.0, 0.5, 0.5, 0.0), 1.0, 1.35),
    "run": Gait((0.0, 0.14, 0.52, 0.66), 1.5, 1.7, 5.0),
}


@dataclass(frozen=True)
class Breed:
    """One kind of animal: `size` in picture heights a unit, `build` makes its parts, `grazing` turns neck and head."""

    name: str
    size: float
    legs: Legs
    build: Callable[[Wish, Workshop], tuple[Part, ...]]
    cadence: float = 1.0
    grazing: tuple[float, float] = (-60.0, 10.0)
    seat: float = 0.14


def quadruped(breed: Breed) -> Callable[[Wish, Slot, Lens, np.random.Generator], Figure]:
    """The builder of that breed's figures."""

    def build(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
        size = breed.size * lens.figure_scale * slot.scale
        shop = slot.workshop(size, lens, rng)
        if wish.action in GAITS:
            gait = GAITS[wish.action]
            height, stride = gait.carried(breed.legs)
            speed = slot.faces * stride * gait.cadence * breed.cadence * size
            pose = _going(gait, gait.cadence * breed.cadence, height, slot.phase)
        else:
            speed, pose = 0.0, RESTING[wish.action](breed, slot.phase)
        return Figure(
            name=breed.name, parts=breed.build(wish, shop), pose=pose,
            place=lambda time: Spot(slot.x - slot.faces * AHEAD * size + speed * time), size=size, unit=shop.unit,
            depth=slot.depth, faces=slot.faces, speed=speed, haunts=HAUNTS,
        )  # fmt: skip

    return build


def _going(gait: Gait, cadence: float, height: Cycle, start: float) -> Callable[[float], Pose]:
    def pose(time: float) -> Pose:
        phase = time * cadence + start
        wave = math.sin(4 * math.pi * phase)
        sway = math.sin(2 * math.pi * phase) if gait.pitch > 2 else wave
        joints = {
            "body": Joint(gait.pitch * sway, y=-height(phase)),
            "neck": Joint(3 * math.sin(4 * math.pi * phase + 0.8) - 0.6 * gait.pitch * sway),
            "tail": Joint(12 * math.sin(2 * math.pi * phase * 1.5)),
        }
        for number, leg in enumerate(LEGS):
            own = phase + gait.offsets[number]
            joints[f"{leg} upper"] = Joint(gait.swing * UPPER_SWING(own))
            joints[f"{leg} lower"] = Joint(-gait.swing * LOWER_BEND(own))
        return joints

    return pose


def _breathing(time: float) -> dict[str, Joint]:
    """What never rests: tail, head."""
    return {
        "tail": Joint(16 * math.sin(5.1 * time)),
        "neck": Joint(4 * math.sin(1.7 * time)),
        "head": Joint(5 * math.sin(2.3 * time + 1)),
    }


def _standing(breed: Breed, start: float) -> Callable[[float], Pose]:
    def pose(time: float) -> Pose:
        t = time + 5 * start
        joints = _breathing(t) | {"body": Joint(0.6 * math.sin(2.1 * t), y=-0.985 * breed.legs.length)}
        for leg, upper in zip(LEGS, (4, -3, -4, 6), strict=True):
            joints[f"{leg} upper"] = Joint(upper)
            joints[f"{leg} lower"] = Joint(-upper if upper > 0 else -2 - upper)
        return joints

    return pose


def _grazing(breed: Breed, start: float) -> Callable[[float], Pose]:
    upright = _standing(breed, start)

    def pose(time: float) -> Pose:
        t = time + 5 * start
        neck, head = breed.grazing
        return {
            **upright(time),
            "neck": Joint(neck + 3 * math.sin(1.3 * t)),
            "head": Joint(head + 6 * math.sin(4.3 * t)),
        }

    return pose


def _sitting(breed: Breed, start: float) -> Callable[[float], Pose]:
    """Upright on its haunches: the fore legs straight, the hind ones folded."""
    legs = breed.legs
    tilt = math.degrees(math.asin(min(0.8, (0.98 * legs.length - breed.seat) / (legs.fore - legs.hind))))

    def pose(time: float) -> Pose:
        t = time + 5 * start
        joints = _breathing(t)
        middle = breed.seat + (legs.length * 0.98 - breed.seat) * -legs.hind / (legs.fore - legs.hind)
        joints |= {
            "body": Joint(tilt + 0.8 * math.sin(2.1 * t), y=-middle),
            "neck": Joint(-0.75 * tilt + 4 * math.sin(1.7 * t)),
            "tail": Joint(-tilt - 12 + 14 * math.sin(5.1 * t)),
        }
        for leg in LEGS:
            fore = "fore" in leg
            joints[f"{leg} upper"] = Joint((-tilt if fore else 78 - tilt) + (5 if "far" in leg else 0))
            joints[f"{leg} lower"] = Joint(0 if fore else -128)
        return joints

    return pose


RESTING: Mapping[str, Callable[[Breed, float], Callable[[float], Pose]]] = {
    "stand": _standing,
    "sit": _sitting,
    "graze": _grazing,
}

HAUNTS = (
    Haunt("twist", "legs bend the wrong way", {f"{leg} lower": Joint(115, sy=1.1) for leg in LEGS}),
    Haunt(
        "detach",
        "forelegs come off",
        {"near fore upper": Joint(60, 0.2, 0.02), "far fore upper": Joint(-65, 0.02, -0.33)},
    ),
    Haunt("swap", "legs grow from the back", {f"{leg} upper": Joint(175, 0.0, -0.08) for leg in LEGS}),
    Haunt("swap", "head and tail change places", {"neck": Joint(98, -0.5, -0.02), "tail": Joint(150, 0.66, 0.0)}),
    Haunt("extra", "a second head", extras={"neck": Joint(62, -0.2, -0.02)}),
    Haunt(
        "extra",
        "four more legs",
        extras={
            f"{leg} upper": Joint(turn, x, -0.02)
            for leg, turn, x in zip(LEGS, (70, -40, 52, -70), (0.06, -0.16, 0.14, -0.06), strict=True)
        },
    ),
)
