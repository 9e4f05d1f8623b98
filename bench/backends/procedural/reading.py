"""What a prompt asks for: subject, how many, colours, action, place, camera. What cannot be drawn is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.backends.procedural.textures import Colour
from bench.backends.procedural.vocabulary import (
    ACTIONS,
    COLOURS,
    FRAMING,
    GARMENTS,
    NUMBERS,
    OCCLUDERS,
    OTHER_ACTIONS,
    OWN_PLACE,
    OWN_PROP,
    PASSING,
    PLACE_NOUNS,
    PLURAL_WITHOUT_S,
    PREPOSITIONS,
    SINGULAR_WITH_S,
    SUBJECT_NOUNS,
)
from bench.records import MissingClip

MOST_FIGURES = 5
MOST_UNKNOWN = 4  # words of a prompt that leave no trace in the picture
KNOWN = frozenset().union(
    COLOURS, NUMBERS, SUBJECT_NOUNS, PLACE_NOUNS, GARMENTS, PREPOSITIONS, FRAMING, OCCLUDERS, PASSING
)


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
    """The wish in a prompt of plain English. Raises MissingClip when it asks for what is not known here."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("close-up", "closeup").replace("'s", ""))
    cameras = _cameras(words)
    subject, count = _subject(text, words, cameras)
    action = _action(text, words, subject)
    _refuse_too_much(text, words, subject)
    return Wish(
        text=text,
        subject=subject,
        count=count,
        place=_place(words, subject),
        cameras=cameras,
        action=action,
        colours=_colours(words),
        words=frozenset(words),
        faces=_faces(words, cameras),
        occluder=_occluder(words),
    )


def _refuse(text: str, reason: str) -> MissingClip:
    return MissingClip(f"procedural cannot draw {text!r}: {reason}")


def _no_subject(text: str) -> MissingClip:
    return _refuse(text, f"no subject it knows (knows: {', '.join(ACTIONS)})")


def _segments(words: list[str]) -> list[tuple[str, list[str]]]:
    """(preposition before it, words) of each stretch between prepositions."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for word in words:
        if word in PREPOSITIONS:
            found.append((word, []))
        else:
            found[-1][1].append(word)
    return found


def _subject(text: str, words: list[str], cameras: tuple[str, ...]) -> tuple[str, int]:
    """(kind, how many): the known noun of the sentence's head, so that "a unicorn near a tree" is no tree."""
    segments = _segments(words)
    head = 0
    while head + 1 < len(segments) and _is_framing(segments, head):
        head += 1
    heads = segments[head][1]
    named = [(index, SUBJECT_NOUNS[word]) for index, word in enumerate(heads) if word in SUBJECT_NOUNS]
    named = [(i, kind) for i, kind in named if kind != "waves" or i == named[0][0]]  # "a flag waves" is about the flag
    kinds = [kind for _, kind in named]
    if len(set(kinds)) > 1:
        first, last = named[0], named[-1]
        if last[0] - first[0] >= len(named):  # not side by side, as in "beach ball" or "candle flame"
            raise _refuse(text, f"it draws one kind of subject at a time, not {' and '.join(dict.fromkeys(kinds))}")
    if not named:
        place = next((PLACE_NOUNS[word] for word in heads if word in PLACE_NOUNS), None)
        if not cameras or place is None:
            raise _no_subject(text)
        return OWN_PROP.get(place, "tree"), 3
    framing = [word for _, part in segments[:head] for word in part if not word.isdigit()]  # "a 5 second clip of"
    return kinds[-1], _count(text, framing + heads, heads[named[-1][0]])


def _is_framing(segments: list[tuple[str, list[str]]], index: int) -> bool:
    """Whether it only frames what follows it: "the camera pans | across", "a flock | of", "on a beach | at dusk"."""
    part = segments[index][1]
    if any(word in SUBJECT_NOUNS for word in part):
        return False
    inverted = not segments[0][1]  # the sentence starts with where or when
    return not part or inverted or segments[index + 1][0] == "of" or any(word in FRAMING for word in part)


