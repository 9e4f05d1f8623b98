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
    loss, drift = alignment_curves([0, 1, 2, 3, 5, 8], unit(0, 0, 0, 0, 90, 30), unit(30)[0])
    assert (loss.signal, drift.signal) == ("alignment_loss", "embedding_drift")
    assert loss.frames == drift.frames == (0, 1, 2, 3, 5, 8)
    # similarity 0.866 at first, cos 60 = 0.5 at frame 5, 1 at frame 8
    assert loss.values == pytest.approx([0, 0, 0, 0, COS[30] - COS[60], COS[30] - 1], abs=1e-6)
    assert drift.values == pytest.approx([0, 0, 0, 0, 1 - COS[90], 1 - COS[30]], abs=1e-6)


def test_the_opening_is_the_direction_of_the_mean() -> None:
    # 0, 60, 0, 60: the mean points to 30, whatever its length
    _, drift = alignment_curves(range(5), unit(0, 60, 0, 60, 90), unit(0)[0])
    assert drift.values == pytest.approx([1 - COS[30]] * 4 + [1 - COS[60]], abs=1e-6)
    assert OPENING == 4


def test_higher_is_less_consistent() -> None:
    loss, drift = alignment_curves(range(7), unit(0, 0, 0, 0, 10, 20, 40), unit(0)[0])
    assert loss.values[3:] == tuple(sorted(loss.values[3:]))
    assert drift.values[3:] == tuple(sorted(drift.values[3:]))


def test_without_a_text_there_is_only_the_drift() -> None:
    (drift,) = alignment_curves([0, 1], unit(0, 60), None)
    assert drift.signal == "embedding_drift"
    assert drift.values == pytest.approx([1 - COS[30]] * 2, abs=1e-6)


def test_a_single_picture_is_its_own_opening() -> None:
    loss, drift = alignment_curves([0], unit(45), unit(0)[0])
    assert loss.values == drift.values == (0.0,)


def test_from_the_opening_on_a_curve_does_not_depend_on_what_comes_after() -> None:
    embeddings = unit(0, 5, 3, 8, 30, 50, 20)
    whole = alignment_curves(range(7), embeddings, unit(10)[0])
    for length in range(OPENING, 7):
        part = alignment_curves(range(length), embeddings[:length], unit(10)[0])
        assert [curve.values for curve in part] == [curve.values[:length] for curve in whole]
