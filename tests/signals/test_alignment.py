"""Alignment: loss of similarity to the prompt and drift from the opening, on embeddings in a plane."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.signals.alignment import OPENING, alignment_curves

COS = {degrees: float(np.cos(np.radians(degrees))) for degrees in (0, 30, 60, 90, 120)}


def unit(*degrees: float) -> NDArray[np.float32]:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_both_curves_by_hand() -> None:
    # Four pictures at 0 degrees are the opening; the text lies at 30.
    loss, drift = alignment_curves([0, 1, 2, 3, 5, 8], unit(0, 0, 0, 0, 90, 120), unit(30)[0], fps=1)
    assert (loss.signal, drift.signal) == ("alignment_loss", "embedding_drift")
    assert loss.frames == drift.frames == (0, 1, 2, 3, 5, 8)
    # similarity 0.866 at first, cos 60 = 0.5 at frame 5, cos 90 = 0 at frame 8
    assert loss.values == pytest.approx([0, 0, 0, 0, COS[30] - COS[60], COS[30] - COS[90]], abs=1e-6)
    assert drift.values == pytest.approx([0, 0, 0, 0, 1 - COS[90], 1 - COS[120]], abs=1e-6)


def test_what_comes_back_soon_was_never_lost() -> None:
    # Out of sight for three frames, then gone for good.
    seen = unit(*[0] * 6, *[90] * 3, *[0] * 4, *[60] * 5)
    loss, drift = alignment_curves(range(18), seen, unit(0)[0], fps=4)
    for curve in (loss, drift):
        assert curve.values == pytest.approx([0] * 13 + [1 - COS[60]] * 5, abs=1e-6)
    sooner, _ = alignment_curves(range(18), seen, unit(0)[0], fps=3)
    assert sooner.values == pytest.approx([0] * 6 + [1] + [0] * 6 + [1 - COS[60]] * 5, abs=1e-6)
    at_once, _ = alignment_curves(range(18), seen, unit(0)[0], fps=1)
    assert at_once.values == pytest.approx([0] * 6 + [1] * 3 + [0] * 4 + [1 - COS[60]] * 5, abs=1e-6)


def test_a_second_is_one_of_the_container_whatever_repeats() -> None:
    # Animation on threes at 6 frames a second: a second is two distinct frames. Lost at frame 12, back at 18 and 21.
    frames = range(0, 24, 3)
    loss, _ = alignment_curves(frames, unit(0, 0, 0, 0, 90, 60, 0, 0), unit(0)[0], fps=6)
    assert loss.values == pytest.approx([0, 0, 0, 0, 1 - COS[60], 0, 0, 0], abs=1e-6)
    # At the end of a clip there is no more to wait for.
    loss, _ = alignment_curves(frames[:5], unit(0, 0, 0, 0, 90), unit(0)[0], fps=6)
    assert loss.values == pytest.approx([0, 0, 0, 0, 1], abs=1e-6)


def test_the_opening_is_the_direction_of_the_mean() -> None:
    # 0, 60, 0, 60: the mean points to 30, whatever its length
    _, drift = alignment_curves(range(5), unit(0, 60, 0, 60, 90), unit(0)[0], fps=1)
    assert drift.values == pytest.approx([1 - COS[30]] * 4 + [1 - COS[60]], abs=1e-6)
    assert OPENING == 4


def test_higher_is_less_consistent() -> None:
    loss, drift = alignment_curves(range(7), unit(0, 0, 0, 0, 10, 20, 40), unit(0)[0], fps=24)
    assert loss.values[3:] == tuple(sorted(loss.values[3:]))
    assert drift.values[3:] == tuple(sorted(drift.values[3:]))


def test_without_a_text_there_is_only_the_drift() -> None:
    (drift,) = alignment_curves([0, 1], unit(0, 60), None, fps=8)
    assert drift.signal == "embedding_drift"
    assert drift.values == pytest.approx([1 - COS[30]] * 2, abs=1e-6)


def test_a_single_picture_is_its_own_opening() -> None:
    loss, drift = alignment_curves([0], unit(45), unit(0)[0], fps=0)
    assert loss.values == drift.values == (0.0,)


def test_a_value_depends_on_the_opening_and_on_what_comes_soon_but_on_nothing_later() -> None:
    embeddings = unit(0, 5, 3, 8, 30, 50, 20, 10, 70, 60)
    whole = alignment_curves(range(10), embeddings, unit(10)[0], fps=3)
    for length in range(OPENING, 10):
        part = alignment_curves(range(length), embeddings[:length], unit(10)[0], fps=3)
        known = length - 2
        assert [curve.values[:known] for curve in part] == [curve.values[:known] for curve in whole]
        # what a longer clip would take back is still held against a shorter one
        assert all((np.array(p.values) >= np.array(w.values[:length])).all() for p, w in zip(part, whole, strict=True))
