"""Words to compose prompts with. The reader must read every combination back as it was meant."""

from __future__ import annotations

from dataclasses import dataclass

BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
PAINTS = (*BRIGHT, "black", "grey")
PEOPLE_PLACES = ("beach", "park", "street", "forest", "meadow", "village", "desert", "snow", "mountains", "room")
OPEN_LAND = ("beach", "park", "meadow", "village", "desert", "snow", "mountains")


@dataclass(frozen=True)
class Phrases:
    """What is said of one kind of subject. `verbs` are by action, as "walks|walking".

    With `garments` a colour is worn, not had. `several` are its plurals, `tails` can stand in for a place.
    """

    nouns: tuple[str, ...]
    verbs: dict[str, tuple[str, ...]]
    colours: tuple[str, ...]
    places: tuple[str, ...]
    cameras: tuple[str, ...] = ("push in", "push out", "handheld")
    garments: tuple[str, ...] = ()
    counted: bool = True
    several: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()


PHRASES: dict[str, Phrases] = {
    "person": Phrases(
        ("man", "woman", "boy", "girl", "person", "child"),
        {
            "walk": ("walks|walking", "strolls|strolling", "walks slowly|walking slowly"),
            "run": ("runs|running", "jogs|jogging", "sprints|sprinting"),
            "stand": ("stands still|standing still", "stands|standing", "waits|waiting"),
            "wave": ("waves a hand|waving a hand", "waves hello|waving hello"),
            "jump": ("jumps|jumping", "jumps up and down|jumping up and down", "hops|hopping"),
        },
        PAINTS,
        PEOPLE_PLACES,
        garments=("shirt", "jacket", "sweater", "coat", "dress"),
        several=("men", "women", "people", "children"),
    ),
    "dog": Phrases(
        ("dog", "puppy", "hound"),
        {
            "trot": ("trots|trotting", "trots along|trotting along"),
            "run": ("runs|running", "runs fast|running fast"),
            "sit": ("sits|sitting", "sits still|sitting still"),
        },
        ("brown", "black", "white", "grey", "golden"),
        PEOPLE_PLACES,
        several=("dogs",),
    ),
    "cat": Phrases(
        ("cat", "kitten"),
        {
            "walk": ("walks|walking", "strolls|strolling"),
            "run": ("runs|running", "races along|racing along"),
            "sit": ("sits|sitting", "sits still|sitting still"),
        },
        ("orange", "black", "white", "grey", "brown"),
        PEOPLE_PLACES,
        several=("cats",),
    ),
    "horse": Phrases(
        ("horse", "pony"),
        {
            "trot": ("trots|trotting", "trots along|trotting along"),
            "run": ("gallops|galloping", "runs fast|running fast"),
            "graze": ("grazes|grazing", "grazes quietly|grazing quietly"),
        },
        ("brown", "black", "white", "grey", "golden"),
        ("beach", "park", "forest", "meadow", "village", "desert", "snow", "mountains"),
        several=("horses",),
    ),
    "cow": Phrases(
        ("cow",),
        {
            "walk": ("walks|walking", "walks slowly|walking slowly"),
            "run": ("runs|running",),
            "graze": ("grazes|grazing", "chews|chewing"),
        },
        ("brown", "black", "grey"),
        ("park", "forest", "meadow", "village", "snow", "mountains"),
        several=("cows",),
    ),
    "bird": Phrases(
        ("bird", "seagull", "gull", "pigeon", "crow"),
        {
            "fly": ("flies|flying", "flaps its wings|flapping its wings", "flies low|flying low"),
            "glide": ("glides|gliding", "soars|soaring"),
            "stand": ("stands|standing", "perches|perching"),
        },
        ("white", "black", "grey", "brown", "blue", "red", "yellow"),
        ("beach", "meadow", "desert", "snow", "mountains", "park"),
        several=("birds", "seagulls", "crows"),
    ),
    "ball": Phrases(
        ("ball",),
        {"bounce": ("bounces|bouncing", "bounces along|bouncing along"), "roll": ("rolls|rolling",)},
        PAINTS,
        ("room", "park", "beach", "street", "meadow", "snow"),
        several=("balls",),
        patterns=("striped",),
    ),
    "car": Phrases(
        ("car",),
        {"drive": ("drives|driving", "drives slowly|driving slowly", "cruises|cruising")},
        PAINTS,
        ("street", "desert", "snow", "village", "mountains", "beach", "forest"),
        several=("cars",),
    ),
    "bus": Phrases(
        ("bus",),
        {"drive": ("drives|driving", "drives slowly|driving slowly", "cruises|cruising")},
        PAINTS,
        ("street", "desert", "snow", "village", "mountains", "forest"),
    ),
    "boat": Phrases(
        ("boat", "sailing boat", "sailboat", "yacht"),
        {"rock": ("rocks|rocking", "drifts|drifting", "bobs|bobbing", "floats|floating")},
        PAINTS,
        ("sea",),
        several=("boats", "yachts"),
        tails=(" on the waves", " on a calm lake"),
    ),
    "balloon": Phrases(
        ("balloon", "hot-air balloon"),
        {"rise": ("rises|rising", "floats|floating", "drifts|drifting")},
        BRIGHT,
        (*OPEN_LAND, "sea"),
        several=("balloons", "hot-air balloons"),
    ),
    "candle": Phrases(
        ("candle",),
        {"burn": ("burns|burning", "flickers|flickering", "glows|glowing")},
        (*BRIGHT, "golden"),
        ("room",),
        several=("candles",),
        tails=(" on a table", " in a dark room", ", its flame dancing in a draught", " on a table in a dark room"),
    ),
    "fire": Phrases(
        ("fire", "campfire", "bonfire"),
        {"burn": ("burns|burning", "blazes|blazing", "crackles|crackling")},
        (),
        ("forest", "beach", "meadow", "desert", "snow", "mountains"),
    ),
    "flag": Phrases(
        ("flag", "banner"),
        {"wave": ("waves|waving", "flutters|fluttering", "flaps|flapping")},
        PAINTS,
        (*OPEN_LAND, "sea"),
        patterns=("striped",),
        tails=(" in the wind", " in a strong wind", " against a cloudy sky", " in the sky"),
    ),
    "tree": Phrases(
        ("tree", "oak"),
        {"sway": ("sways|swaying", "sways gently|swaying gently")},
        ("green", "yellow", "orange", "red"),
        (*OPEN_LAND, "street"),
        ("push in", "push out", "handheld", "glide left", "glide right"),
    ),
    "house": Phrases(
        ("house", "cottage"),
        {"stand": ("stands|standing", "stands alone|standing alone")},
        (),
        (*OPEN_LAND, "forest"),
        ("push in", "push out", "handheld", "glide left", "glide right"),
    ),
    "lighthouse": Phrases(
        ("lighthouse",),
        {"stand": ("stands|standing",)},
        BRIGHT,
        ("beach", "meadow", "desert", "snow", "mountains"),
        ("push in", "push out", "handheld", "glide left", "glide right"),
    ),
    "windmill": Phrases(
        ("windmill",),
        {"turn": ("turns|turning", "turns slowly|turning slowly")},
        ("white", "grey", "brown", "red", "yellow"),
        (*OPEN_LAND,),
        ("push in", "push out", "handheld", "glide left", "glide right"),
    ),
    "waterfall": Phrases(
        ("waterfall", "cascade"),
        {"pour": ("pours|pouring", "falls|falling")},
        (),
        ("forest",),
        tails=(" over dark rocks", " over dark rocks into a pool", " into a pool"),
    ),
    "waves": Phrases(
        ("waves",),
        {"roll": ("roll|rolling", "break|breaking", "crash|crashing")},
        (),
        ("sea",),
        counted=False,
    ),
}

PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "beach": ("on a beach", "on the sand", "on a sandy shore", "at the seaside"),
    "park": ("in a park", "on a lawn", "in a garden", "in the park"),
    "street": ("on a city street", "in a town", "on a street", "on the road in a city"),
    "forest": ("in a forest", "in the woods", "in a deep forest"),
    "meadow": ("in a meadow", "in a field", "on the grass", "in the countryside", "on green hills"),
    "village": ("in a village", "in a small hamlet", "in a quiet village"),
    "desert": ("in the desert", "in a desert", "on desert dunes", "among the dunes of a desert"),
    "snow": ("in the snow", "in deep snow", "in a snowy winter landscape"),
    "mountains": ("in the mountains", "near high mountains", "in the alps"),
    "sea": ("on the sea", "on the ocean", "on a lake", "on the water"),
    "room": ("in a room", "on a wooden floor", "in a hall"),
}
WAYS: dict[str, tuple[str, ...]] = {
    "beach": ("along a beach", "across the sand", "along the shore"),
    "park": ("through a park", "across a lawn", "through a garden"),
    "street": ("down a city street", "along a street", "through a town"),
    "forest": ("through a forest", "through the woods"),
    "meadow": ("across a meadow", "over green hills", "through a field"),
    "village": ("through a village", "through a quiet village"),
    "desert": ("through the desert", "across desert dunes"),
    "snow": ("through the snow", "across the snow"),
    "mountains": ("through the mountains", "past high mountains"),
    "sea": ("over the sea", "low over the sea", "across the water", "over a lake"),
    "room": ("across a wooden floor", "through a room", "through a hall"),
}
"""Where something goes that goes somewhere."""
GOING = frozenset({"walk", "trot", "run", "fly", "glide", "bounce", "roll", "drive", "rise"})
ON_FOOT = frozenset({"walk", "trot", "run"})
BEHIND = ("behind a row of tree trunks", "behind tree trunks", "behind a row of posts")
NUMBERED = ("two", "three", "four")
ADJECTIVES = ("small", "little", "big", "young", "old", "lone")

OPENERS = ("a video of", "a shot of", "a clip of", "footage of", "a close-up of")
CAMERAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": ((), ("",)),
    "push in": (
        ("the camera pushes in as", "the camera zooms in while", "the camera slowly moves closer as"),
        (", the camera zooms in", ", slow zoom in", " while the camera pushes in"),
    ),
    "push out": (
        ("the camera pulls back as", "the camera zooms out while"),
        (", the camera zooms out", ", slow zoom out", " while the camera pulls back"),
    ),
    "handheld": ((), (", handheld camera", ", shaky handheld footage", ", handheld")),
    "glide left": (("the camera pans left as",), (", the camera pans left", ", camera panning to the left")),
    "glide right": (("the camera glides sideways as",), (", the camera pans right", ", camera gliding to the right")),
}
