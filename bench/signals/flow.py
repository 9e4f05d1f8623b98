"""Flow: what is left when the motion between two frames is undone."""

from __future__ import annotations

import numpy as np

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.planes import BLOCK, STRIDE, exceeded_by, region_of
from bench.signals.views import Step


class ResidualLocal:
    """Warping error of the worst 2% of 16-pixel blocks, over the block's gradient; one knee is a few of them.

    Pixels without a counterpart count too: a destroyed part would hide behind its own mask.
    """

    name, unit, floor = "residual_local", "working pixels of flow error", 0.5
    reads: tuple[Mode, ...] = ("level", "jump")
    family: Family = "flow"

    def update(self, step: Step) -> Reading:
        """What the worst 2% of blocks exceed, and the box around the worst of them."""
        blocks = step.block_residual
        return Reading(exceeded_by(blocks, 0.02), region_of(blocks, BLOCK, STRIDE, step.size))


class ResidualGlobal:
    """Warping error of the whole picture over its gradient: mean absolute, exposure taken out."""

    name, unit, floor = "residual_global", "working pixels of flow error", 0.15
    reads: tuple[Mode, ...] = ("level", "jump")
    family: Family = "flow"

    def update(self, step: Step) -> Reading:
        """Mean residual over mean gradient."""
        return Reading(step.mean_residual / (step.current.mean_gradient + 1.0))


class Unmatched:
    """Share of pixels from inside the picture without valid flow, for what is destroyed is masked from the residual."""

    name, unit, floor = "unmatched", "share of pixels", 0.1
    reads: tuple[Mode, ...] = ("level",)
    family: Family = "flow"

    def update(self, step: Step) -> Reading:
        """Occluded pixels over all pixels that come from inside."""
        inside = np.count_nonzero(step.inside)
        return Reading(np.count_nonzero(step.unmatched) / inside if inside else 1.0)
