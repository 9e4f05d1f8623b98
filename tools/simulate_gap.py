"""How often is the interval of `framehold compare`'s difference in kernel distance right? A table, as Markdown.

Features are normal in 16 dimensions; a prompt's effect is half of the variance, and half of that effect is the model's
own. Model A is shifted along one axis, B as far along another, and by `more` along a third: with more = 0 the two
lie equally far from real footage although they are not alike.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench.distances.estimate import Sample
from bench.distances.kernel import PolynomialKernel
from bench.distances.paired import apart_gap, paired_gap
from bench.records import Interval
from bench.survival import Floats

DIMENSIONS, MANY = 16, 4000
WORLDS = [  # prompts, seeds, real clips, shift of both, more of B
    (prompts, seeds, real, shift, more)
    for prompts, seeds, real in ((12, 2, 20), (20, 3, 40), (50, 1, 60))
    for shift, more in ((0.0, 0.0), (1.5, 0.0), (1.5, 0.8))
]


def shifted(features: Floats, axis: int, shift: float, more: float) -> Floats:
    """Moved along an axis, and along the first by `more`."""
    moved = features.copy()
    moved[:, axis] += shift
    moved[:, 0] += more
    return moved


def clips(prompts: int, seeds: int, common: Floats, rng: np.random.Generator) -> Floats:
    """Features (prompts x seeds, d) of variance 1: a quarter common to models, a quarter the model's own way."""
    effects = (common + rng.normal(size=common.shape)) / 2
    own = rng.normal(size=(prompts * seeds, DIMENSIONS)) / np.sqrt(2)
    return np.asarray(np.repeat(effects, seeds, axis=0) + own, float)


def true_gap(shift: float, more: float) -> float:
    """From very many clips; 0 without `more`, by symmetry."""
    if not more:
        return 0.0
    rng = np.random.default_rng(1)
    first, second, real = (rng.normal(size=(MANY, DIMENSIONS)) for _ in range(3))
    sets = [shifted(first, 1, shift, 0.0), shifted(second, 2, shift, more), real]
    where = np.repeat(np.arange(3), MANY)
    parts = [(where == part).astype(float)[None] for part in range(3)]
    kernel = PolynomialKernel(np.concatenate(sets))
    return float((kernel.between(parts[1], parts[2]) - kernel.between(parts[0], parts[2]))[0])


def limits(value: Interval | float) -> Interval:
    """Of at least eight prompts there always are some."""
    if not isinstance(value, Interval):
        raise TypeError("expected an interval")
    return value


def row(world: tuple[int, int, int, float, float], repetitions: int) -> list[str]:
    """Coverage of both intervals, and how often each lies off 0."""
    prompts, seeds, real, shift, more = world
    rng, truth = np.random.default_rng(7), true_gap(shift, more)
    labels = tuple(f"p{number // seeds}" for number in range(prompts * seeds))
    counts = np.zeros(4)
    for _ in range(repetitions):
        common = rng.normal(size=(prompts, DIMENSIONS))
        one, other = (clips(prompts, seeds, common, rng) for _ in range(2))
        gap = paired_gap(
            PolynomialKernel,
            Sample(shifted(one, 1, shift, 0.0), labels),
            Sample(shifted(other, 2, shift, more), labels),
            Sample(rng.normal(size=(real, DIMENSIONS))),
        )
        both = limits(gap.difference), apart_gap(limits(gap.first), limits(gap.second))
        counts += [found for each in both for found in (each.low <= truth <= each.high, not each.low <= 0 <= each.high)]
    shares = [f"{100 * count / repetitions:.1f}" for count in counts]
    return [f"{prompts} x {seeds}, {real}", f"{shift:g}", f"{truth:.3f}", *shares]


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=300)
    repetitions = parser.parse_args().repetitions
    head = ["prompts x seeds, real clips", "shift of both", "true difference", "paired: covers", "told from 0",
            "separate: covers", "told from 0"]  # fmt: skip
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for world in WORLDS:
        print(f"| {' | '.join(row(world, repetitions))} |", flush=True)


if __name__ == "__main__":
    main()
