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
    "cat": "cat cats kitten kittens",
    "horse": "horse horses pony ponies foal mare stallion",
    "cow": "cow cows cattle calf bull bulls",
    "bird": "bird birds seagull seagulls gull gulls crow crows eagle eagles pigeon pigeons heron herons",
    "ball": "ball balls football basketball",
    "car": "car cars taxi taxis",
    "bus": "bus buses",
    "boat": "boat boats sailboat sailboats yacht yachts",
    "balloon": "balloon balloons",
    "candle": "candle candles flame",
    "fire": "fire fires campfire bonfire",
    "flag": "flag flags banner banners",
    "tree": "tree trees oak oaks",
    "house": "house houses cottage cottages",
    "lighthouse": "lighthouse",
    "windmill": "windmill windmills",
    "waterfall": "waterfall waterfalls cascade",
    "waves": "wave waves surf",
}
SUBJECT_NOUNS = {noun: kind for kind, nouns in NOUNS_OF.items() for noun in nouns.split()}
PLACE_NOUNS = {noun: name for name, place in PLACES.items() for noun in place.nouns}

# What each subject can be told to do: the action as it is drawn -> the stems that ask for it ("walk" finds walks and
# walking). Its own way of moving comes first.
ACTIONS: dict[str, dict[str, str]] = {
    "person": {
        "walk": "walk stroll hike hik",
        "run": "run jog sprint",
        "stand": "stand waits waiting",
        "wave": "wave waving greet",
        "jump": "jump hops hopping leap",
    },
    "dog": {
        "trot": "trot",
        "walk": "walk stroll",
        "run": "run rac gallop",
        "stand": "stand waits waiting",
        "sit": "sits sitting",
    },
    "cat": {
        "walk": "walk stroll",
        "trot": "trot",
        "run": "run rac",
        "stand": "stand waits waiting",
        "sit": "sits sitting",
    },
    "horse": {
        "trot": "trot",
        "walk": "walk",
        "run": "run gallop canter rac",
        "stand": "stand waits waiting",
        "graze": "graz eat",
    },
    "cow": {"walk": "walk stroll", "run": "run", "stand": "stand waits waiting", "graze": "graz eat chew"},
    "bird": {"fly": "fly flie flap", "glide": "glid soar hover", "stand": "stand perch wait peck"},
    "ball": {"bounce": "bounc", "roll": "roll"},
    "car": {"drive": "driv roll cruis pass"},
    "bus": {"drive": "driv roll cruis pass"},
    "boat": {"rock": "rock sail drift float bob"},
    "balloon": {"rise": "rise rising float drift fly flie"},
    "candle": {"burn": "burn flicker danc glow"},
    "fire": {"burn": "burn flicker danc glow blaz crackl smok"},
    "flag": {"wave": "wave waving flutter flap blow"},
    "tree": {"sway": "sway", "stand": "stand"},
    "house": {"stand": "stand"},
    "lighthouse": {"stand": "stand"},
    "windmill": {"turn": "turn rotat spin stand"},
    "waterfall": {"pour": "pour fall flow cascad"},
    "waves": {"roll": "roll break crash mov"},
}
OWN_PLACE: dict[str, str] = {
    "person": "street",
    "dog": "park",
    "cat": "park",
    "horse": "meadow",
    "cow": "meadow",
    "bird": "sea",
    "ball": "room",
    "car": "street",
    "bus": "street",
    "boat": "sea",
    "balloon": "meadow",
    "candle": "room",
    "fire": "forest",
    "flag": "sky",
    "tree": "meadow",
    "house": "village",
    "lighthouse": "meadow",
    "windmill": "meadow",
    "waterfall": "forest",
    "waves": "sea",
}
ROOTED = frozenset({"tree", "house", "lighthouse", "windmill"})  # they can stand in a row that a gliding camera passes
OWN_PROP = {"village": "house", "street": "house", "sea": "waves"}  # what a place is full of, if not of trees

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
GROUPS = {"dozen": 12, "pair": 2, "couple": 2, "several": 3, "group": 4, "flock": 4}
NUMBERS |= GROUPS
PLURAL_WITHOUT_S = frozenset({"people", "men", "women", "children", "cattle"})
SINGULAR_WITH_S = frozenset({"bus"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OTHER_NUMBERS = _words(  # that it does not draw
    "zero eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred hundreds thousand thousands million millions dozens many lots numerous countless "
    "endless crowd crowds swarm swarms herd herds pack packs horde hordes army armies fleet throng flocks groups"
)
NEGATIONS = _words("no not without never nobody none nothing neither nor")
OTHER_ACTIONS = _words(
    "dances dancing jumps jumping swims swimming sits sitting sleeps sleeping eats eating drinks drinking cooks "
    "cooking talks talking climbs climbing rides riding throws throwing kicks kicking explodes exploding"
)
TOPS = ("shirt", "shirts", "jacket", "jackets", "sweater", "sweaters", "coat", "coats", "dress", "dresses")
PLAIN_TOPS = _words("coat coats jacket jackets dress dresses")  # the others are striped
LEGWEAR = ("trousers", "jeans", "pants")
GARMENTS = frozenset((*TOPS, *LEGWEAR, "skirt", "skirts", "hair", "sail", "roof"))
WORN_BY = {"sail": "boat", "roof": "house"}  # the others by people
PREPOSITIONS = _words(
    "along through down up across over behind in into on onto at by past near from with under around against of to "
    "toward towards above beside between inside outside while as wearing"
)
FRAMING = _words("camera view shot video footage clip closeup zoom row handheld")
# What may stand in a prompt without a trace in the picture, or is read elsewhere. What would be seen has no place here.
PASSING = _words(
    "a an the it its his her he she they their this that these and or but then who which one there is are be as if so "
    "has have for very small big large little tall short long young old new quiet calm busy empty sunny cloudy windy "
    "bright dark light deep high low strong gentle soft sandy wooden snowy lone single alone slow slowly fast quickly "
    "gently quietly still happily steadily along across among all some few day morning afternoon noon summer wind "
    "winds breeze draught air sun hand hello wing wings tail leg legs flames dancing line tree trunk trunks pillars "
    "posts columns pool rocks sails striped plain colourful colorful hot sailing rubber wide narrow distance middle "
    "move moves moving travel travels away full second seconds left right out side path trail way landscape "
    "background horizon ground scene film movie showing shows seen happy cheerful peaceful beautiful pretty lovely "
    "cute nice noble gallant brave proud playful curious friendly lively energetic graceful elegant majestic tame "
    "wild lazy real realistic cinematic calmly peacefully gracefully proudly cheerfully lazily softly rapidly swiftly "
    "briskly energetically playfully majestically elegantly smoothly leisurely lightly silently freely continuously "
    "constantly static steady photo photograph quality highly detailed 4k 8k hd uhd photorealistic sharp"
)
CAMERA_WORDS = _words(
    "pan pans panning zooms zooming push pushes pushing pull pulls pulling dolly dollies glide glides gliding slide "
    "slides sliding truck trucks trucking follows following tracks tracking shaky held back closer sideways"
)
OCCLUDERS = {"trunk": "trunks", "tree": "trunks", "pillar": "posts", "column": "posts", "post": "posts"}
