"""The residuals of `bench.signals.flow` along the flow of RAFT (Teed and Deng 2020) instead of DIS."""

from __future__ import annotations

from bench.signals.flow import ResidualGlobal, ResidualLocal, Unmatched

RAFT = "raft-small"


class RaftResidualLocal(ResidualLocal):
    """Warping error of the worst 2% of 16-pixel blocks, over the block's gradient."""

    name, flow = "raft_residual_local", RAFT


class RaftResidualGlobal(ResidualGlobal):
    """Warping error of the whole picture over its gradient."""

    name, flow = "raft_residual_global", RAFT


class RaftUnmatched(Unmatched):
    """Share of pixels from inside the picture without valid flow."""

    name, flow = "raft_unmatched", RAFT
