"""Composed prompts: the reader reads each as it was meant, and the pictures are those of the clip."""

from __future__ import annotations

import numpy as np
import pytest

from bench.backends.procedural.composing import compose_prompt, draw_frames
from bench.backends.procedural.phrases import CAMERAS, PHRASES, PLACE_PHRASES, WAYS
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render
from bench.backends.procedural.scenes import compose
from bench.backends.procedural.subjects import SUBJECTS
from bench.backends.procedural.vocabulary import ACTIONS, COLOURS, SUBJECT_NOUNS
from bench.records import MissingClip


def test_composed_prompts_are_read_back_as_they_were_meant() -> None:
    rng = np.random.default_rng(5)
    composed = [compose_prompt(rng) for _ in range(600)]
    for one in composed:
        wish = read_prompt(one.text)
        assert (wish.subject, wish.colour_name, wish.action, wish.place, "".join(wish.cameras), wish.count) == (
            one.subject, one.colour, one.action, one.place, one.camera, one.count,
        ), one.text  # fmt: skip
    assert {one.subject for one in composed} == set(SUBJECTS)
    assert len({one.text for one in composed}) > 500


def test_a_subject_can_be_asked_for_and_the_same_seed_is_the_same_prompt() -> None:
    ones, others = ([compose_prompt(np.random.default_rng(n), "dog") for n in range(20)] for _ in range(2))
    assert ones == others
    assert {one.subject for one in ones} == {"dog"}


def test_the_words_are_known_to_the_reader() -> None:
    assert set(PHRASES) == set(SUBJECTS)
    for kind, phrases in PHRASES.items():
        assert {SUBJECT_NOUNS[noun.split()[-1]] for noun in (*phrases.nouns, *phrases.several)} == {kind}
        assert set(phrases.verbs) <= set(ACTIONS[kind])
        assert set(phrases.colours) <= set(COLOURS)
        assert set(phrases.places) <= set(PLACE_PHRASES) == set(WAYS)
        assert set(phrases.cameras) <= set(CAMERAS)


def test_drawn_frames_are_those_of_the_clip() -> None:
    text = "A brown dog trots through a park"
    frames = draw_frames(text, 3, (0, 7), 64, 48)
    scene = compose(read_prompt(text), 3, 64, 48, 24.0)
    np.testing.assert_array_equal(frames, np.stack([render(scene, 0), render(scene, 7)]))
    with pytest.raises(MissingClip):
        draw_frames("A unicorn", 3, (0,))
