"""Walking and running people, side view. Units: one person high, feet at y = 0, facing +x."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Cycle, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Point, Sprite, Workshop, flattened
from bench.backends.procedural.textures import Colour, Material

HEIGHT = 0.68  # picture heights
HIP, THIGH, SHIN = 0.515, 0.245, 0.225
SHOULDER, UPPER_ARM, FOREARM = -0.275, 0.155, 0.15
HEEL, TOE, SOLE = -0.035, 0.095, 0.045
FAR_SHADE = 0.72  # far limbs lie in the body's shade

SKIN = (Colour(224, 178, 148), Colour(198, 148, 112), Colour(150, 104, 76), Colour(112, 76, 56))
HAIR = (Colour(58, 42, 34), Colour(104, 70, 44), Colour(44, 40, 42), Colour(150, 116, 66))
SHIRTS = (Colour(66, 110, 150), Colour(150, 66, 60), Colour(80, 128, 84), Colour(176, 142, 72))
TROUSERS = (Colour(58, 66, 96), Colour(92, 84, 72), Colour(70, 70, 76))


@dataclass(frozen=True)
class Gait:
    """Joint angles in degrees over one cycle from heel strike, evenly spaced, after the usual clinical curves.

    hip: thigh forward of upright; knee: flexion; ankle: toes up. `cadence` is cycles a second.
    """

    hip: Cycle
    knee: Cycle
    ankle: Cycle
    cadence: float
    elbow: float
    lean: float


GAITS: dict[str, Gait] = {
    "walk": Gait(
        Cycle((27, 25, 17, 7, -3, -11, -10, 6, 22, 28)),
        Cycle((5, 14, 17, 12, 8, 14, 38, 58, 54, 24)),
        Cycle((1, -4, 2, 6, 9, 6, -14, -9, 0, 3)),
        0.85, 18.0, -2.0,
    ),
    "run": Gait(
        Cycle((38, 30, 17, 2, -14, -20, -6, 20, 42, 46)),
        Cycle((22, 38, 34, 22, 20, 48, 88, 100, 78, 36)),
        Cycle((4, 8, 12, 6, -10, -20, -12, -4, 0, 2)),
        1.35, 78.0, -9.0,
    ),
}  # fmt: skip
RUNNING = frozenset({"run", "jog", "sprint"})


def ankle_at(gait: Gait, phase: float) -> tuple[float, float, float]:
    """(x, y, tilt in degrees) of one foot below the hip."""
    hip = gait.hip(phase)
    shin = hip - gait.knee(phase)
    x = THIGH * math.sin(math.radians(hip)) + SHIN * math.sin(math.radians(shin))
    y = THIGH * math.cos(math.radians(hip)) + SHIN * math.cos(math.radians(shin))
    return x, y, shin + gait.ankle(phase)


def lowest(gait: Gait, phase: float) -> float:
    """How far below the hip the lower corner of a foot reaches."""
    _, y, tilt = ankle_at(gait, phase)
    angle = math.radians(tilt)
    return y + max(SOLE * math.cos(angle) - corner * math.sin(angle) for corner in (HEEL, TOE))


def hip_height(gait: Gait, samples: int = 24, terms: int = 3) -> Cycle:
    """Height of the hip over a cycle such that the lower foot meets the ground; only its smooth part."""
    heights = [max(lowest(gait, i / samples), lowest(gait, i / samples + 0.5)) for i in range(samples)]
    spectrum = np.fft.rfft(heights)
    spectrum[2 * terms + 1 :] = 0
    return Cycle(tuple(float(h) for h in np.fft.irfft(spectrum, samples)))


def stride(gait: Gait, samples: int = 48) -> float:
    """How far one cycle carries the body, in body heights: what the foot on the ground is pushed back."""
    total = 0.0
    for i in range(samples):
        phase, after = i / samples, (i + 1) / samples
        down = phase if lowest(gait, phase) >= lowest(gait, phase + 0.5) else phase + 0.5
        total += ankle_at(gait, down)[0] - ankle_at(gait, down + after - phase)[0]
    return total


def person(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A man, woman or child who walks or runs on the spot while the camera follows."""
    size = HEIGHT * lens.figure_scale * slot.scale * (0.8 if wish.words & {"boy", "girl", "child"} else 1.0)
    shop = slot.workshop(size, lens, rng)
    gait = GAITS["run" if wish.action in RUNNING else "walk"]
    height = hip_height(gait)
    speed = slot.faces * stride(gait) * gait.cadence * size

    def pose(time: float) -> Pose:
        near = time * gait.cadence + slot.phase
        joints = {"hips": Joint(y=-height(near)), "torso": Joint(gait.lean + 1.2 * math.sin(4 * math.pi * near))}
        for side, phase in (("near", near), ("far", near + 0.5)):
            swing = 0.8 * (gait.hip(phase + 0.5) - 8)
            joints[f"{side} thigh"] = Joint(gait.hip(phase))
            joints[f"{side} shin"] = Joint(-gait.knee(phase))
            joints[f"{side} foot"] = Joint(gait.ankle(phase))
            joints[f"{side} arm"] = Joint(swing)
            joints[f"{side} forearm"] = Joint(gait.elbow + max(0.0, 0.5 * swing))
        joints["head"] = Joint(-gait.lean - 0.8 * math.sin(4 * math.pi * near + 0.6))
        joints["skirt"] = Joint(0.25 * (gait.hip(near) + gait.hip(near + 0.5) - 16) + 2 * math.sin(4 * math.pi * near))
        return joints

    return Figure(
        name="person", parts=_body(wish, shop, rng), pose=pose, place=lambda time: Spot(slot.x + speed * time),
        size=size, unit=shop.unit, depth=slot.depth, faces=slot.faces, speed=speed, haunts=HAUNTS,
    )  # fmt: skip


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _body(wish: Wish, shop: Workshop, rng: np.random.Generator) -> tuple[Part, ...]:
    """All parts, the far side first."""
    skin, hair = Material(_pick(rng, SKIN), "cloth", 0.06), Material(_pick(rng, HAIR), "fur", 0.25)
    top = wish.colour("shirt", "jacket", "sweater", "coat", "dress") or _pick(rng, SHIRTS)
    legs = wish.colour("trousers", "jeans", "pants") or _pick(rng, TROUSERS)
    shirt = Material(top, "stripes" if not wish.words & {"coat", "jacket", "dress"} else "cloth", 0.16)
    cloth, shoes = Material(legs, "cloth", 0.16), Material(Colour(64, 50, 44), "cloth", 0.12)
    woman = bool(wish.words & {"woman", "women", "girl", "lady"})
    parts = [
        Part("shadow", shop.shadow((0.26, 0.035)), grounded=True),
        *_arm("far", shop, shirt.darker(FAR_SHADE), skin.darker(0.8)),
    ]
    parts += _leg("far", shop, cloth.darker(FAR_SHADE), shoes.darker(0.8)) + _leg("near", shop, cloth, shoes)
    parts.append(Part("hips", shop.disc((0.075, 0.07), cloth, (0.0, -0.01))))
    if wish.words & {"coat", "dress", "skirt"}:
        hem = shop.blob(
            [(-0.085, -0.1), (0.085, -0.1), (0.115, 0.08), (0.135, 0.2), (0.0, 0.225), (-0.13, 0.2), (-0.11, 0.06)],
            shirt,
        )
        parts.append(Part("skirt", hem, (0.0, 0.0), "hips"))
    torso = shop.blob(
        [
            (-0.075, 0.03),
            (-0.09, -0.12),
            (-0.095, -0.25),
            (-0.04, -0.325),
            (0.05, -0.32),
            (0.1, -0.23),
            (0.088, -0.1),
            (0.078, 0.03),
        ],
        shirt,
    )
    parts.append(Part("torso", torso, (0.0, -0.01), "hips"))
    parts.append(Part("head", _head(shop, skin, hair, woman), (0.012, -0.33), "torso"))
    return (*parts, *_arm("near", shop, shirt.darker(0.9), skin))


