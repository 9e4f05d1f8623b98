"""What drawn models say of themselves, in the summary of a run."""

from __future__ import annotations

import pytest

from bench.records import ClipRow, Hold
from bench.stages.summarize import truly_held
from bench.summary import Judged

FRAMES = 48


def row(fact: object, number: int = 0) -> ClipRow:
    facts = {} if fact is None else {"true_mean_hold": fact}
    return ClipRow(f"c{number}", "m", "p", number, "a dog", "animals", "subject", "procedural", "f", facts=facts)


def judged(frames: int = FRAMES) -> Judged:
    return Judged("c0", "m", "p", "animals", frames, 24.0, Hold(frames, False))


@pytest.mark.parametrize(
    ("facts", "truth"),
    [
        ((17.0, 17.0), 17.0),
        ((6,), 6.0),
        ((17.0, 13.5), None),  # they disagree
        ((17.0, None), None),
        ((None,), None),
        ((), None),
        ((True,), None),  # facts are what a backend wrote
        (("17",), None),
        (([17.0], [17.0]), None),
        ((-1.0,), None),
        ((49.0,), None),
        ((float("nan"),), None),
    ],
)
def test_only_what_all_clips_of_a_model_say_is_taken(facts: tuple[object, ...], truth: float | None) -> None:
    assert truly_held([row(fact, k) for k, fact in enumerate(facts)], [judged()], FRAMES) == truth


def test_the_truth_of_so_many_frames_is_not_that_of_another_horizon() -> None:
    assert truly_held([row(17.0)], [judged(96)], FRAMES) is None
