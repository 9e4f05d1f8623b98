"""Holds -> the numbers a model is known by: frames held, held to the end, by cause, by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.calibration import conformal_rank
from bench.holds import STATIC
from bench.records import Hold, Interval, RateClass, RealHold
from bench.survival import (
    Floats,
    cluster_weights,
    incidence_by_cause,
    percentile_interval,
    restricted_mean,
    restricted_means,
    share_interval,
)

REPLICATES = 2000
SEED = 1  # of the bootstrap: the same tables give the same intervals


@dataclass(frozen=True)
class Judged:
    """One clip with its hold, and its (held frames, broke) under each of `Draws.thresholds` of its rate class."""

    clip_id: str
    model: str
    prompt_id: str
    category: str
    frames: int
    fps: float
    hold: Hold
    rate: int = 0
    redrawn: tuple[tuple[int, bool], ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds a frame lasts; 0 for a single frame."""
        return 1.0 / self.fps if self.fps else 0.0


@dataclass(frozen=True)
class Draws:
    """Thresholds as other draws of real footage would have set them, for each rate class."""

    thresholds: tuple[tuple[float, ...], ...]
    chosen: NDArray[np.int64] = field(repr=False)  # (rate classes, replicates): index into `thresholds`


def draw_thresholds(classes: Sequence[RateClass], alpha: float, replicates: int = REPLICATES) -> Draws:
    """Bootstrap each class's threshold over its real sources; the threshold is always one of a few of their scores."""
    rng = np.random.default_rng(SEED)
    values, chosen = [], []
    for rate in classes:
        scores = np.asarray(rate.scores)
        rank = conformal_rank(len(scores), alpha)
        drawn = np.sort(rng.choice(len(scores), (replicates, len(scores))), axis=1)[:, rank - 1]
        kept, index = np.unique(drawn, return_inverse=True)
        values.append(tuple(float(score) for score in scores[kept]))
        chosen.append(index)
    return Draws(tuple(values), np.asarray(chosen))


def common_horizon(clips: Sequence[Judged]) -> tuple[int, float]:
    """Frames and seconds of the shortest model, a model's length being the median of its clips'."""
    lengths: dict[str, list[Judged]] = {}
    for clip in clips:
        lengths.setdefault(clip.model, []).append(clip)
    frames = min(median(clip.frames for clip in group) for group in lengths.values())
    seconds = min(median(clip.frames * clip.seconds for clip in group) for group in lengths.values())
    return int(frames), float(seconds)


def summarize_clips(
    clips: Sequence[Judged], horizon: int, horizon_seconds: float, draws: Draws | None = None
) -> dict[str, Any]:
    """The block of one model from its judged clips (missing ones are counted elsewhere). Raises ValueError on none."""
    if not clips:
        raise ValueError("a model without a judged clip has no frames held")
    reach = min(horizon, max(clip.frames for clip in clips))
    reach_seconds = min(horizon_seconds, max(clip.frames * clip.seconds for clip in clips))
    causes = [clip.hold.cause for clip in clips]
    held, broke = _holds(clips)
    statics = sum(cause == STATIC for cause in causes)
    return {
        "frames_held": _mean_block(clips, np.ones(len(clips)), reach, draws),
        "seconds_held": _mean_block(clips, np.array([clip.seconds for clip in clips]), reach_seconds, draws),
        "held_to_end": held_to_end(clips, reach),
        "by_cause": incidence_by_cause(held, broke, causes, reach),
        "by_category": {
            category: {"frames_held": _mean_block(group, np.ones(len(group)), reach, draws), "clips": len(group)}
            for category, group in _by_category(clips).items()
        },
        "broke": int(broke.sum()) - statics,
        "censored": int((~broke).sum()),
        "static": statics,
    }


def summarize_reality(rate: RateClass, horizon: int, horizon_seconds: float) -> dict[str, Any]:
    """The ceiling: what the rule says of real footage that took no part in making it."""
    return summarize_clips([_as_judged(real) for real in rate.reality], horizon, horizon_seconds)


def held_to_end(clips: Sequence[Judged], horizon: int) -> dict[str, Any]:
    """Share still consistent at the horizon, exact interval, over clips that broke before it or were seen until it."""
    known = [clip for clip in clips if clip.hold.broke or clip.frames >= horizon]
    if not known:
        return {"value": None, "low": None, "high": None, "clips": 0}
    return _block(share_interval(sum(clip.hold.held_frames >= horizon for clip in known), len(known))) | {
        "clips": len(known)
    }


def _mean_block(clips: Sequence[Judged], units: Floats, horizon: float, draws: Draws | None) -> dict[str, Any]:
    """Restricted mean with its interval over prompts; without an interval where there is only one prompt."""
    held, broke = _holds(clips)
    value = restricted_mean(held * units, broke, horizon)
    prompts = [clip.prompt_id for clip in clips]
    if len(set(prompts)) < 2:
        return {"value": value, "low": None, "high": None, "horizon": horizon}
    replicates = REPLICATES if draws is None else draws.chosen.shape[1]
    weights = cluster_weights(prompts, replicates, np.random.default_rng(SEED))
    means = np.empty(replicates)
    for rows, drawn_held, drawn_broke in _worlds(clips, draws, replicates):
        means[rows] = restricted_means(drawn_held * units, drawn_broke, horizon, weights[rows])
    return _block(percentile_interval(value, means, len(set(prompts)))) | {"horizon": horizon}


def _worlds(
    clips: Sequence[Judged], draws: Draws | None, replicates: int
) -> list[tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]]:
    """(replicates, holds, break flags) for each set of thresholds that was drawn together."""
    if draws is None:
        return [(np.arange(replicates), *_holds(clips))]
    rates = sorted({clip.rate for clip in clips})
    together, index = np.unique(draws.chosen[rates], axis=1, return_inverse=True)
    worlds = []
    for world in range(together.shape[1]):
        choice = dict(zip(rates, together[:, world], strict=True))
        holds = [clip.redrawn[choice[clip.rate]] for clip in clips]
        worlds.append(
            (
                np.flatnonzero(index == world),
                np.array([held for held, _ in holds], float),
                np.array([b for _, b in holds]),
            )
        )
    return worlds


def _holds(clips: Sequence[Judged]) -> tuple[Floats, NDArray[np.bool_]]:
    return np.array([clip.hold.held_frames for clip in clips], float), np.array([clip.hold.broke for clip in clips])


def _by_category(clips: Sequence[Judged]) -> Mapping[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for clip in clips:
        groups.setdefault(clip.category, []).append(clip)
    return dict(sorted(groups.items()))


def _as_judged(real: RealHold) -> Judged:
    hold = Hold(real.held_frames, real.broke, cause="false alarm" if real.broke else None)
    return Judged(real.source, "real footage", real.source, "real", real.frames, real.fps, hold)


def _block(interval: Interval) -> dict[str, Any]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
