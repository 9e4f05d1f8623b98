"""Birds, side view, facing +x: flapping, gliding, or standing about. Units: a bird long; the ground is y = 0."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Point, Sprite, Workshop, flattened
from bench.backends.procedural.textures import Colour, Material

BIRD_LENGTH = 0.58  # picture heights
STANDING_SCALE = 1.2  # what stands is nearer
FLAPS_A_SECOND = 0.75
WING = 0.38  # of the inner wing, to where its tip joins
BIRD_SPEED = 0.5  # picture heights a second
LEG = 0.25  # from the body to the ground
FEATHERS = 6  # of a wing's tip
BEAK = Material(Colour(226, 160, 60))


def bird(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A bird that flies beside the camera, or stands before it."""
    standing = wish.action == "stand"
    size = BIRD_LENGTH * lens.figure_scale * slot.scale * (STANDING_SCALE if standing else 1.0)
    shop = slot.workshop(size, lens, rng)
    speed = 0.0 if standing else slot.faces * BIRD_SPEED

    def place(time: float) -> Spot:
        if standing:
            return Spot(slot.x)
        bob = 0.025 * math.sin(2 * math.pi * (FLAPS_A_SECOND * time + slot.phase) + 2.6)
        flock = 0.34 * (1 - slot.scale) * math.cos(5.3 * slot.phase)  # several fly at several heights
        return Spot(slot.x + speed * time, lens.eye - 0.01 + bob + flock + 0.03 * math.sin(0.9 * time + slot.phase))

    return Figure(
        name="bird", parts=(_standing_parts if standing else _flying_parts)(wish, shop), pose=_pose(wish, slot),
        place=place, size=size, unit=shop.unit, depth=slot.depth, faces=slot.faces, speed=speed,
        haunts=STANDING_HAUNTS if standing else FLYING_HAUNTS,
    )  # fmt: skip


def _pose(wish: Wish, slot: Slot) -> Callable[[float], Pose]:
    def flapping(time: float) -> Pose:
        phase = 2 * math.pi * (FLAPS_A_SECOND * time + slot.phase)
        beat, tip = 0.2 + 0.72 * math.sin(phase), 0.18 + 0.85 * math.sin(phase - 0.4)
        return _winged(beat, tip, 7 * math.cos(phase), 3 + 2 * math.sin(phase + 1.6), 4 * math.sin(phase + 2))

    def gliding(time: float) -> Pose:
        t = time + 6 * slot.phase
        beat = 0.62 + 0.05 * math.sin(2.6 * t)
        return _winged(beat, 0.8 + 0.08 * math.sin(3.4 * t), 26, 4 * math.sin(1.3 * t), 5 * math.sin(1.9 * t))

    def standing(time: float) -> Pose:
        t = time + 6 * slot.phase
        peck = 46 * max(0.0, math.sin(1.5 * t)) ** 6
        return {
            "body": Joint(17 - 0.5 * peck + 1.5 * math.sin(2.7 * t), y=-LEG),
            "head": Joint(-12 - 0.9 * peck + 7 * math.sin(1.9 * t)),
            "tail": Joint(5 * math.sin(3.3 * t)),
        }

    return {"glide": gliding, "stand": standing}.get(wish.action, flapping)


def _winged(beat: float, tip: float, sweep: float, pitch: float, tail: float) -> Pose:
    """Wings raised by `beat` and their tips by `tip`, as shares of their lengths; the rest in degrees."""
    joints = {"body": Joint(pitch), "tail": Joint(tail)}
    for side, gain in (("near", 1.0), ("far", 0.85)):
        joints[f"{side} wing"] = Joint(sy=gain * beat)
        joints[f"{side} tip"] = Joint(sweep, y=-WING * gain * beat, sy=gain * tip)
    return joints


def _colours(wish: Wish) -> tuple[Material, Material, Material]:
    """Plumage, wings, and the dark ends of the feathers."""
    colour = next(iter(wish.subject_colours), Colour(216, 214, 208))
    ends = colour.times(0.42).mixed(Colour(56, 56, 62), 0.6)
    return Material(colour, "fur", 0.1), Material(colour.times(0.82), "wood", 0.16), Material(ends, "wood", 0.2)


def _head(shop: Workshop, plumage: Material) -> Sprite:
    """The pivot is in the neck."""
    skull = shop.disc((0.1, 0.09), plumage, (0.07, -0.015), 0.3)
    throat = shop.blob([(-0.09, -0.06), (0.05, -0.09), (0.1, 0.04), (-0.03, 0.09), (-0.1, 0.05)], plumage)
    beak = shop.blob([(0.14, -0.045), (0.27, 0.015), (0.26, 0.03), (0.14, 0.02)], BEAK)
    eye = shop.disc((0.014, 0.016), Material(Colour(30, 28, 30)), (0.11, -0.04))
    return flattened([beak, throat, skull, eye])


def _tail(shop: Workshop, wing: Material, ends: Material) -> Sprite:
    """A fan of feathers that hangs behind its pivot."""
    feathers: list[Sprite] = []
    for number in range(5):
        rise = 0.035 * (number - 2)
        outline = [(0.06, 0.35 * rise - 0.03), (-0.22, rise - 0.03), (-0.29, rise), (-0.22, rise + 0.03),
                   (0.06, 0.35 * rise + 0.03)]  # fmt: skip
        feathers.append(shop.blob(outline, wing.darker(0.92 + 0.04 * number)))
        feathers.append(shop.blob([(-0.2, rise - 0.026), (-0.29, rise), (-0.2, rise + 0.026)], ends))
    return flattened(feathers)


