"""The words the renderer knows. Any new subject, place or verb starts here."""

from __future__ import annotations

from bench.backends.procedural.places import PLACES
from bench.backends.procedural.textures import Colour

COLOURS: dict[str, Colour] = {
    "red": Colour(186, 48, 44),
    "orange": Colour(222, 128, 44),
    "yellow": Colour(226, 190, 62),
    "green": Colour(66, 132, 70),
    "blue": Colour(52, 92, 162),
    "purple": Colour(116, 70, 150),
    "pink": Colour(222, 142, 164),
    "brown": Colour(128, 88, 56),
    "black": Colour(52, 50, 54),
    "white": Colour(228, 226, 220),
    "grey": Colour(138, 140, 144),
    "gray": Colour(138, 140, 144),
    "golden": Colour(206, 160, 70),
    "gold": Colour(206, 160, 70),
    "silver": Colour(176, 182, 190),
    "beige": Colour(212, 196, 166),
    "turquoise": Colour(60, 160, 160),
    "navy": Colour(44, 56, 96),
    "tan": Colour(190, 150, 108),
}

NOUNS_OF: dict[str, str] = {
    "person": "man men woman women boy boys girl girls person people child children walker walkers runner runners "
    "jogger hiker pedestrian pedestrians lady gentleman",
    "dog": "dog dogs puppy hound",
    "bird": "bird birds seagull seagulls gull gulls crow crows eagle eagles pigeon pigeons heron herons",
    "ball": "ball balls football basketball",
    "car": "car cars taxi taxis",
    "boat": "boat boats sailboat sailboats yacht yachts",
    "balloon": "balloon balloons",
    "candle": "candle candles flame",
    "flag": "flag flags banner banners",
    "tree": "tree trees oak oaks",
    "house": "house houses cottage cottages",
    "lighthouse": "lighthouse",
    "waterfall": "waterfall waterfalls cascade",
    "waves": "wave waves surf",
}
SUBJECT_NOUNS = {noun: kind for kind, nouns in NOUNS_OF.items() for noun in nouns.split()}
PLACE_NOUNS = {noun: name for name, place in PLACES.items() for noun in place.nouns}

# What each subject can be told to do, its own way of moving first. Words are stems: "walk" finds walks and walking.
ACTIONS: dict[str, tuple[str, ...]] = {
    "person": ("walk", "stroll", "hike", "run", "jog", "sprint"),
    "dog": ("trot", "walk", "run"),
    "bird": ("fly", "flie", "flap", "glid", "soar"),
    "ball": ("bounc", "roll"),
    "car": ("driv", "roll", "cruis", "pass"),
    "boat": ("rock", "sail", "drift", "float", "bob"),
    "balloon": ("rise", "rising", "float", "drift", "fly", "flie"),
    "candle": ("burn", "flicker", "danc", "glow"),
    "flag": ("wave", "waving", "flutter", "flap", "blow"),
    "tree": ("sway", "stand"),
    "house": ("stand",),
    "lighthouse": ("stand",),
    "waterfall": ("pour", "fall", "flow", "cascad"),
    "waves": ("roll", "break", "crash", "mov"),
}
OWN_PLACE: dict[str, str] = {
    "person": "street",
    "dog": "park",
    "bird": "sea",
    "ball": "room",
    "car": "street",
    "boat": "sea",
    "balloon": "meadow",
    "candle": "room",
    "flag": "sky",
    "tree": "meadow",
    "house": "village",
    "lighthouse": "meadow",
    "waterfall": "forest",
    "waves": "sea",
}
OWN_PROP = {"village": "house", "street": "house", "sea": "waves"}  # what a place is full of, if not of trees

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
NUMBERS |= {"dozen": 12, "pair": 2, "couple": 2, "several": 3, "group": 4, "crowd": 5, "flock": 4}
PLURAL_WITHOUT_S = frozenset({"people", "men", "women", "children"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OTHER_ACTIONS = _words(
    "dances dancing jumps jumping swims swimming sits sitting sleeps sleeping eats eating drinks drinking cooks "
    "cooking talks talking climbs climbing rides riding throws throwing kicks kicking explodes exploding"
)
GARMENTS = _words("shirt coat jacket dress skirt sweater trousers jeans pants hair sail roof")
PREPOSITIONS = _words(
    "along through down up across over behind in into on onto at by past near from with under around against of to "
    "toward towards above beside between inside outside while as wearing"
)
FRAMING = _words("camera view shot video footage clip closeup zoom row handheld")
OCCLUDERS = {"trunk": "trunks", "tree": "trunks", "pillar": "posts", "column": "posts", "post": "posts"}
