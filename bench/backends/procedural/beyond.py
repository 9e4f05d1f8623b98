"""What of a prompt would not be in the picture. Each check gives the reason, naming the words, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.backends.procedural.colouring import not_coloured
from bench.backends.procedural.places import PLACES
from bench.backends.procedural.sentence import FLAME, Sentence, Stretch, actions_named, is_plural, places_named
from bench.backends.procedural.vocabulary import (
    ACTIONS,
    CAMERA_WORDS,
    COLOURS,
    FRAMING,
    GARMENTS,
    GROUPS,
    NEGATIONS,
    NUMBERS,
    OCCLUDERS,
    OTHER_ACTIONS,
    OWN_PLACE,
    PASSING,
    PLACE_NOUNS,
    PLAIN_TOPS,
    PREPOSITIONS,
    ROOTED,
    SUBJECT_NOUNS,
    TOPS,
    WORN_BY,
)

if TYPE_CHECKING:
    from bench.backends.procedural.reading import Wish

KNOWN = frozenset().union(
    COLOURS, NUMBERS, SUBJECT_NOUNS, PLACE_NOUNS, GARMENTS, PREPOSITIONS, FRAMING, OCCLUDERS, PASSING
)
FORMS = "(e|s|es|ies|ed|ing|[bgmnpt]ing)?"  # how a stem may end
VERBS = OTHER_ACTIONS.union(  # what any subject does
    *({stem, f"{stem}s", f"{stem}es", f"{stem}ing", f"{stem}{stem[-1]}ing"}
      for actions in ACTIONS.values() for stems in actions.values() for stem in stems.split())
)  # fmt: skip
SIDE = re.compile(r"\b(left|right)\b")
SECONDS = ("second", "seconds")  # how long a clip is
SCENERY = {"tree": {"tree", "pine"}, "house": {"house", "building"}}  # subject -> what of it stands in places
BESIDE = frozenset({"past", "by", "near", "along", "through", "beside", "between", "toward", "towards"})
SHOWN_WITH = {  # a place -> others that are in its picture; the sky is, but for a room
    "beach": {"sea"}, "park": {"meadow"}, "village": {"meadow"}, "mountains": {"meadow"}, "sky": {"meadow"},
}  # fmt: skip
OWN_SETTINGS = {"waterfall": {"forest", "sea", "sky"}, "waves": {"sea", "sky"}}  # a place of their own, always
ACROSS = re.compile(r"\b(?P<start>left|right) to (the )?(?P<goal>(?!(?P=start))(left|right))\b")
TO_OR_FRO = re.compile(  # a way to go, or to be seen, that no flat figure has
    r"\b((towards?|away from|to|from|at|past|into|behind|near|beside) (the |a )?camera"
    r"(?! (\w+ly )?(pan|zoom|push|pull|doll|glid|slid|truck|mov|follow|track))"  # "a dog runs past, the camera pans"
    r"|from (above|under|inside|behind(?! (an?|the|row|tree|trunk|post|pillar|column))))\b"
)
SLOPES = frozenset({"hill", "hills", "mountain", "mountains", "alps", "dune", "dunes"})
ASTRAY, PANNING, OUTWARDS, INWARDS = (
    re.compile(pattern)
    for pattern in (
        r"\b(pan|glid|mov|slid|truck|travel)\w*( \w+ly)? (up|around|away|back|out)\b",
        r"\bcamera( \w+ly)? (glid|slid|truck|travel)|\bpan(s|ning)?\b",
        r"\b(zoom\w*|push\w*|pull\w*|dolly|dollies) (slowly )?(out|back|away)\b",
        r"\b(zoom\w*|push\w*|dolly|dollies) (slowly )?(in|closer|towards?)\b",
    )
)


def left_out(sentence: Sentence, wish: Wish) -> str | None:
    """What is named in order to say that it is not there."""
    del wish
    word = next((word for word in sentence.words if word in NEGATIONS), None)
    return f"it draws all that is named and leaves nothing out ({word!r}): say only what is there" if word else None


def other_subject(sentence: Sentence, wish: Wish) -> str | None:
    """A second subject, or a second group of the same."""
    named = [(at, noun) for at, noun in sentence.subjects if noun != FLAME] or list(sentence.subjects)
    if named and named[-1][0] - named[0][0] >= len(named):  # not side by side, as in "beach ball" or "candle flame"
        nouns = [noun for _, noun in named]
        kinds = list(dict.fromkeys(SUBJECT_NOUNS[noun] for noun in nouns))
        if len(kinds) > 1:
            return f"it draws one kind of subject at a time, not {' and '.join(kinds)}: leave all but one out"
        return f"it draws one group of a subject, all alike, not {' and '.join(map(repr, nouns))}: say them as one"
    for stretch in sentence.after:
        for word in stretch.words:
            if word in SUBJECT_NOUNS and not _is_there(word, stretch, wish):
                there = "" if stretch.opener == "of" else f" ({stretch.opener} ...)"  # "in front of"
                return f"it draws one subject, a {wish.subject}, and not {word!r}{there}: leave it out"
    return None


def _is_there(noun: str, stretch: Stretch, wish: Wish) -> bool:
    """Whether that noun after the head is in the picture all the same."""
    if noun in PLACE_NOUNS or (noun == FLAME and wish.subject == "candle"):
        return True
    if wish.occluder and noun.rstrip("s") in OCCLUDERS and stretch.opener in {"behind", "of"}:
        return True
    props = {prop.kind for prop in PLACES[wish.place].props}
    return stretch.opener in BESIDE and bool(props & SCENERY.get(SUBJECT_NOUNS[noun], set()))


def uncounted(sentence: Sentence, wish: Wish) -> str | None:
    """A number that is not that of the subject."""
    first = min((at for at, _ in sentence.subjects), default=0)
    own = [word for word in (*sentence.before, *sentence.heads[:first]) if word in NUMBERS or word.isdigit()]
    told = [word for word in own if word not in GROUPS]
    later = [word for stretch in sentence.after for word in (*stretch.words, "")]
    others = [word for word, after in pairwise(later) if after not in SECONDS]
    astray = [word for word in (*sentence.heads[first:], *others) if word in NUMBERS or word.isdigit()]
    if astray or len(told) > 1:
        return f"it counts the subject alone, by one number before it, not {(astray or told[1:])[0]!r}: leave it out"
    if own and wish.subject == "waves":
        return f"it does not count waves ({own[-1]!r}): leave the number out"
    if told and wish.count > 1 and not any(is_plural(noun) for _, noun in sentence.subjects):
        return f"it counts subjects, not what they have ({told[0]!r}): say how many in the plural, or leave it out"
    gliding = any(camera.startswith("glide") for camera in wish.cameras)
    if own and wish.count > 1 and gliding and wish.subject in ROOTED:
        return f"a camera that pans passes a whole row, not {own[-1]!r}: leave the number out, or the camera"
    return None


def undone(sentence: Sentence, wish: Wish) -> str | None:
    """Something that the subject would not do."""
    able = _stems(wish.subject)
    for word in sentence.words:
        if word in OTHER_ACTIONS and not word.startswith(able):
            return f"it knows no {wish.subject} that {word} (knows: {', '.join(ACTIONS[wish.subject])})"
    words = sentence.words
    filmed = {at for at, word in enumerate(words) if word.startswith("glid") and "camera" in words[max(0, at - 2) : at]}
    own = tuple(word for at, word in enumerate(words) if at not in filmed)
    actions = dict.fromkeys((wish.action, *actions_named(own, wish.subject)))
    if len(actions) > 1:
        return f"it draws one action at a time, not {' and '.join(actions)}: leave all but one out"
    return None


def unseen_place(sentence: Sentence, wish: Wish) -> str | None:
    """A second place, or one that this subject is never drawn in."""
    shown = OWN_SETTINGS.get(wish.subject) or {wish.place, *SHOWN_WITH.get(wish.place, ())}
    shown = shown | ({"sky"} if wish.place != "room" else set())
    own = OWN_PLACE[wish.subject] if wish.subject in OWN_SETTINGS else wish.place
    other = next((noun for noun, place in places_named(sentence) if place not in shown), None)
    return f"it draws this in one place, {own}, and not {other!r}: leave it out" if other else None


def unfilmed(sentence: Sentence, wish: Wish) -> str | None:
    """A move of the camera, or a side to go to, that is not one of its own."""
    text = " ".join(sentence.words)
    moves = "it pans left or right, zooms in or out, one move at a time"
    if "camera" in wish.words and (astray := ASTRAY.search(text)):
        return f"{moves}, and never {astray[0]!r}"
    both = ("push in" in wish.cameras and PANNING.search(text)) or (OUTWARDS.search(text) and INWARDS.search(text))
    if both:
        return f"{moves}: leave all but one out"
    if wish.cameras and "then" in wish.words:
        return "its camera does one thing from first to last, and nothing 'then': leave that out"
    split = {"left", "right"} <= wish.words and (len(SIDE.findall(text)) > 2 or not ACROSS.search(text))
    return "it goes one way, not left and right: leave one out" if split else None


def unsided(sentence: Sentence, wish: Wish) -> str | None:
    """A way to go, or to be seen, other than from the side and on the level."""
    if way := TO_OR_FRO.search(" ".join(sentence.words)):
        return f"it shows a {wish.subject} from the side, and not {way[0]!r}: leave that out"
    for opener, words in sentence.stretches:
        if opener in {"up", "down"} and SLOPES & {*words} and "among" not in words:  # "jumps up and down among dunes"
            return f"it goes on the level, and not {' '.join((opener, *words))!r}: leave that out"
    return None


def undressed(sentence: Sentence, wish: Wish) -> str | None:
    """Looks, garments and things that this subject or place is drawn without."""
    words = wish.words
    if "striped" in words and wish.subject not in {"ball", "flag"} and (not words & set(TOPS) or words & PLAIN_TOPS):
        return "only balls, flags, shirts and sweaters are 'striped': leave it out"
    if "snowy" in words and wish.place != "snow":
        return f"no snow lies in its {wish.place} ('snowy'): say \"in the snow\", or leave it out"
    if unlit := _unlit(sentence, wish):
        return unlit
    for word in sentence.words:
        if word in GARMENTS and wish.subject != WORN_BY.get(word, "person"):
            return f"it draws a {wish.subject} without {word!r}: leave it out"
        if word in THINGS and not THINGS[word](wish) and not word.startswith(_stems(wish.subject)):
            return f"it draws no {word!r} here: leave it out"
    return None


def _unlit(sentence: Sentence, wish: Wish) -> str | None:
    """A place that is said to be dark, or bright, and is not: candles alone burn in the dark."""
    wrong = "bright" if wish.subject == "candle" else "dark"
    for opener, words in sentence.stretches:
        said = words[words.index(wrong) :] if opener and wrong in words else ()
        if place := next((word for word in said if word in PLACE_NOUNS), ""):
            return f"it draws no {wrong} {place} with a {wish.subject} ({wrong!r}): leave that out"
    return None


THINGS: dict[str, Callable[[Wish], bool]] = {
    "table": lambda wish: wish.subject == "candle",
    "pool": lambda wish: wish.subject == "waterfall",
    "sails": lambda wish: wish.subject == "windmill",
    "rocks": lambda wish: wish.subject == "waterfall" or wish.place == "desert",
    **dict.fromkeys(("trunk", "trunks", "pillars", "posts", "columns"), lambda wish: bool(wish.occluder)),
}


def unknown(sentence: Sentence, wish: Wish) -> str | None:
    """Words that it does not know: what they say would not be there."""
    known = KNOWN | CAMERA_WORDS if wish.cameras or "camera" in wish.words else KNOWN
    does = re.compile(f"({'|'.join(_stems(wish.subject))}){FORMS}")
    strange = [word for word in strangers(sentence.words, known) if not does.fullmatch(word)]
    if not strange:
        return None
    actions = ", ".join(ACTIONS[wish.subject])
    return (
        f"it does not know {', '.join(map(repr, strange))}: leave that out, or say it in words it knows "
        f"(a {wish.subject} can {actions})"
    )


def strangers(words: Sequence[str], known: Set[str] = KNOWN | CAMERA_WORDS | VERBS) -> list[str]:
    """Those of these words that are not known and no figures, once each."""
    return [word for word in dict.fromkeys(words) if word not in known and not word.isdigit()]


def _stems(subject: str) -> tuple[str, ...]:
    return tuple(" ".join(ACTIONS[subject].values()).split())


CHECKS: tuple[Callable[[Sentence, Wish], str | None], ...] = (
    left_out, other_subject, uncounted, undone, unseen_place, unfilmed, unsided, undressed, not_coloured, unknown
)  # fmt: skip
