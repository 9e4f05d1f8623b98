"""Holds -> the numbers a model is known by: frames held, held to the end, by cause, by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.calibration import conformal_rank
from bench.holds import STATIC, Motion, is_static
from bench.records import FROZEN, REAL, Hold, Interval, Json, Moves, RateClass, RealHold, counted
from bench.resampling import generator, interval, prompt_weights, unseen_clips, unseen_prompt
from bench.survival import (
    Flags,
    Floats,
    Unseen,
    incidence_by_cause,
    lost_time,
    restricted_mean,
    share_interval,
    tally,
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


def common_horizon(clips: Sequence[Judged], asked: int | None = None) -> tuple[int, float]:
    """Frames and seconds of the shortest model, a model's length being the median of its clips'.

    Seconds are of `asked` frames instead, where those are given, at the rate of the fastest model.
    """
    lengths: dict[str, list[Judged]] = {}
    for clip in clips:
        lengths.setdefault(clip.model, []).append(clip)
    frames = min(median(clip.frames for clip in group) for group in lengths.values())
    seconds = min(median(seconds_until(clip, asked) for clip in group) for group in lengths.values())
    return int(frames), float(seconds)


def seconds_until(clip: Judged, horizon: int | None = None) -> float:
    """Seconds that a horizon in frames lasts at a clip's rate, however long the clip; without one, the clip itself."""
    return (horizon or clip.frames) * clip.seconds


def watched_until(groups: Iterable[Sequence[Judged]], frames: int, seconds: float) -> tuple[int, float]:
    """A horizon in frames and seconds, cut where the first of the groups ends, each with its longest clip."""
    for clips in groups:
        frames = min(frames, max(clip.frames for clip in clips))
        seconds = min(seconds, max(map(seconds_until, clips)))
    return frames, seconds