def _head(shop: Workshop, skin: Material, hair: Material, woman: bool) -> Sprite:
    """Neck, face in profile, hair, ear; the pivot is the foot of the neck."""
    neck = shop.shape([(-0.036, 0.025), (-0.03, -0.06), (0.03, -0.06), (0.036, 0.025)], skin.darker(0.88))
    face = shop.blob(
        [
            (-0.05, -0.1),
            (-0.04, -0.155),
            (0.0, -0.175),
            (0.045, -0.155),
            (0.056, -0.11),
            (0.075, -0.088),
            (0.055, -0.072),
            (0.05, -0.04),
            (0.015, -0.025),
            (-0.03, -0.05),
        ],
        skin,
    )
    crown: list[Point] = [
        (-0.07, -0.09),
        (-0.062, -0.165),
        (-0.01, -0.2),
        (0.048, -0.178),
        (0.055, -0.145),
        (0.0, -0.14),
        (-0.02, -0.1),
        (-0.045, -0.06),
    ]
    tail: list[Point] = [
        (-0.06, -0.15),
        (-0.02, -0.12),
        (-0.025, -0.05),
        (-0.05, 0.06),
        (-0.105, 0.07),
        (-0.095, -0.05),
    ]
    eye = shop.disc((0.008, 0.011), Material(Colour(40, 34, 34)), (0.04, -0.112))
    ear = shop.disc((0.012, 0.018), skin.darker(0.85), (-0.01, -0.095))
    return flattened([neck, face, eye, shop.blob(crown, hair), *([shop.blob(tail, hair)] if woman else []), ear])


