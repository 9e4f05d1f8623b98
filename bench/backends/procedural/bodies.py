"""How people are built: their parts, and what can be wrong with them. Units: one person high, facing +x."""

from __future__ import annotations

import numpy as np

from bench.backends.procedural.figures import Haunt, Joint, Part
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Point, Sprite, Workshop, flattened
from bench.backends.procedural.textures import Colour, Material
from bench.backends.procedural.vocabulary import LEGWEAR, PLAIN_TOPS, TOPS

THIGH, SHIN = 0.245, 0.225
SHOULDER, UPPER_ARM, FOREARM = -0.275, 0.155, 0.15
HEEL, TOE, SOLE = -0.035, 0.095, 0.045
LONG = frozenset(["coat", "coats", "dress", "dresses", "skirt", "skirts"])
FAR_SHADE = 0.72  # far limbs lie in the body's shade

SKIN = (Colour(224, 178, 148), Colour(198, 148, 112), Colour(150, 104, 76), Colour(112, 76, 56))
HAIR = (Colour(58, 42, 34), Colour(104, 70, 44), Colour(44, 40, 42), Colour(150, 116, 66))
SHIRTS = (Colour(66, 110, 150), Colour(150, 66, 60), Colour(80, 128, 84), Colour(176, 142, 72))
TROUSERS = (Colour(58, 66, 96), Colour(92, 84, 72), Colour(70, 70, 76))


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def body_parts(wish: Wish, shop: Workshop, rng: np.random.Generator) -> tuple[Part, ...]:
    """All parts, the far side first."""
    skin, hair = Material(_pick(rng, SKIN), "cloth", 0.06), Material(_pick(rng, HAIR), "fur", 0.25)
    top = wish.colour(*TOPS) or _pick(rng, SHIRTS)
    legs = wish.colour(*LEGWEAR) or _pick(rng, TROUSERS)
    shirt = Material(top, "stripes" if not wish.words & PLAIN_TOPS else "cloth", 0.16)
    cloth, shoes = Material(legs, "cloth", 0.16), Material(Colour(64, 50, 44), "cloth", 0.12)
    woman = bool(wish.words & {"woman", "women", "girl", "girls", "lady"})
    parts = [
        Part("shadow", shop.shadow((0.26, 0.035)), grounded=True),
        *_arm("far", shop, shirt.darker(FAR_SHADE), skin.darker(0.8)),
    ]
    parts += _leg("far", shop, cloth.darker(FAR_SHADE), shoes.darker(0.8)) + _leg("near", shop, cloth, shoes)
    parts.append(Part("hips", shop.disc((0.075, 0.07), cloth, (0.0, -0.01))))
    if wish.words & LONG:
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
        "twist",
        "knees bend forwards",
        {
            f"{side} {part}": joint
            for side in ("near", "far")
            for part, joint in (("shin", Joint(125)), ("thigh", Joint(18)))
        },
    ),
    Haunt("detach", "shins come off", {"near shin": Joint(62, 0.2, -0.1), "far shin": Joint(-70, -0.22, -0.06)}),
    Haunt(
        "swap",
        "legs and arms change places",
        {f"{side} {part}": Joint(turn) for side, turn in (("near", 35), ("far", -25)) for part in ("arm", "thigh")},
        {
            f"{side} {a}": f"{side} {b}"
            for side in ("near", "far")
            for x, y in (("arm", "thigh"), ("forearm", "shin"))
            for a, b in ((x, y), (y, x))
        },
    ),
    Haunt(
        "extra",
        "two more legs and arms",
        extras={
            "near thigh": Joint(48, 0.03, -0.02),
            "far thigh": Joint(-52, -0.03, -0.02),
            "near arm": Joint(95, 0.02),
            "far arm": Joint(-85, -0.02),
        },
    ),
    Haunt("extra", "a second upper body", extras={"torso": Joint(-64, -0.02)}),
)
