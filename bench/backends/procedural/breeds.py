"""Dogs, cats, horses and cows: how each is built. Units as in `quadrupeds`."""

from __future__ import annotations

from bench.backends.procedural.figures import Part
from bench.backends.procedural.quadrupeds import LEGS, Breed, Legs, quadruped
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.sprites import Point, Sprite, Workshop, flattened
from bench.backends.procedural.textures import BLACK, WHITE, Colour, Material

FAR_SHADE = 0.7
DARK = Material(Colour(38, 32, 32), "cloth", 0.08)
PINK = Material(Colour(214, 156, 146), "cloth", 0.08)
HOOF = Material(Colour(58, 50, 46), "cloth", 0.1)
HORN = Material(Colour(222, 208, 176), "cloth", 0.08)


def _coat(
    wish: Wish, usual: Colour, pattern: str, contrast: float, second: Colour | None = None
) -> tuple[Material, Material]:
    """(coat, the same in shade), of the colour that is asked for."""
    coat = Material(next(iter(wish.subject_colours), usual), pattern, contrast, second)
    return coat, coat.darker(FAR_SHADE)


def _leg(
    name: str, legs: Legs, shop: Workshop, coat: Material, widths: tuple[float, float, float], foot: Sprite
) -> list[Part]:
    """Lower leg with its foot, and upper leg; `widths` at its top, its knee, its ankle."""
    top, knee, ankle = widths
    lower = flattened([shop.limb(legs.lower, knee, ankle, coat), foot])
    return [
        Part(f"{name} lower", lower, (0.0, legs.upper), f"{name} upper"),
        Part(f"{name} upper", shop.limb(legs.upper, top, knee * 1.08, coat), (legs.place(name), 0.0), "body"),
    ]


def _paw(legs: Legs, shop: Workshop, coat: Material) -> Sprite:
    low, foot = legs.lower, legs.lower + legs.paw
    outline = [(-0.03, low - 0.02), (0.03, low - 0.02), (0.062, low + 0.6 * legs.paw), (0.06, foot), (-0.03, foot)]
    return shop.blob(outline, coat)


def _hoof(legs: Legs, shop: Workshop, width: float) -> Sprite:
    low, foot = legs.lower, legs.lower + legs.paw
    return shop.shape([(-width, low), (width, low), (1.5 * width, foot), (-1.1 * width, foot)], HOOF)


def _assembled(
    legs: dict[str, list[Part]], tail: list[Part], body: Part, neck: list[Part], shadow: Sprite
) -> tuple[Part, ...]:
    """All parts, the far side first."""
    far, near = legs["far fore"] + legs["far hind"], legs["near fore"] + legs["near hind"]
    return (Part("shadow", shadow, grounded=True), *far, *tail, body, *near, *neck)


# ---- dog -----------------------------------------------------------------------------------------------------------

DOG_LEGS = Legs(0.19, 0.17, 0.035, 0.25, -0.27)


