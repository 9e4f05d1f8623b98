"""A prompt as a sentence: its words, the stretches between prepositions, and which of them its subject stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bench.backends.procedural.vocabulary import (
    ACTIONS,
    FRAMING,
    GARMENTS,
    PLACE_NOUNS,
    PLURAL_WITHOUT_S,
    PREPOSITIONS,
    SINGULAR_WITH_S,
    SUBJECT_NOUNS,
)

HALF_DOZEN = re.compile(r"\bhalf (of )?(a )?dozen\b")
FLAME = "flame"  # of a candle that is named already it is a part, not one more


class Stretch(NamedTuple):
    """The words between two prepositions, and the one before them; the first of a sentence has none."""

    opener: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """`stretches[head]` is the one that says who: what stands before it says where, or how it is filmed."""

    text: str
    words: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    head: int

    @property
    def heads(self) -> tuple[str, ...]:
        """The words of the head."""
        return self.stretches[self.head].words

    @property
    def before(self) -> tuple[str, ...]:
        """The words before the head, without numbers in figures: "a 5 second clip of"."""
        return tuple(w for part in self.stretches[: self.head] for w in part.words if not w.isdigit())

    @property
    def after(self) -> tuple[Stretch, ...]:
        """The stretches after the head."""
        return self.stretches[self.head + 1 :]

    @cached_property
    def subjects(self) -> tuple[tuple[int, str], ...]:
        """(index, noun) of the head's known nouns, so that "a unicorn near a tree" is no tree."""
        named = [(index, word) for index, word in enumerate(self.heads) if word in SUBJECT_NOUNS]
        return tuple(  # "a flag waves" is about the flag
            (index, word) for index, word in named if SUBJECT_NOUNS[word] != "waves" or index == named[0][0]
        )


def read_sentence(text: str) -> Sentence:
    """The sentence of a prompt, in lower case."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("close-up", "closeup")
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain.replace("'s", "").replace("n't", " not"))
    words = tuple(re.findall(r"[^\W_]+", HALF_DOZEN.sub("six", plain.replace("half-", "half "))))
    stretches = _stretches(words)
    head = 0
    while head + 1 < len(stretches) and _only_frames(stretches, head):
        head += 1
    return Sentence(text, words, stretches, head)


def is_plural(noun: str) -> bool:
    """Whether it names several."""
    return noun in PLURAL_WITHOUT_S or (noun.endswith("s") and noun not in SINGULAR_WITH_S)


def actions_named(words: tuple[str, ...], subject: str) -> tuple[str, ...]:
    """What that subject is told to do, as it is drawn, once for each word that says so."""
    found = []
    about = ""  # the subject, while nothing but its own words came after it: "a man waves" is not about waves
    told = False  # whether the subject was named already
    for at, word in enumerate(words):
        noun = word in SUBJECT_NOUNS or word in PLACE_NOUNS
        if not noun or about or (told and "wave" in ACTIONS[subject] and _waves_too(words, at)):
            actions = ACTIONS[subject].items()
            found += [action for action, stems in actions if word.startswith(tuple(stems.split()))][:1]
        if SUBJECT_NOUNS.get(word) == subject or word in GARMENTS:
            about, told = word, True
        elif word in PREPOSITIONS:
            about = ""
    return tuple(found)


def places_named(sentence: Sentence) -> tuple[tuple[str, str], ...]:
    """(noun, place) of each noun after a preposition that names a place."""
    found = []
    for number, (opener, words) in enumerate(sentence.stretches):
        subject = sentence.subjects[0][0] if number == sentence.head and sentence.subjects else len(words)
        able = number > sentence.head and any("wave" in ACTIONS[SUBJECT_NOUNS[noun]] for _, noun in sentence.subjects)
        for index, word in enumerate(words if opener else ()):
            verb = word == "waves" and index > subject  # "while a flag waves"
            verb = verb or (able and _waves_too(words, index))
            if word in PLACE_NOUNS and not verb:
                found.append((word, PLACE_NOUNS[word]))
            if word in GARMENTS:
                break  # "in a red dress waves": what follows is a verb
    return tuple(found)


def _waves_too(words: tuple[str, ...], at: int) -> bool:
    """Whether "waves" there is what someone does: "along a beach and waves"."""
    last = words[at - 1] if at else ""
    article = next((word for word in reversed(words[:at]) if word in PREPOSITIONS or word in {"a", "an"}), "")
    return words[at] == "waves" and (last in {"and", "then"} or (last in PLACE_NOUNS and article in {"a", "an"}))


def _stretches(words: tuple[str, ...]) -> tuple[Stretch, ...]:
    cuts = [index for index, word in enumerate(words) if word in PREPOSITIONS]
    ends = [*cuts, len(words)]
    return (
        Stretch("", words[: ends[0]]),
        *(Stretch(words[at], words[at + 1 : end]) for at, end in zip(cuts, ends[1:], strict=True)),
    )


def _only_frames(stretches: tuple[Stretch, ...], index: int) -> bool:
    """Whether it only frames what follows it: "the camera pans | across", "a flock | of", "on a beach | at dusk"."""
    words = stretches[index].words
    if any(word in SUBJECT_NOUNS for word in words):
        return False
    inverted = not stretches[0].words  # the sentence starts with where or when
    aside = set(words) <= {"the", "left", "right"}  # "the camera pans | from left | to right | across"
    return aside or inverted or stretches[index + 1].opener == "of" or any(word in FRAMING for word in words)