def _leg(side: str, shop: Workshop, cloth: Material, shoes: Material) -> list[Part]:
    foot = shop.blob([(HEEL, -0.01), (0.0, -0.03), (0.035, -0.015), (TOE, 0.02), (TOE, SOLE), (HEEL, SOLE)], shoes)
    return [
        Part(f"{side} foot", foot, (0.0, SHIN), f"{side} shin"),
        Part(f"{side} shin", shop.limb(SHIN, 0.092, 0.062, cloth), (0.0, THIGH), f"{side} thigh"),
        Part(f"{side} thigh", shop.limb(THIGH, 0.125, 0.094, cloth), (0.0, 0.0), "hips"),
    ]


def _arm(side: str, shop: Workshop, shirt: Material, skin: Material) -> list[Part]:
    hand = shop.disc((0.024, 0.036), skin, (0.004, FOREARM + 0.022))
    forearm = flattened([hand, shop.limb(FOREARM, 0.062, 0.046, shirt)])
    return [
        Part(f"{side} forearm", forearm, (0.0, UPPER_ARM), f"{side} arm"),
        Part(f"{side} arm", shop.limb(UPPER_ARM, 0.078, 0.062, shirt), (0.0, SHOULDER), "torso"),
    ]


HAUNTS = (
    Haunt(
        "knees bend forwards",
        {
            f"{side} {part}": joint
            for side in ("near", "far")
            for part, joint in (("shin", Joint(125)), ("thigh", Joint(18)))
        },
    ),
    Haunt("shins come off", {"near shin": Joint(62, 0.2, -0.1), "far shin": Joint(-70, -0.22, -0.06)}),
    Haunt(
        "legs and arms change places",
        {f"{side} {part}": Joint(turn) for side, turn in (("near", 35), ("far", -25)) for part in ("arm", "thigh")},
        {
            f"{side} {a}": f"{side} {b}"
            for side in ("near", "far")
            for x, y in (("arm", "thigh"), ("forearm", "shin"))
            for a, b in ((x, y), (y, x))
        },
    ),
)
