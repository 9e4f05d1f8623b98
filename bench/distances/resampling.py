"""Which clips are drawn: bootstrap, halves, relabelling. Clips of one group (a source, a prompt) stay together.

Everything comes as weights (replicates, clips); a group is any label, and clips that share none have one each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.distances.samples import Floats

Groups = NDArray[np.intp]


def numbered(labels: Sequence[str]) -> Groups:
    """Groups as numbers from 0.

    >>> numbered(["b", "a", "b"]).tolist()
    [1, 0, 1]
    """
    return np.unique(np.asarray(labels, dtype=str), return_inverse=True)[1]


def bootstrap(groups: Groups, replicates: int, rng: np.random.Generator) -> Floats:
    """How often each clip is drawn when as many groups as there are are drawn with replacement."""
    count = int(groups.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=replicates)
    return np.asarray(drawn[:, groups], np.float64)


def half_size(groups: Groups) -> int:
    """The largest size at which two samples without a common group can always be drawn; 0 for a single group."""
    if groups.max() == 0:
        return 0
    return int((len(groups) - np.bincount(groups).max() + 1) // 2)


def halves(groups: Groups, size: int, replicates: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two samples of `size` clips each, without a common clip or group."""
    left, right = np.zeros((2, replicates, len(groups)))
    for replicate in range(replicates):
        order = _shuffled(groups, rng)
        left[replicate, order[:size]] = 1.0
        others = order[groups[order] != groups[order[size - 1]]]
        rest = others[~np.isin(others, order[:size])]
        right[replicate, rest[:size]] = 1.0
    return left, right


def subsets(groups: Groups, size: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Samples of `size` clips, of whole groups but for the last."""
    weights = np.zeros((replicates, len(groups)))
    for replicate in range(replicates):
        weights[replicate, _shuffled(groups, rng)[:size]] = 1.0
    return weights


def relabelled(groups: Groups, first: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Weights of the first sample when labels are exchanged; the second has the rest. `first` clips come first.

    A group with clips in both samples (one prompt, two models) exchanges labels within itself; the others exchange as
    whole groups, as many of them staying with the first sample as it has.
    """
    labels = np.arange(len(groups)) < first
    counts = np.bincount(groups, labels), np.bincount(groups, ~labels)
    shared = (counts[0] > 0) & (counts[1] > 0)
    alone = np.flatnonzero(~shared)
    weights = np.empty((replicates, len(groups)))
    for replicate in range(replicates):
        belongs = counts[0] > 0
        belongs[alone] = rng.permutation(belongs[alone])
        drawn = belongs[groups]
        for group in np.flatnonzero(shared):
            members = np.flatnonzero(groups == group)
            drawn[members] = rng.permutation(labels[members])
        weights[replicate] = drawn
    return weights


def _shuffled(groups: Groups, rng: np.random.Generator) -> NDArray[np.intp]:
    """All clips, group by group, the groups and the clips within each in random order."""
    order = rng.permutation(len(groups))
    rank = rng.permutation(int(groups.max()) + 1)
    return order[np.argsort(rank[groups[order]], kind="stable")]