def _dog(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    fur, shade = _coat(wish, Colour(150, 104, 62), "fur", 0.16)
    legs = {}
    for leg in LEGS:
        coat = shade if "far" in leg else fur
        legs[leg] = _leg(
            leg, DOG_LEGS, shop, coat, (0.15 if "hind" in leg else 0.12, 0.07, 0.052), _paw(DOG_LEGS, shop, coat)
        )
    tail = shop.blob([(0.02, 0.03), (0.03, -0.03), (-0.1, -0.13), (-0.2, -0.26), (-0.225, -0.25), (-0.16, -0.08)], fur)
    trunk = shop.blob(
        [(-0.37, -0.06), (-0.3, -0.15), (-0.1, -0.13), (0.12, -0.14), (0.28, -0.17), (0.38, -0.06), (0.33, 0.1),
         (0.15, 0.12), (-0.1, 0.05), (-0.3, 0.09)],
        fur, 0.3,
    )  # fmt: skip
    neck = shop.blob([(-0.1, -0.02), (0.0, -0.14), (0.1, -0.24), (0.19, -0.17), (0.12, -0.02), (0.06, 0.1)], fur)
    skull = shop.blob(
        [(-0.06, 0.0), (-0.04, -0.09), (0.04, -0.115), (0.12, -0.07), (0.24, -0.03), (0.26, 0.02), (0.2, 0.055),
         (0.08, 0.07), (-0.02, 0.07)],
        fur,
    )  # fmt: skip
    ear = shop.blob([(-0.05, -0.09), (0.02, -0.08), (0.02, 0.02), (-0.04, 0.08), (-0.09, 0.02)], shade)
    face = [shop.disc((0.022, 0.02), DARK, (0.252, -0.012)), shop.disc((0.012, 0.014), DARK, (0.1, -0.042))]
    return _assembled(
        legs,
        [Part("tail", tail, (-0.35, -0.06), "body")],
        Part("body", trunk),
        [
            Part("neck", neck, (0.3, -0.1), "body"),
            Part("head", flattened([skull, *face, ear]), (0.1, -0.22), "neck"),
        ],
        shop.shadow((0.36, 0.04)),
    )


# ---- cat -----------------------------------------------------------------------------------------------------------

CAT_LEGS = Legs(0.135, 0.125, 0.028, 0.22, -0.25, 0.035)


def _cat(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    usual = Colour(206, 142, 78)
    colour = next(iter(wish.subject_colours), usual)
    fur, shade = _coat(wish, usual, "tabby", 0.2, colour.times(0.62))
    plain = Material(colour, "fur", 0.16)
    legs = {}
    for leg in LEGS:
        coat = shade if "far" in leg else fur
        top = 0.13 if "hind" in leg else 0.095
        legs[leg] = _leg(leg, CAT_LEGS, shop, coat, (top, 0.058, 0.044), _paw(CAT_LEGS, shop, coat))
    tail = shop.blob(
        [(0.02, 0.03), (0.03, -0.02), (-0.1, -0.06), (-0.2, -0.2), (-0.19, -0.36), (-0.12, -0.45), (-0.09, -0.42),
         (-0.145, -0.34), (-0.15, -0.2), (-0.08, -0.01)],
        fur,
    )  # fmt: skip
    trunk = shop.blob(
        [(-0.34, -0.05), (-0.27, -0.13), (-0.08, -0.115), (0.12, -0.1), (0.26, -0.13), (0.34, -0.05), (0.29, 0.07),
         (0.1, 0.09), (-0.12, 0.07), (-0.28, 0.07)],
        fur, 0.3,
    )  # fmt: skip
    neck = shop.blob([(-0.09, 0.0), (0.0, -0.1), (0.09, -0.14), (0.15, -0.05), (0.1, 0.05), (0.02, 0.09)], fur)
    return _assembled(
        legs,
        [Part("tail", tail, (-0.33, -0.05), "body")],
        Part("body", trunk),
        [Part("neck", neck, (0.25, -0.05), "body"), Part("head", _cat_head(shop, plain, shade), (0.09, -0.12), "neck")],
        shop.shadow((0.34, 0.035)),
    )


def _cat_head(shop: Workshop, fur: Material, shade: Material) -> Sprite:
    """Round, with pointed ears and whiskers."""
    skull = shop.blob(
        [(-0.1, -0.02), (-0.075, -0.12), (0.03, -0.145), (0.115, -0.105), (0.15, -0.03), (0.13, 0.035), (0.05, 0.075),
         (-0.06, 0.06)],
        fur, 0.3,
    )  # fmt: skip
    ears = [
        shop.shape([(-0.085, -0.09), (-0.075, -0.23), (0.005, -0.13)], fur),
        shop.shape([(0.02, -0.135), (0.075, -0.235), (0.1, -0.1)], fur),
        shop.shape([(-0.065, -0.11), (-0.065, -0.185), (-0.02, -0.13)], PINK),
    ]
    muzzle = shop.disc((0.045, 0.032), Material(fur.colour.mixed(WHITE, 0.55)), (0.115, 0.012))
    eye = [shop.disc((0.024, 0.024), Material(Colour(150, 176, 76)), (0.065, -0.05))]
    eye += [shop.disc((0.008, 0.022), DARK, (0.069, -0.05)), shop.disc((0.014, 0.011), PINK, (0.15, -0.008))]
    board = flattened([*ears, skull, muzzle, *eye])
    bands: list[list[Point]] = [[(-0.02, -0.14), (-0.03, -0.09)], [(0.02, -0.145), (0.015, -0.1)]]
    whiskers: list[list[Point]] = [[(0.12, 0.01), (0.03, 0.0)], [(0.12, 0.02), (0.035, 0.035)]]
    return shop.lines(shop.lines(board, bands, 0.016, shade.colour), whiskers, 0.006, WHITE)


# ---- horse ---------------------------------------------------------------------------------------------------------

HORSE_LEGS = Legs(0.27, 0.25, 0.045, 0.27, -0.29)


def _horse(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    hide, shade = _coat(wish, Colour(126, 78, 46), "cloth", 0.09)
    hair = Material(hide.colour.mixed(BLACK, 0.7), "wood", 0.25)
    legs = {}
    for leg in LEGS:
        coat = shade if "far" in leg else hide
        widths = (0.2 if "hind" in leg else 0.14, 0.068, 0.046)
        legs[leg] = _leg(leg, HORSE_LEGS, shop, coat, widths, _hoof(HORSE_LEGS, shop, 0.028))
    tail = shop.blob(
        [(0.03, -0.02), (-0.05, -0.03), (-0.12, 0.06), (-0.13, 0.26), (-0.1, 0.42), (-0.06, 0.44), (-0.03, 0.24),
         (-0.01, 0.07)],
        hair,
    )  # fmt: skip
    trunk = shop.blob(
        [(-0.41, -0.06), (-0.34, -0.17), (-0.18, -0.16), (0.0, -0.12), (0.16, -0.15), (0.3, -0.18), (0.41, -0.06),
         (0.36, 0.09), (0.16, 0.15), (-0.06, 0.15), (-0.24, 0.08), (-0.38, 0.06)],
        hide, 0.3,
    )  # fmt: skip
    neck = shop.blob(
        [(-0.14, -0.04), (-0.02, -0.16), (0.08, -0.32), (0.16, -0.4), (0.27, -0.36), (0.24, -0.22), (0.16, -0.05),
         (0.08, 0.09), (-0.06, 0.1)],
        hide, 0.26,
    )  # fmt: skip
    mane = shop.blob(
        [(-0.12, -0.06), (-0.05, -0.2), (0.03, -0.33), (0.11, -0.44), (0.18, -0.42), (0.13, -0.32), (0.06, -0.18),
         (-0.01, -0.05)],
        hair,
    )  # fmt: skip
    skull = shop.blob(
        [(-0.07, -0.05), (0.0, -0.1), (0.1, -0.07), (0.2, 0.03), (0.3, 0.12), (0.31, 0.17), (0.25, 0.2), (0.17, 0.16),
         (0.06, 0.11), (-0.04, 0.08)],
        hide,
    )  # fmt: skip
    ear = shop.blob([(-0.03, -0.08), (-0.02, -0.19), (0.04, -0.09)], hide)
    fringe = shop.blob([(-0.05, -0.09), (0.03, -0.12), (0.09, -0.03), (0.06, 0.0), (0.0, -0.05)], hair)
    face = [shop.disc((0.016, 0.018), DARK, (0.095, -0.005)), shop.disc((0.014, 0.011), DARK, (0.275, 0.135))]
    return _assembled(
        legs,
        [Part("tail", tail, (-0.38, -0.09), "body")],
        Part("body", trunk),
        [
            Part("neck", flattened([neck, mane]), (0.3, -0.08), "body"),
            Part("head", flattened([ear, skull, *face, fringe]), (0.19, -0.35), "neck"),
        ],
        shop.shadow((0.42, 0.04)),
    )


# ---- cow -----------------------------------------------------------------------------------------------------------

COW_LEGS = Legs(0.2, 0.18, 0.04, 0.27, -0.3)


def _cow(wish: Wish, shop: Workshop) -> tuple[Part, ...]:
    colour = next(iter(wish.subject_colours), Colour(56, 50, 50))
    hide = Material(colour, "patches", 0.2, WHITE.times(0.92))
    shade, plain = hide.darker(FAR_SHADE), Material(colour, "cloth", 0.14)
    coarse = Workshop(shop.unit, 0.075 * shop.unit, shop.rng)  # its patches are as large as a hand
    legs = {}
    for leg in LEGS:
        widths = (0.17 if "hind" in leg else 0.13, 0.08, 0.06)
        legs[leg] = _leg(leg, COW_LEGS, coarse, shade if "far" in leg else hide, widths, _hoof(COW_LEGS, shop, 0.034))
    rope = shop.limb(0.32, 0.03, 0.022, Material(WHITE.times(0.8)))
    tuft = shop.blob([(-0.02, 0.3), (0.02, 0.3), (0.035, 0.42), (0.0, 0.45), (-0.035, 0.41)], plain)
    trunk = coarse.blob(
        [(-0.45, -0.12), (-0.4, -0.22), (-0.2, -0.2), (0.05, -0.19), (0.3, -0.22), (0.43, -0.14), (0.43, 0.04),
         (0.34, 0.16), (0.1, 0.19), (-0.16, 0.18), (-0.36, 0.1), (-0.44, 0.0)],
        hide, 0.3,
    )  # fmt: skip
    udder = shop.blob([(-0.26, 0.12), (-0.08, 0.14), (-0.1, 0.23), (-0.17, 0.25), (-0.24, 0.22)], PINK)
    neck = coarse.blob([(-0.1, -0.1), (0.02, -0.16), (0.17, -0.18), (0.2, -0.06), (0.12, 0.1), (0.0, 0.16)], hide)
    skull = shop.blob(
        [(-0.06, -0.05), (-0.02, -0.12), (0.08, -0.11), (0.16, -0.03), (0.26, 0.06), (0.26, 0.13), (0.18, 0.16),
         (0.05, 0.11), (-0.03, 0.06)],
        plain,
    )  # fmt: skip
    blaze = shop.blob(
        [(0.06, -0.09), (0.11, -0.07), (0.2, 0.02), (0.17, 0.04), (0.08, -0.02)], Material(WHITE.times(0.9))
    )
    muzzle = shop.blob([(0.17, 0.03), (0.26, 0.05), (0.28, 0.12), (0.2, 0.17), (0.15, 0.12)], PINK)
    horn = shop.blob([(0.0, -0.1), (0.03, -0.2), (0.08, -0.24), (0.085, -0.22), (0.06, -0.17), (0.05, -0.1)], HORN)
    ear = shop.blob([(0.0, -0.07), (-0.08, -0.12), (-0.13, -0.07), (-0.07, -0.02)], plain.darker(0.8))
    eye = shop.disc((0.014, 0.016), DARK, (0.1, -0.03))
    return _assembled(
        legs,
        [Part("tail", flattened([tuft, rope]), (-0.44, -0.14), "body")],
        Part("body", flattened([udder, trunk])),
        [
            Part("neck", neck, (0.36, -0.08), "body"),
            Part("head", flattened([horn, ear, skull, blaze, muzzle, eye]), (0.13, -0.1), "neck"),
        ],
        shop.shadow((0.44, 0.045)),
    )


dog = quadruped(Breed("dog", 0.72, DOG_LEGS, _dog))
cat = quadruped(Breed("cat", 0.74, CAT_LEGS, _cat, cadence=1.1, seat=0.1))
horse = quadruped(Breed("horse", 0.59, HORSE_LEGS, _horse, cadence=0.82, grazing=(-104.0, 38.0)))
cow = quadruped(Breed("cow", 0.66, COW_LEGS, _cow, cadence=0.8, grazing=(-50.0, -20.0)))
