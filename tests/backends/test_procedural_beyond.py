"""What a prompt asks for and would not be in the picture is refused, by the word; what does not matter is drawn."""

from __future__ import annotations

from itertools import product

import pytest

from bench.backends.procedural.beyond import CHECKS, KNOWN
from bench.backends.procedural.places import PLACES
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.vocabulary import ACTIONS, COLOURS, NEGATIONS, NOUNS_OF, OTHER_NUMBERS, PASSING
from bench.records import MissingClip
from bench.suite import load_suite


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # how many
        ("Twelve dogs run in a park", "1 to 5 of a subject, not 'twelve': ask for 5 or fewer"),
        ("Half a dozen dogs run", "not 6: ask for 5 or fewer"),
        ("A crowd of people walks down a street", "not 'crowd'"),
        ("Hundreds of balloons rise over hills", "not 'hundreds'"),
        ("2,000 dogs run", "not 2000"),
        ("Zero dogs run", "not 'zero': ask for at least one"),
        ("Two balloons, one red and one blue, rise", "counts the subject alone, by one number before it, not 'one'"),
        ("One or two dogs run", "not 'two'"),
        ("A dog jumps five times", "not 'five'"),
        ("A video of a dog, 5 seconds long", "not '5'"),
        ("A two-headed dog walks", "counts subjects, not what they have .'two'."),
        ("Three waves roll", "does not count waves .'three'."),
        ("The camera pans past three houses", "a whole row, not 'three'"),
        # who
        ("A man and a woman walk along a beach", "one group of a subject, all alike, not 'man' and 'woman'"),
        ("Two red balls and a blue ball bounce", "one group of a subject, all alike, not 'balls' and 'ball'"),
        ("A dog runs with a cat in a park", r"one subject, a dog, and not 'cat' \(with ...\): leave it out"),
        ("A woman in a red dress waves to a man", "one subject, a person, and not 'man'"),
        ("A man walks past trees", "and not 'trees'"),  # none stand in a street
        ("A bird perches on a tree in a park", "and not 'tree'"),
        ("A man walks behind a bus", "and not 'bus'"),
        ("A woman waves in front of a house", "and not 'house': leave it out"),
        ("A baby walks in a park", "does not know 'baby' and finds no subject it knows .knows: person"),
        ("Nobody walks", "does not know 'nobody' and finds no subject"),
        ("Un chien court dans un parc", "does not know 'un', 'chien' and finds no subject"),
        ("No dog runs in a park", "leaves nothing out .'no'.: say only what is there"),
        ("A dog runs in a park without people", "'without'"),
        ("A dog doesn't run", "'not'"),
        # what it does
        ("A man walks and dances", "no person that dances .knows: walk, run, stand, wave, jump."),
        ("A man walks and jumps", "one action at a time, not walk and jump"),
        ("A man stands and waves", "one action at a time, not stand and wave"),
        ("A woman walks along a beach and waves", "one action at a time, not walk and wave"),
        ("A man runs in a park and then waves", "one action at a time, not run and wave"),
        ("A dog flies over a city", r"does not know 'flies': leave that out.*a dog can trot, walk, run, stand, sit"),
        ("A cat glides across a floor", "does not know 'glides'"),
        ("A man runs along a runway", "does not know 'runway'"),
        # where, and how it is filmed
        ("A dog runs on the moon", "does not know 'moon'"),
        ("A dog runs from a beach to a forest", "in one place, beach, and not 'forest'"),
        ("Waves crash on a shore", "in one place, sea, and not 'shore'"),
        ("A waterfall pours in the snow", "in one place, forest, and not 'snow'"),
        ("A dog runs in a snowy park", "no snow lies in its park"),
        ("A dog runs through a park at night", "does not know 'night'"),
        ("The camera tilts up a lighthouse", "does not know 'tilts'"),
        ("The camera moves up past a tree", "never 'moves up'"),
        ("The camera pans left, then zooms in on a lighthouse", "one move at a time"),
        ("A dog runs, then the camera pans right", "nothing 'then'"),
        ("A man walks left and right", "one way, not left and right"),
        ("A man walks from left to right and left", "one way, not left and right"),
        ("A man walks towards the camera", "from the side, and not 'towards the camera'"),
        ("A man walks away from the camera", "not 'away from the camera'"),
        ("A dog seen from above runs", "not 'from above'"),
        ("A man seen from behind walks", "not 'from behind'"),
        ("A car drives up a hill", "on the level, and not 'up a hill'"),
        ("A ball rolls in a dark room", "no dark room with a ball .'dark'."),
        ("A candle burns in a bright room", "no bright room with a candle .'bright'."),
        # what it looks like
        ("A crimson ball rolls", "does not know 'crimson'"),
        ("The ball is red", "does not see what is red"),
        ("A blue fire burns in a forest", "it has no blue fire: leave the colour out"),
        ("A candle with a blue flame burns", "it has no blue flame"),
        ("A blue beach ball rolls across a lawn", "it has no blue beach"),
        ("A dog runs across a purple meadow", "it has no purple meadow"),
        ("A red and white dog runs", "gives 'dog' one colour, not red and white"),
        ("A man in a red shirt and a blue jacket walks", "one garment above the belt, not shirt and jacket"),
        ("A man with blue hair walks", "it has no blue hair"),
        ("A dog in a coat walks", "a dog without 'coat'"),
        ("A striped cat walks", "only balls, flags, shirts and sweaters are 'striped'"),
        ("A ball rolls on a table", "draws no 'table' here"),
        ("A woman walks with an umbrella", "does not know 'umbrella'"),
        ("A watercolor painting of a dog", "does not know 'watercolor', 'painting'"),
        ("A dog läuft", "does not know 'läuft'"),
    ],
)
def test_what_would_not_be_in_the_picture_is_refused_by_the_word(text: str, reason: str) -> None:
    with pytest.raises(MissingClip, match=f"^procedural cannot draw .*: .*{reason}"):
        read_prompt(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A happy noble dog runs quickly across a green meadow under a blue sky", 1),
        ("Dogs run in a park", 3),
        ("A group of three men walks in a park", 3),
        ("A pair of horses trots in a field", 2),
        ("A black and white cow grazes", 1),
        ("A red and white striped ball bounces", 1),
        ("A red and yellow balloon rises", 1),
        ("A boat with a red sail rocks on blue water", 1),
        ("A man in a striped shirt and blue jeans walks past trees in a park", 1),
        ("A man walks behind a tree", 1),
        ("A cat walks from behind a tree", 1),
        ("A man jumps up and down in the mountains", 1),
        ("A car drives down a city street", 1),
        ("A dog runs past, the camera slowly zooms in", 1),
        ("A ball rolls in a bright room", 1),
        ("A man walks on the sand by the sea", 1),
        ("Three candles burn, their flames dancing in a draught", 3),
        ("The camera follows a dog that runs through a forest", 1),
        ("A gull glides over the sea, the camera zooms in", 1),
        ("A gull flies, the camera glides sideways", 1),
        ("A 5 second clip of a boat on a lake, for 5 seconds", 1),
        ("A cinematic video of a man\N{RIGHT SINGLE QUOTATION MARK}s dog that runs", 1),
    ],
)
def test_what_does_not_matter_or_is_there_is_drawn(text: str, count: int) -> None:
    assert read_prompt(text).count == count


