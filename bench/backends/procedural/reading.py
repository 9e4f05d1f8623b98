"""What a prompt asks for: subject, how many, colours, action, place, camera. What cannot be drawn is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.backends.procedural.beyond import ACROSS, CHECKS, strangers
from bench.backends.procedural.colouring import colours_named
from bench.backends.procedural.sentence import Sentence, actions_named, is_plural, places_named, read_sentence
from bench.backends.procedural.textures import Colour
from bench.backends.procedural.vocabulary import (
    ACTIONS,
    COLOURS,
    NUMBERS,
    OCCLUDERS,
    OTHER_NUMBERS,
    OWN_PLACE,
    OWN_PROP,
    PLACE_NOUNS,
    SUBJECT_NOUNS,
)
from bench.records import MissingClip

MOST_FIGURES = 5


@dataclass(frozen=True)
class Wish:
    """What to draw. `colours` are by noun as written, `words` all words; `faces` is 1 right, -1 left, 0 either."""

    text: str
    subject: str
    count: int
    place: str
    cameras: tuple[str, ...]
    action: str
    colours: Mapping[str, tuple[str, ...]]
    words: frozenset[str]
    faces: int = 0
    occluder: str = ""

    def colour(self, *nouns: str) -> Colour | None:
        """The first colour given to any of these nouns."""
        return next((COLOURS[self.colours[noun][0]] for noun in nouns if noun in self.colours), None)

    @property
    def subject_colours(self) -> tuple[Colour, ...]:
        """All colours given to the subject, in order."""
        return next((tuple(COLOURS[c] for c in self.colours[n]) for n in self.colours if n in SUBJECT_NOUNS), ())

    @property
    def colour_name(self) -> str:
        """The first colour of the subject or of what it wears, as written; empty where the prompt gives none."""
        return next((names[0] for noun, names in self.colours.items() if noun not in PLACE_NOUNS), "")


def read_prompt(text: str) -> Wish:
    """The wish in a prompt of plain English. Raises MissingClip when any of it would not be in the picture."""
    sentence = read_sentence(text)
    cameras = _cameras(sentence.words)
    subject, count = _subject(sentence, cameras)
    wish = Wish(
        text=text,
        subject=subject,
        count=count,
        place=next((place for _, place in places_named(sentence)), OWN_PLACE[subject]),
        cameras=cameras,
        action=next(iter(actions_named(sentence.words, subject)), next(iter(ACTIONS[subject]))),
        colours=colours_named(sentence.words),
        words=frozenset(sentence.words),
        faces=_faces(sentence.words, cameras),
        occluder=_occluder(sentence.words),
    )
    for unmet in CHECKS:
        if reason := unmet(sentence, wish):
            raise _refuse(text, reason)
    return wish


def _refuse(text: str, reason: str) -> MissingClip:
    return MissingClip(f"procedural cannot draw {text!r}: {reason}")


def _subject(sentence: Sentence, cameras: tuple[str, ...]) -> tuple[str, int]:
    """(kind, how many): the known noun of the sentence's head; where the camera alone is told what to do, scenery."""
    if sentence.subjects:
        noun = sentence.subjects[-1][1]
        return SUBJECT_NOUNS[noun], _count(sentence, noun)
    place = next((PLACE_NOUNS[word] for word in sentence.heads if word in PLACE_NOUNS), None)
    if not cameras or place is None:
        strange = ", ".join(map(repr, strangers(sentence.heads)[:2]))
        found = f"it does not know {strange} and finds " if strange else ""
        raise _refuse(sentence.text, f"{found}no subject it knows (knows: {', '.join(ACTIONS)})")
    return OWN_PROP.get(place, "tree"), 3


def _count(sentence: Sentence, noun: str) -> int:
    words = (*sentence.before, *sentence.heads)
    numbers = [int(word) if word.isdigit() else NUMBERS[word] for word in words if word.isdigit() or word in NUMBERS]
    if SUBJECT_NOUNS[noun] == "waves":
        return 1
    count = numbers[-1] if numbers else 3 if is_plural(noun) else 1
    asked = next((word for word in words if word in OTHER_NUMBERS), count)
    if asked != count or not 1 <= count <= MOST_FIGURES:
        fewer = "ask for at least one" if asked in {0, "zero"} else f"ask for {MOST_FIGURES} or fewer"
        raise _refuse(sentence.text, f"it draws 1 to {MOST_FIGURES} of a subject, not {asked!r}: {fewer}")
    return count


def _cameras(words: Sequence[str]) -> tuple[str, ...]:
    """Names of camera moves, in a fixed order."""
    text = " ".join(words)
    found = []
    if re.search(
        r"\bcamera\b.*\b(pan|pans|panning|glides?|gliding|moves?|slides?|trucks?|travels?)\b|\bpan(s|ning)?\b", text
    ):
        found.append("glide left" if _way(words) < 0 else "glide right")
    if re.search(r"\b(zoom|zooms|zooming|push|pushes|dolly|dollies|moves) (slowly )?(in|closer|towards?)\b", text):
        found = ["push in"]
    elif re.search(r"\b(zoom|zooms|zooming|pull|pulls|dolly|dollies) (slowly )?(out|back|away)\b", text):
        found = ["push out"]
    if re.search(r"\bhand ?held\b|\bshaky\b", text):
        found.append("handheld")
    return tuple(found)


def _faces(words: Sequence[str], cameras: tuple[str, ...]) -> int:
    if any(camera.startswith("glide") for camera in cameras):
        return 0
    return _way(words)


def _way(words: Sequence[str]) -> int:
    """1 to the right, -1 to the left, 0 either."""
    text = " ".join(words)
    if across := ACROSS.search(text):
        return -1 if across["goal"] == "left" else 1
    if enters := re.search(r"\bfrom (the )?(left|right)\b", text):
        return 1 if enters[2] == "left" else -1
    return -1 if "left" in words else 1 if "right" in words else 0


def _occluder(words: Sequence[str]) -> str:
    """What stands before the subject: "behind a row of tree trunks"."""
    if "behind" not in words:
        return ""
    after = words[words.index("behind") + 1 :]
    return next((OCCLUDERS[word.rstrip("s")] for word in after if word.rstrip("s") in OCCLUDERS), "")
