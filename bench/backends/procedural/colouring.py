"""Which colours a prompt gives to what, and which of them would not be in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from bench.backends.procedural.sentence import FLAME, Sentence, places_named
from bench.backends.procedural.vocabulary import (
    COLOURS,
    GARMENTS,
    LEGWEAR,
    PLACE_NOUNS,
    PREPOSITIONS,
    SUBJECT_NOUNS,
    TOPS,
)

if TYPE_CHECKING:
    from bench.backends.procedural.reading import Wish

NONE: frozenset[str] = frozenset()
ANY = frozenset(COLOURS)
EARTH, SANDY, STONY = frozenset({"green", "brown"}), frozenset({"golden", "yellow", "beige", "tan"}), {"grey", "gray"}
OF_PLACES: Mapping[str, Set[str]] = {
    "beach": SANDY, "park": EARTH, "street": STONY | {"black"}, "forest": EARTH, "meadow": EARTH, "village": EARTH,
    "desert": SANDY, "snow": {"white"}, "mountains": STONY | EARTH, "sea": {"blue"}, "room": {"brown"},
    "sky": {"blue", "white"},
}  # fmt: skip
OF_SUBJECTS: Mapping[str, Set[str]] = {  # of those that are always drawn in their own
    "fire": {"red", "orange", "yellow", "golden"},
    "house": NONE,
    "person": NONE,
    "waterfall": {"white"},
    "waves": {"blue", "white"},
}
WORN_IN_COLOUR = {"person": (*TOPS, *LEGWEAR), "boat": ("sail",)}
OF_SCENERY: Mapping[str, Set[str]] = {"tree": {"green"}}
WITH_ANY, WITH_WHITE = frozenset({"balloon", "flag"}), frozenset({"cow", "lighthouse"})  # what a second colour can be


def colours_named(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """noun -> the colours that stand before it where it is named first with any."""
    found: dict[str, tuple[str, ...]] = {}
    for noun, colours in _given(words):
        if noun:
            found.setdefault(noun, colours)
    return found


def not_coloured(sentence: Sentence, wish: Wish) -> str | None:
    """A colour that nothing in the picture would have."""
    for noun, colours in _given(sentence.words):
        named = " and ".join(colours)
        if not noun or colours != wish.colours[noun]:
            return f"it does not see what is {named}: say it right before a noun that it knows, and once"
        if not set(colours) <= _possible(noun, sentence, wish):
            return f"it has no {named} {noun}: leave the colour out"
        if len(colours) > 1 and not _goes_with(noun, colours[1:], wish):
            return f"it gives {noun!r} one colour, not {named}"
    tops = [noun for noun in wish.colours if noun in TOPS]
    return f"it draws one garment above the belt, not {' and '.join(tops)}" if len(tops) > 1 else None


def _given(words: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(noun, the colours before it) in order; no noun where a preposition or the end comes first."""
    pending: tuple[str, ...] = ()
    for word in words:
        if word in COLOURS:
            pending = (*pending, word)
            continue
        noun = word in SUBJECT_NOUNS or word in GARMENTS or word in PLACE_NOUNS
        if pending and (noun or word in PREPOSITIONS):
            yield word if noun else "", pending
            pending = ()
    if pending:
        yield "", pending


def _possible(noun: str, sentence: Sentence, wish: Wish) -> Set[str]:
    """The colours that it can be drawn in."""
    if noun in GARMENTS:
        return ANY if noun in WORN_IN_COLOUR.get(wish.subject, ()) else NONE
    if noun in (named for _, named in sentence.subjects):
        return NONE if noun == FLAME else OF_SUBJECTS.get(wish.subject, ANY)
    place = dict(places_named(sentence)).get(noun)
    return OF_PLACES[place] if place else OF_SCENERY.get(SUBJECT_NOUNS.get(noun, ""), NONE)


def _goes_with(noun: str, others: tuple[str, ...], wish: Wish) -> bool:
    """Whether that many more colours can be on it."""
    if SUBJECT_NOUNS.get(noun) != wish.subject or len(others) > 1:
        return False
    striped = wish.subject == "ball" and "striped" in wish.words
    return striped or wish.subject in WITH_ANY or (wish.subject in WITH_WHITE and others == ("white",))
