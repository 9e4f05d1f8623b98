"""Animals, side view, facing +x. Units: a dog long, a bird long; the ground is y = 0."""

from __future__ import annotations

import math

import numpy as np

from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Cycle, Figure, Haunt, Joint, Part, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Sprite, Workshop, flattened
from bench.backends.procedural.textures import Colour, Material

DOG_LENGTH = 0.72  # picture heights
UPPER, LOWER, PAW = 0.19, 0.17, 0.035
LEGS = (
    ("near fore", 0.25, 0.0),
    ("far fore", 0.29, 0.5),
    ("near hind", -0.27, 0.5),
    ("far hind", -0.23, 0.0),
)  # a trot
TROT_UPPER = Cycle((24, 17, 8, -2, -12, -20, -16, 2, 18, 26))
TROT_LOWER = Cycle((6, 8, 8, 6, 8, 20, 44, 48, 30, 12))
TROT_CADENCE = {"trot": 1.35, "walk": 0.9, "run": 1.7}  # cycles a second

BIRD_LENGTH = 0.58
FLAPS_A_SECOND = 0.75
WING = 0.38  # of the inner wing, to where its tip joins
BIRD_SPEED = 0.5  # picture heights a second


def _height(phase: float) -> float:
    """How far one leg reaches down from its shoulder."""
    upper = math.radians(TROT_UPPER(phase))
    lower = upper - math.radians(TROT_LOWER(phase))
    return UPPER * math.cos(upper) + LOWER * math.cos(lower) + PAW


def _reach(phase: float) -> float:
    upper = math.radians(TROT_UPPER(phase))
    return UPPER * math.sin(upper) + LOWER * math.sin(upper - math.radians(TROT_LOWER(phase)))


def _trot() -> tuple[Cycle, float]:
    """(shoulder height over a cycle, stride): the lower of two legs carries, smoothly."""
    samples = 24
    down = [p if _height(p) >= _height(p + 0.5) else p + 0.5 for p in (i / samples for i in range(samples))]
    spectrum = np.fft.rfft([_height(phase) for phase in down])
    spectrum[5:] = 0
    stride = sum(_reach(phase) - _reach(phase + 1 / samples) for phase in down)
    return Cycle(tuple(float(h) for h in np.fft.irfft(spectrum, samples))), stride


