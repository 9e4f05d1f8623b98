"""One model's versions, one after the other -> is the newest worse? A test that may be looked at after every version.

Under no change the clips of a prompt are exchangeable between versions. So given which values a prompt has shown up to
now, each is as likely as another to be the newest one's: drawing the newest from among them, prompt by prompt, gives a
p value that is exact, and those of successive versions are independent (conformal test martingales, Vovk et al. 2005,
with a permutation within each prompt). Betting against them, from every version on at which a change may have begun,
gives an e-process: the chance that it ever passes 1/alpha without a change is at most alpha (Ville 1939).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.survival import Floats

DRAWS = 9_999


@dataclass(frozen=True)
class VersionRow:
    """One version: frames held with its own 95% interval, and the evidence of a decline."""

    run: str
    model: str
    frames_held: float
    low: float | None
    high: float | None
    clips: int
    missing: int
    p: float
    """Of this version being no worse than the earlier ones, as far as this one alone can tell."""
    evidence: float
    """All evidence up to here of a decline at some version; an alarm when it passes 1 / alpha."""


@dataclass(frozen=True)
class History:
    """A series of versions. Without a change the chance of any alarm, ever, is at most alpha."""

    suite: str
    horizon: int
    alpha: float
    limit: float
    versions: tuple[VersionRow, ...]
    alarm: int | None
    """Index of the version at which the evidence passed the limit first."""
    clips_used: int
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 once there was an alarm, else 0."""
        return 0 if self.alarm is None else 1


class Sequential(NamedTuple):
    """What each version adds. `evidence` passes `limit` first at `alarm`, the index of a version, or never (None)."""

    p_values: Floats
    evidence: Floats
    limit: float
    alarm: int | None


def sequential_test(values: Floats, rng: np.random.Generator, alpha: float = 0.05, draws: int = DRAWS) -> Sequential:
    """Test versions one by one; `values` (versions, prompts) is the mean hold, NaN where a version has no clip."""
    if values.ndim != 2 or not np.isfinite(values).any():
        raise ValueError(f"expected holds of versions by prompts, got {values.shape}")
    p_values = np.array([_p_value(values[: version + 1], rng, draws) for version in range(len(values))])
    evidence = mixture(p_values)
    over = np.flatnonzero(evidence >= 1 / alpha)
    return Sequential(p_values, evidence, 1 / alpha, int(over[0]) if over.size else None)


def _p_value(values: Floats, rng: np.random.Generator, draws: int) -> float:
    """How often one drawn from each prompt's values holds no longer, in all, than the newest version's."""
    newest, prompts = values[-1], np.isfinite(values[-1]) & (np.isfinite(values).sum(axis=0) > 1)
    if not prompts.any():
        return 1.0
    values = values[:, prompts]
    present = np.isfinite(values)
    order = np.argsort(~present, axis=0, kind="stable")  # what a prompt has shown, first
    shown = np.take_along_axis(values, order, axis=0)
    picked = (rng.random((draws, shown.shape[1])) * present.sum(axis=0)).astype(int)
    drawn = shown[picked, np.arange(shown.shape[1])].sum(axis=1)
    observed = float(newest[prompts].sum())
    return float((1 + (drawn <= observed + 1e-9 * max(abs(observed), 1.0)).sum()) / (1 + draws))


def bet(p_values: Floats) -> Floats:
    """What a stake of 1 becomes: the mean of e p^(e-1) over e in (0, 1), whose expectation under uniform p is 1.

    (Vovk & Wang 2021, eq. 6: (1 - p + p ln p) / (p ln(p)^2).)
    """
    p = np.minimum(p_values, 1 - 1e-6)
    return np.asarray((1 - p + p * np.log(p)) / (p * np.log(p) ** 2))


def mixture(p_values: Floats) -> Floats:
    """After each version, the stakes that began to bet at version 1, 2, ...: 1 / k (k + 1) of the whole at the k-th."""
    evidence, betting, waiting = [], 0.0, 1.0
    for number, gain in enumerate(bet(np.asarray(p_values)), start=1):
        begins = 1 / (number * (number + 1))
        waiting -= begins
        betting = (betting + begins) * float(gain)
        evidence.append(betting + max(waiting, 0.0))
    return np.array(evidence)