@pytest.mark.parametrize(
    ("text", "faces"),
    [
        ("A cat walks across a street from right to left", -1),
        ("A cat walks across a street from the left to the right", 1),
        ("A man walks in from the left", 1),
        ("A man walks to the right", 1),
    ],
)
def test_what_crosses_the_picture_goes_where_it_is_told(text: str, faces: int) -> None:
    assert read_prompt(text).faces == faces


@pytest.mark.parametrize(("way", "camera"), [("left to right", "glide right"), ("right to left", "glide left")])
def test_a_camera_pans_where_it_is_told(way: str, camera: str) -> None:
    assert read_prompt(f"The camera pans from {way} across a village").cameras == (camera,)


@pytest.mark.parametrize("place", ["on a beach", "in a park"])
def test_who_waves_somewhere_is_no_wave_there(place: str) -> None:
    assert read_prompt(f"A woman {place} waves").action == "wave"


def test_every_subject_is_drawn_in_every_place_and_action_that_it_knows() -> None:
    settled = {"waterfall": ("forest",), "waves": ("sea",)}
    for kind, actions in ACTIONS.items():
        noun = NOUNS_OF[kind].split()[0]
        for place, stems in product(settled.get(kind, PLACES), actions.values()):
            read_prompt(f"A {noun} {stems.split()[0]}s near the {PLACES[place].nouns[0]}")


def test_a_word_is_either_drawn_or_refused() -> None:
    assert not KNOWN & (OTHER_NUMBERS | NEGATIONS)
    assert not PASSING & set(COLOURS)
    assert len(set(CHECKS)) == len(CHECKS)


def test_no_prompt_for_real_models_is_drawn_as_something_else() -> None:
    drawn = []
    for prompt in load_suite("core").prompts:
        try:
            read_prompt(prompt.text)
        except MissingClip:
            continue
        drawn.append(prompt.text)
    assert drawn == []