def dog(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A dog that trots beside the camera."""
    size = DOG_LENGTH * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    height, stride = _trot()
    cadence = TROT_CADENCE[wish.action]
    speed = slot.faces * stride * cadence * size

    def pose(time: float) -> Pose:
        phase = time * cadence + slot.phase
        wave = math.sin(4 * math.pi * phase)
        joints = {
            "body": Joint(1.2 * wave, y=-height(phase)),
            "neck": Joint(3 * math.sin(4 * math.pi * phase + 0.8)),
            "tail": Joint(12 * math.sin(2 * math.pi * phase * 1.5)),
        }
        for leg, _, offset in LEGS:
            joints[f"{leg} upper"] = Joint(TROT_UPPER(phase + offset))
            joints[f"{leg} lower"] = Joint(-TROT_LOWER(phase + offset))
        return joints

    return Figure(
        name="dog", parts=_dog_parts(wish, shop), pose=pose, place=lambda time: Spot(slot.x + speed * time), size=size,
        unit=shop.unit, depth=slot.depth, faces=slot.faces, speed=speed, haunts=DOG_HAUNTS,
    )  # fmt: skip


def _dog_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(150, 104, 62))
    fur, shade = Material(colour, "fur", 0.2), Material(colour.times(0.7), "fur", 0.2)
    parts = [Part("shadow", shop.shadow((0.36, 0.04)), grounded=True)]
    legs = {leg: _dog_leg(leg, x, shop, shade if leg.startswith("far") else fur) for leg, x, _ in LEGS}
    parts += legs["far fore"] + legs["far hind"]
    tail = shop.blob([(0.02, 0.03), (0.03, -0.03), (-0.1, -0.13), (-0.2, -0.26), (-0.225, -0.25), (-0.16, -0.08)], fur)
    parts.append(Part("tail", tail, (-0.35, -0.06), "body"))
    trunk = shop.blob(
        [(-0.37, -0.06), (-0.3, -0.15), (-0.1, -0.13), (0.12, -0.14), (0.28, -0.17), (0.38, -0.06), (0.33, 0.1),
         (0.15, 0.12), (-0.1, 0.05), (-0.3, 0.09)],
        fur, 0.3,
    )  # fmt: skip
    parts.append(Part("body", trunk))
    parts += legs["near fore"] + legs["near hind"]
    parts.append(Part("neck", _dog_head(shop, fur, shade), (0.3, -0.1), "body"))
    return tuple(parts)


def _dog_head(shop: Workshop, fur: Material, shade: Material) -> Sprite:
    neck = shop.blob([(-0.1, -0.02), (0.0, -0.14), (0.1, -0.24), (0.19, -0.17), (0.12, -0.02), (0.06, 0.1)], fur)
    head = shop.blob(
        [(0.04, -0.22), (0.06, -0.31), (0.14, -0.335), (0.22, -0.29), (0.34, -0.25), (0.36, -0.2), (0.3, -0.165),
         (0.18, -0.15), (0.08, -0.15)],
        fur,
    )  # fmt: skip
    ear = shop.blob([(0.05, -0.31), (0.12, -0.3), (0.12, -0.2), (0.06, -0.14), (0.01, -0.2)], shade)
    nose = shop.disc((0.022, 0.02), Material(Colour(40, 34, 34)), (0.352, -0.232))
    eye = shop.disc((0.012, 0.014), Material(Colour(36, 28, 26)), (0.2, -0.262))
    return flattened([neck, head, nose, eye, ear])


def _dog_leg(name: str, x: float, shop: Workshop, fur: Material) -> list[Part]:
    paw = shop.blob(
        [(-0.03, LOWER - 0.02), (0.03, LOWER - 0.02), (0.065, LOWER + 0.02), (0.06, LOWER + PAW), (-0.03, LOWER + PAW)],
        fur,
    )
    lower = flattened([shop.limb(LOWER, 0.07, 0.052, fur), paw])
    top = 0.15 if "hind" in name else 0.12
    return [
        Part(f"{name} lower", lower, (0.0, UPPER), f"{name} upper"),
        Part(f"{name} upper", shop.limb(UPPER, top, 0.075, fur), (x, 0.0), "body"),
    ]


DOG_HAUNTS = (
    Haunt("legs bend the wrong way", {f"{leg} lower": Joint(115, sy=1.1) for leg, _, _ in LEGS}),
    Haunt("forelegs come off", {"near fore upper": Joint(60, 0.2, 0.02), "far fore upper": Joint(-65, 0.02, -0.33)}),
    Haunt("legs grow from the back", {f"{leg} upper": Joint(175, 0.0, -0.08) for leg, _, _ in LEGS}),
)


def bird(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A bird that flies beside the camera, flapping."""
    size = BIRD_LENGTH * lens.figure_scale * slot.scale
    shop = slot.workshop(size, lens, rng)
    speed = slot.faces * BIRD_SPEED

    def pose(time: float) -> Pose:
        phase = 2 * math.pi * (FLAPS_A_SECOND * time + slot.phase)
        beat, tip = 0.2 + 0.72 * math.sin(phase), 0.18 + 0.85 * math.sin(phase - 0.4)
        joints = {"body": Joint(3 + 2 * math.sin(phase + 1.6)), "tail": Joint(4 * math.sin(phase + 2))}
        for side, gain in (("near", 1.0), ("far", 0.85)):
            joints[f"{side} wing"] = Joint(sy=gain * beat)
            joints[f"{side} tip"] = Joint(7 * math.cos(phase), y=-WING * gain * beat, sy=gain * tip)
        return joints

    def place(time: float) -> Spot:
        bob = 0.025 * math.sin(2 * math.pi * (FLAPS_A_SECOND * time + slot.phase) + 2.6)
        flock = 0.34 * (1 - slot.scale) * math.cos(5.3 * slot.phase)  # several fly at several heights
        return Spot(slot.x + speed * time, lens.eye - 0.01 + bob + flock + 0.03 * math.sin(0.9 * time + slot.phase))

    return Figure(
        name="bird", parts=_bird_parts(wish, shop), pose=pose, place=place, size=size, unit=shop.unit, depth=slot.depth,
        faces=slot.faces, speed=speed, haunts=BIRD_HAUNTS,
    )  # fmt: skip


def _bird_parts(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(216, 214, 208))
    plumage, wing = Material(colour, "fur", 0.1), Material(colour.times(0.8), "wood", 0.2)
    dark = Material(Colour(62, 62, 68), "wood", 0.2)
    body = shop.blob(
        [
            (-0.4, -0.01),
            (-0.2, -0.08),
            (0.05, -0.11),
            (0.26, -0.1),
            (0.36, -0.05),
            (0.3, 0.05),
            (0.05, 0.11),
            (-0.2, 0.07),
        ],
        plumage,
        0.3,
    )
    head = shop.disc((0.1, 0.09), plumage, (0.36, -0.06), 0.3)
    beak = shop.blob([(0.43, -0.085), (0.56, -0.03), (0.55, -0.015), (0.43, -0.03)], Material(Colour(226, 160, 60)))
    eye = shop.disc((0.014, 0.016), Material(Colour(30, 28, 30)), (0.4, -0.085))
    tail = shop.shape([(0.06, -0.04), (-0.26, -0.07), (-0.28, 0.06), (0.06, 0.04)], wing)
    parts = []
    for side, gain in (("far", 0.75), ("near", 1.0)):
        inner = shop.blob(
            [(-0.24, 0.04), (0.16, 0.04), (0.17, -0.2), (0.12, -0.42), (-0.17, -0.42), (-0.26, -0.2)], wing.darker(gain)
        )
        outer = shop.blob([(-0.18, 0.06), (0.12, 0.06), (0.13, -0.12), (-0.1, -0.5), (-0.24, -0.3)], wing.darker(gain))
        ends = shop.blob([(0.06, -0.24), (-0.1, -0.5), (-0.24, -0.3), (-0.1, -0.22)], dark.darker(gain))
        wings = [
            Part(f"{side} tip", flattened([outer, ends]), (0.0, 0.0), f"{side} shoulder"),
            Part(f"{side} wing", inner, (0.0, 0.0), f"{side} shoulder"),
            Part(f"{side} shoulder", shop.disc((0.15, 0.035), plumage.darker(gain)), (0.02, -0.05), "body"),
        ]
        if side == "far":
            parts += [
                *wings,
                Part("tail", tail, (-0.34, 0.0), "body"),
                Part("body", flattened([body, beak, head, eye])),
            ]
        else:
            parts += wings
    return tuple(parts)


BIRD_HAUNTS = (
    Haunt("wings come off", {"near shoulder": Joint(-35, -0.3, 0.42), "far shoulder": Joint(40, 0.42, -0.2)}),
    Haunt(
        "wings sprout from the head",
        {"near shoulder": Joint(-70, 0.42, 0.0, 1, 1.2), "far shoulder": Joint(60, 0.45, 0.0, 1, 1.2)},
    ),
)