def _trunk(shop: Workshop, plumage: Material) -> Sprite:
    return shop.blob(
        [(-0.4, -0.01), (-0.2, -0.08), (0.05, -0.11), (0.26, -0.1), (0.36, -0.05), (0.3, 0.05), (0.05, 0.11),
         (-0.2, 0.07)],
        plumage, 0.3,
    )  # fmt: skip


def _wing_tip(shop: Workshop, wing: Material, ends: Material) -> Sprite:
    """Feathers that spread like fingers from the bend of the wing."""
    feathers: list[Sprite] = []
    for number in range(FEATHERS):
        lean = number / (FEATHERS - 1)  # 0 is the foremost
        root = 0.11 - 0.3 * lean
        end: Point = (0.1 - 0.46 * lean, -0.52 + 0.26 * lean**1.4)
        half = 0.05
        outline = [(root - half, 0.06), (root + half, 0.06), (end[0] + 0.7 * half, 0.55 * end[1]), end,
                   (end[0] - half, 0.6 * end[1])]  # fmt: skip
        feathers.append(shop.blob(outline, wing.darker(1.0 - 0.06 * (number % 2))))
        dark = [(end[0] + 0.5 * half, 0.72 * end[1]), end, (end[0] - 0.75 * half, 0.76 * end[1])]
        feathers.append(shop.blob(dark, ends))
    return flattened(list(reversed(feathers[::2])) + list(reversed(feathers[1::2])))


def _flying_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    plumage, wing, ends = _colours(wish)
    parts: dict[str, list[Part]] = {}
    for side, gain in (("far", 0.75), ("near", 1.0)):
        inner = shop.blob(
            [(-0.24, 0.04), (0.16, 0.04), (0.19, -0.18), (0.16, -0.4), (0.02, -0.44), (-0.19, -0.42), (-0.27, -0.2)],
            wing.darker(gain),
        )
        covert = shop.blob(
            [(-0.1, 0.04), (0.16, 0.04), (0.19, -0.18), (0.16, -0.4), (0.06, -0.3)], plumage.darker(gain)
        )
        parts[side] = [
            Part(f"{side} tip", _wing_tip(shop, wing.darker(gain), ends.darker(gain)), (0.0, 0.0), f"{side} shoulder"),
            Part(f"{side} wing", flattened([inner, covert]), (0.0, 0.0), f"{side} shoulder"),
            Part(f"{side} shoulder", shop.disc((0.15, 0.035), plumage.darker(gain)), (0.02, -0.05), "body"),
        ]
    return (
        *parts["far"],
        Part("tail", _tail(shop, wing, ends), (-0.34, 0.0), "body"),
        Part("body", _trunk(shop, plumage)),
        Part("head", _head(shop, plumage), (0.29, -0.045), "body"),
        *parts["near"],
    )


def _standing_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    plumage, wing, ends = _colours(wish)
    folded = flattened(
        [
            shop.blob([(-0.47, 0.07), (-0.3, 0.0), (-0.24, 0.06), (-0.34, 0.1)], ends),
            shop.blob([(-0.38, 0.05), (-0.1, -0.08), (0.14, -0.08), (0.2, -0.01), (0.06, 0.07), (-0.16, 0.08)], wing),
            shop.blob([(-0.08, -0.07), (0.14, -0.08), (0.2, -0.01), (0.08, 0.04), (-0.06, 0.03)], plumage.darker(0.92)),
        ]
    )
    parts = [Part("shadow", shop.shadow((0.26, 0.035)), grounded=True)]
    for side, x in (("far", 0.05), ("near", -0.03)):
        leg = shop.shape([(-0.012, -LEG - 0.04), (0.012, -LEG - 0.04), (0.01, 0.0), (-0.01, 0.0)], BEAK.darker(0.8))
        toes = shop.blob([(-0.04, 0.01), (0.0, -0.022), (0.085, 0.005), (0.08, 0.016)], BEAK.darker(0.8))
        parts.append(Part(f"{side} leg", flattened([leg, toes]), (x, 0.0)))
    return (
        *parts,
        Part("tail", _tail(shop, wing, ends), (-0.34, 0.0), "body"),
        Part("body", _trunk(shop, plumage)),
        Part("wing", folded, (0.0, -0.01), "body"),
        Part("head", _head(shop, plumage), (0.29, -0.045), "body"),
    )


FLYING_HAUNTS = (
    Haunt("detach", "wings come off", {"near shoulder": Joint(-35, -0.3, 0.42), "far shoulder": Joint(40, 0.42, -0.2)}),
    Haunt(
        "swap",
        "wings sprout from the head",
        {"near shoulder": Joint(-70, 0.42, 0.0, 1, 1.2), "far shoulder": Joint(60, 0.45, 0.0, 1, 1.2)},
    ),
    Haunt(
        "swap",
        "head and tail change places",
        {"head": Joint(165, -0.62, 0.05), "tail": Joint(170, 0.66, -0.04, 1.3, 1.8)},
    ),
    Haunt(
        "extra",
        "a second pair of wings",
        extras={"near shoulder": Joint(125, -0.2, 0.05, 1, 1.3), "far shoulder": Joint(60, -0.24, 0.02, 1, 1.3)},
    ),
)
STANDING_HAUNTS = (
    Haunt("detach", "the head comes off", {"head": Joint(-40, 0.24, -0.3, 1.3, 1.3)}),
    Haunt(
        "swap",
        "head and tail change places",
        {"head": Joint(150, -0.62, 0.05, 1.2, 1.2), "tail": Joint(160, 0.66, -0.04, 1.4, 1.8)},
    ),
    Haunt(
        "extra",
        "two more heads",
        extras={"head": Joint(70, -0.08, -0.06, 1.5, 1.5), "tail": Joint(-75, 0.3, -0.05, 1.6, 1.8)},
    ),
)