def summarize_clips(
    clips: Sequence[Judged], horizon: int, horizon_seconds: float, draws: Draws | None = None
) -> dict[str, Any]:
    """The block of one model from its judged clips (missing ones are counted elsewhere). Raises ValueError on none."""
    if not clips:
        raise ValueError("a model without a judged clip has no frames held")
    reach, reach_seconds = watched_until([clips], horizon, horizon_seconds)
    causes = [clip.hold.cause for clip in clips]
    held, broke = holds_of(clips)
    statics = sum(cause == STATIC for cause in causes)
    return {
        "frames_held": _mean_block(clips, np.ones(len(clips)), reach, draws),
        "seconds_held": _mean_block(clips, np.array([clip.seconds for clip in clips]), reach_seconds, draws),
        "held_to_end": held_to_end(clips, reach) | {"horizon": reach},
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


def summarize_references(
    clips: Sequence[Judged], moves: Mapping[str, Moves], classes: Sequence[RateClass], horizon: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Real footage in the rate class of most clips, and a frozen frame for each prompt."""
    rate = classes[Counter(clip.rate for clip in clips).most_common(1)[0][0]]
    fps = float(median(clip.fps for clip in clips))
    return {
        REAL: summarize_reality(rate, horizon, seconds),
        FROZEN: dict(summarize_frozen(moves, rate, fps, horizon, seconds)),
    }


def reality_notes(references: Mapping[str, Json], horizon: int) -> list[str]:
    """That real footage was not watched up to the horizon, where it was not: nobody knows how long it would hold."""
    frames = references[REAL]["frames_held"]["horizon"] if references else horizon
    if frames >= horizon:
        return []
    return [
        f"Real footage is known over its first {counted(frames, 'frame')} only: its row is of those, and says nothing "
        f"of the rest of the {counted(horizon, 'frame')}."
    ]


def summarize_frozen(moves: Mapping[str, Moves], rate: RateClass, fps: float, horizon: int, seconds: float) -> Json:
    """The floor: a frozen frame for each prompt, static wherever its prompt asks for motion."""
    still, frozen = Motion(0.0, 0.0, 0.0), []
    for prompt_id, moving in moves.items():
        static = is_static(still, moving, rate)
        hold = Hold(1, True, 1, cause=STATIC) if static else Hold(horizon, False)
        frozen.append(Judged(prompt_id, "frozen frame", prompt_id, "frozen", horizon, fps, hold))
    return summarize_clips(frozen, horizon, seconds)


def held_to_end(clips: Sequence[Judged], horizon: int) -> dict[str, Any]:
    """Share still consistent at the horizon, over clips that broke before it or were seen until it.

    The interval is exact where every prompt has one clip; clips of one prompt are not independent, so else it is over
    prompts.
    """
    known = [clip for clip in clips if clip.hold.broke or clip.frames >= horizon]
    if not known:
        return {"value": None, "low": None, "high": None, "clips": 0}
    lasted = np.array([clip.hold.held_frames >= horizon for clip in known])
    prompts, member = np.unique([clip.prompt_id for clip in known], return_inverse=True)
    if len(prompts) == len(known):
        share = share_interval(int(lasted.sum()), len(known))
    elif len(prompts) < 2:
        return {"value": float(lasted.mean()), "low": None, "high": None, "clips": len(known)}
    else:
        weights, unseen = over_prompts(known, REPLICATES)
        good, all_ = (np.bincount(member, each) for each in (lasted.astype(float), None))
        more = unseen.hold + unseen.break_at_once
        shares = (weights @ good + unseen.hold) / (weights @ all_ + more)
        share = interval(float(lasted.mean()), shares, len(prompts))
    return _block(share) | {"clips": len(known)}


def over_prompts(clips: Sequence[Judged], replicates: int, *key: object) -> tuple[Floats, Unseen]:
    """Weights of a model's prompts, in the order of their names, and its clips of the prompt nobody drew.

    What is measured over the same prompts gets the same weights, so that differences are paired; the unseen clips
    belong to `key`, by default the model.
    """
    prompts, member = np.unique([clip.prompt_id for clip in clips], return_inverse=True)
    rng = generator(SEED, "unseen", *(key or (clips[0].model,)))
    more = unseen_prompt(unseen_clips(holds_of(clips)[0], member), replicates, rng)
    return prompt_weights(prompts.tolist(), replicates, SEED), more


def resampled_means(
    clips: Sequence[Judged], units: Floats, horizon: float, draws: Draws | None, weights: Floats, unseen: Unseen
) -> Floats:
    """Restricted means of one model in every replicate (replicates,), each under the thresholds drawn with it.

    `weights` (replicates, prompts) are of the prompts in the order of their names; `units` is what a frame of each clip
    lasts, in the unit of the horizon.
    """
    prompts, member = np.unique([clip.prompt_id for clip in clips], return_inverse=True)
    means = np.empty(len(weights))
    for rows, held, broke in _worlds(clips, draws, len(weights)):
        counts = tally(held * units, broke, member, len(prompts))
        means[rows] = horizon - lost_time(counts, horizon, weights[rows], Unseen(*(each[rows] for each in unseen)))
    return means


def holds_of(clips: Sequence[Judged]) -> tuple[Floats, Flags]:
    """Held frames and break flags of the clips."""
    return np.array([clip.hold.held_frames for clip in clips], float), np.array([clip.hold.broke for clip in clips])


def _mean_block(clips: Sequence[Judged], units: Floats, horizon: float, draws: Draws | None) -> dict[str, Any]:
    """Restricted mean with its interval over prompts; without an interval where there is only one prompt."""
    held, broke = holds_of(clips)
    value = restricted_mean(held * units, broke, horizon)
    prompts = len({clip.prompt_id for clip in clips})
    if prompts < 2:
        return {"value": value, "low": None, "high": None, "horizon": horizon}
    replicates = REPLICATES if draws is None else draws.chosen.shape[1]
    means = resampled_means(clips, units, horizon, draws, *over_prompts(clips, replicates))
    return _block(interval(value, means, prompts)) | {"horizon": horizon}


def _worlds(
    clips: Sequence[Judged], draws: Draws | None, replicates: int
) -> Iterator[tuple[NDArray[np.intp], Floats, Flags]]:
    """(replicates, holds, break flags) for each set of thresholds that was drawn together."""
    if draws is None:
        yield np.arange(replicates), *holds_of(clips)
        return
    rate = np.array([clip.rate for clip in clips])
    most = max(int(draws.chosen.max()) + 1, *(len(clip.redrawn) for clip in clips))  # a stand-in has one hold for all
    redrawn = np.array([clip.redrawn + clip.redrawn[-1:] * (most - len(clip.redrawn)) for clip in clips], float)
    rates, of_clip = np.unique(rate, return_inverse=True)
    together, index = np.unique(draws.chosen[rates], axis=1, return_inverse=True)
    for world in range(together.shape[1]):
        chosen = redrawn[np.arange(len(clips)), together[of_clip, world]]
        yield np.flatnonzero(index == world), chosen[:, 0], chosen[:, 1] > 0


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
