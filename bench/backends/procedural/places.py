"""Places as data: sky, ground, what stands where. `ground.py` and `backdrops.py` build them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bench.backends.procedural.textures import Colour, Material


class Band(NamedTuple):
    """A far silhouette: its colour, depth, height and roughness in picture heights."""

    colour: Colour
    depth: float
    height: float
    cell: float


class Prop(NamedTuple):
    """Scenery of one kind: how deep it stands, how many a period, its height in picture heights at depth 1."""

    kind: str
    depth: float
    number: int
    size: float


@dataclass(frozen=True)
class Place:
    """All that sets a place apart. `ground` is the colour near by, `distance` far off; None is water."""

    nouns: tuple[str, ...]
    sky: tuple[Colour, Colour]
    ground: Colour | None
    distance: Colour
    clouds: float = 0.5
    grain: tuple[float, float] = (6, 10)
    contrast: float = 0.12
    bands: tuple[Band, ...] = ()
    props: tuple[Prop, ...] = ()
    shore: float | None = None
    road: bool = False
    wall: Material | None = None


DAY = (Colour(92, 146, 206), Colour(206, 224, 236))
PALE = (Colour(150, 172, 196), Colour(222, 226, 228))
GRASS, FAR_GRASS = Colour(98, 128, 62), Colour(132, 154, 98)
HILLS = (Band(Colour(122, 146, 150), 14, 1.9, 0.7), Band(Colour(104, 136, 92), 7, 0.7, 0.5))

PLACES: dict[str, Place] = {
    "beach": Place(
        ("beach", "sand", "shore", "seaside", "coast"),
        DAY,
        Colour(214, 190, 146),
        Colour(70, 124, 150),
        grain=(8, 16),
        contrast=0.09,
        bands=(Band(Colour(132, 152, 164), 22, 1.6, 0.6),),
        props=(Prop("palm", 2.6, 2, 1.15),),
        shore=3.4,
    ),
    "park": Place(
        ("park", "garden", "lawn", "yard"),
        DAY,
        GRASS,
        FAR_GRASS,
        grain=(5, 7),
        contrast=0.15,
        bands=(Band(Colour(88, 116, 84), 8, 1.7, 0.16),),
        props=(Prop("tree", 3.4, 3, 1.5), Prop("lamp", 2.2, 1, 1.0)),
    ),
    "street": Place(
        ("street", "road", "city", "town", "avenue", "pavement", "sidewalk"),
        PALE,
        Colour(104, 104, 108),
        Colour(128, 128, 130),
        grain=(5, 8),
        contrast=0.08,
        props=(Prop("building", 3.2, 7, 1.25), Prop("lamp", 2.0, 2, 1.25)),
        road=True,
    ),
    "forest": Place(
        ("forest", "wood", "woods", "jungle"),
        PALE,
        Colour(104, 96, 62),
        Colour(104, 116, 80),
        grain=(5, 6),
        contrast=0.24,
        bands=(Band(Colour(92, 116, 92), 7, 3.2, 0.12),),
        props=(Prop("pine", 4.2, 7, 2.6), Prop("tree", 2.6, 3, 1.7)),
    ),
    "meadow": Place(
        ("meadow", "field", "grass", "hill", "hills", "countryside", "valley", "farm"),
        DAY,
        GRASS,
        FAR_GRASS,
        grain=(5, 7),
        contrast=0.15,
        bands=HILLS,
        props=(Prop("tree", 6.0, 4, 1.4),),
    ),
    "village": Place(
        ("village", "hamlet"),
        DAY,
        GRASS.mixed(Colour(150, 140, 110), 0.4),
        FAR_GRASS,
        grain=(4, 5),
        contrast=0.18,
        bands=HILLS,
        props=(Prop("tree", 5.0, 4, 1.5), Prop("house", 3.4, 3, 0.72)),
    ),
    "desert": Place(
        ("desert", "dunes", "dune", "savanna"),
        DAY,
        Colour(212, 168, 112),
        Colour(222, 190, 144),
        grain=(6, 30),
        contrast=0.12,
        clouds=0.15,
        bands=(Band(Colour(206, 168, 122), 8, 0.8, 0.8),),
        props=(Prop("rock", 4.0, 3, 0.4),),
    ),
    "snow": Place(
        ("snow", "winter", "ice"),
        PALE,
        Colour(226, 230, 236),
        Colour(216, 222, 230),
        grain=(7, 12),
        contrast=0.06,
        bands=(Band(Colour(168, 180, 194), 12, 2.6, 0.4),),
        props=(Prop("pine", 3.4, 5, 1.4),),
    ),
    "mountains": Place(
        ("mountain", "mountains", "alps"),
        DAY,
        GRASS,
        FAR_GRASS,
        grain=(5, 7),
        contrast=0.15,
        bands=(Band(Colour(138, 152, 172), 20, 6.0, 0.5), *HILLS),
        props=(Prop("pine", 5.0, 5, 1.6),),
    ),
    "sea": Place(
        ("sea", "ocean", "lake", "water", "waves", "river", "bay", "harbour", "harbor"),
        DAY,
        None,
        Colour(104, 146, 168),
        bands=(Band(Colour(140, 158, 170), 24, 1.6, 0.5),),
    ),
    "room": Place(
        ("room", "floor", "kitchen", "table", "hall", "indoors"),
        PALE,
        Colour(168, 124, 82),
        Colour(150, 110, 76),
        grain=(3, 60),
        contrast=0.11,
        wall=Material(Colour(176, 172, 154), "cloth", 0.07),
    ),
    "sky": Place(
        ("sky", "clouds", "cloud"), DAY, GRASS, FAR_GRASS, clouds=1.0, grain=(5, 7), contrast=0.15, bands=HILLS
    ),
}