def _count(text: str, words: list[str], noun: str) -> int:
    numbers = [NUMBERS[word] for word in words if word in NUMBERS] + [int(word) for word in words if word.isdigit()]
    plural = noun in PLURAL_WITHOUT_S or (noun.endswith("s") and noun not in SINGULAR_WITH_S)
    if SUBJECT_NOUNS[noun] == "waves":
        return 1
    count = numbers[-1] if numbers else 3 if plural else 1
    if not 1 <= count <= MOST_FIGURES:
        raise _refuse(text, f"it draws 1 to {MOST_FIGURES} of a subject, not {count}")
    return count


def _action(text: str, words: list[str], subject: str) -> str:
    """What the subject does, as it is drawn; its own way of moving if the prompt names none."""
    about = ""  # the subject, while nothing but its own words came after it: "a man waves" is not about waves
    for word in words:
        noun = word in SUBJECT_NOUNS or word in PLACE_NOUNS
        if not noun or about:
            for action, stems in ACTIONS[subject].items():
                if word.startswith(tuple(stems.split())):
                    return action
        if SUBJECT_NOUNS.get(word) == subject or word in GARMENTS:
            about = word
        elif word in PREPOSITIONS:
            about = ""
    impossible = next((word for word in words if word in OTHER_ACTIONS), None)
    if impossible:
        raise _refuse(text, f"it knows no {subject} that {impossible} (knows: {', '.join(ACTIONS[subject])})")
    return next(iter(ACTIONS[subject]))


def _refuse_too_much(text: str, words: list[str], subject: str) -> None:
    """A prompt most of whose story would not be in the picture is no prompt for this renderer."""
    doing = tuple(" ".join(ACTIONS[subject].values()).split())
    unknown = [word for word in words if word not in KNOWN and not word.isdigit() and not word.startswith(doing)]
    if len(unknown) > MOST_UNKNOWN:
        raise _refuse(text, f"too much of it is beyond it ({', '.join(unknown[:6])}, ...)")


def _colours(words: list[str]) -> dict[str, tuple[str, ...]]:
    """noun -> the colours that stand before it."""
    found: dict[str, tuple[str, ...]] = {}
    pending: list[str] = []
    for word in words:
        if word in COLOURS:
            pending.append(word)
        elif word in SUBJECT_NOUNS or word in GARMENTS or word in PLACE_NOUNS:
            if pending:
                found.setdefault(word, tuple(pending))
            pending = []
        elif word in PREPOSITIONS:
            pending = []
    return found


def _place(words: list[str], subject: str) -> str:
    for opener, part in _segments(words):
        for word in part if opener else []:
            if word in PLACE_NOUNS:
                return PLACE_NOUNS[word]
            if word in GARMENTS:
                break  # "in a red dress waves": what follows is a verb
    return OWN_PLACE[subject]


def _cameras(words: list[str]) -> tuple[str, ...]:
    """Names of camera moves, in a fixed order."""
    text = " ".join(words)
    found = []
    if re.search(
        r"\bcamera\b.*\b(pan|pans|panning|glides?|gliding|moves?|slides?|trucks?|travels?)\b|\bpan(s|ning)?\b", text
    ):
        found.append("glide left" if "left" in words else "glide right")
    if re.search(r"\b(zoom|zooms|zooming|push|pushes|dolly|dollies|moves) (slowly )?(in|closer|towards?)\b", text):
        found = ["push in"]
    elif re.search(r"\b(zoom|zooms|zooming|pull|pulls|dolly|dollies) (slowly )?(out|back|away)\b", text):
        found = ["push out"]
    if re.search(r"\bhand ?held\b|\bshaky\b", text):
        found.append("handheld")
    return tuple(found)


def _faces(words: list[str], cameras: tuple[str, ...]) -> int:
    if any(camera.startswith("glide") for camera in cameras):
        return 0
    return -1 if "left" in words else 1 if "right" in words else 0


def _occluder(words: list[str]) -> str:
    """What stands before the subject: "behind a row of tree trunks"."""
    if "behind" not in words:
        return ""
    after = words[words.index("behind") + 1 :]
    return next((OCCLUDERS[word.rstrip("s")] for word in after if word.rstrip("s") in OCCLUDERS), "")
