"""Do the intervals and verdicts keep what they promise? Simulated clips whose truth is known: the tables of docs.

    nice python tools/simulate_coverage.py [--repetitions 1000] [--only coverage,verdicts,power,rare,thresholds,history]

Prints Markdown. Clips break at Weibull times (shape .7: many early, some late) that correlate within a prompt through a
Gaussian copula. A third of the clips have 24 frames, the rest 48, the horizon.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from bench.calibration import conformal_rank
from bench.records import Hold, RateClass
from bench.resampling import cluster_weights, interval, percentile_interval, unseen_clips, unseen_prompt
from bench.sequential import sequential_test
from bench.summary import Judged, draw_thresholds, summarize_clips
from bench.survival import Floats, lost_time, restricted_mean, restricted_mean_variance, restricted_means, tally

HORIZON, SHORT, SHAPE = 48, 24, 0.7
PROMPTS = (10, 20, 50, 100)
REPLICATES = 1000
MARGIN = 0.05 * HORIZON


class Clips(NamedTuple):
    """Holds, break flags and the index of the prompt."""

    held: Floats
    broke: NDArray[np.bool_]
    prompt: NDArray[np.intp]


class World(NamedTuple):
    """How clips come about. `scale` is the Weibull scale in frames, `alike` the correlation within a prompt.

    `versions_alike` is how far one seed's noise does the same to two models: much, for two versions of one. `short` is
    the share of clips that have half the frames.
    """

    prompts: int
    seeds: int
    alike: float
    scale: float
    versions_alike: float = 0.0
    short: float = 1 / 3


def scale_for(censored: float, short: float = 1 / 3) -> float:
    """The Weibull scale at which that share of the clips ends unbroken."""

    def excess(scale: float) -> float:
        return float(short * _survival(SHORT, scale) + (1 - short) * _survival(HORIZON, scale) - censored)

    return float(optimize.brentq(excess, 1e-3, 1e6))


def scale_losing(scale: float, frames: float) -> float:
    """The Weibull scale at which the mean hold is lower by so many frames."""
    if frames == 0:
        return scale
    return float(optimize.brentq(lambda other: true_mean(scale) - true_mean(other) - frames, 1e-6, scale))


def _survival(frames: Floats | float, scale: float) -> Floats:
    return np.asarray(np.exp(-((np.asarray(frames, float) / scale) ** SHAPE)))


def true_mean(scale: float) -> float:
    """Mean of min(held, horizon) in whole frames."""
    return float(_survival(np.arange(1.0, HORIZON + 1), scale).sum())


def draw(world: World, rng: np.random.Generator, shared: Floats | None = None, noise: Floats | None = None) -> Clips:
    """Clips of one model; `shared` (prompts, 1) and `noise` (prompts, seeds) are what it has in common with another."""
    common = rng.normal(size=(world.prompts, 1)) if shared is None else shared
    own = rng.normal(size=(world.prompts, world.seeds))
    if noise is not None:
        own = np.sqrt(world.versions_alike) * noise + np.sqrt(1 - world.versions_alike) * own
    latent = np.sqrt(world.alike) * common + np.sqrt(1 - world.alike) * own
    held = np.floor(world.scale * (-stats.norm.logsf(latent)) ** (1 / SHAPE)).ravel()
    ends = np.where(rng.random(held.size) < world.short, SHORT, HORIZON)
    return Clips(np.minimum(held, ends), held < ends, np.repeat(np.arange(world.prompts), world.seeds))


# ---- intervals of frames held ------------------------------------------------------------------------------------

Limits = tuple[float, float]


def ours(clips: Clips, prompts: int, rng: np.random.Generator, weights: Floats | None = None) -> Floats:
    """Replicates of frames held as bench.summary makes them."""
    weights = rng.standard_exponential((REPLICATES, prompts)) if weights is None else weights
    unseen = unseen_prompt(unseen_clips(clips.held, clips.prompt), REPLICATES, rng)
    return HORIZON - lost_time(tally(clips.held, clips.broke, clips.prompt, prompts), HORIZON, weights, unseen)


def _ours(clips: Clips, prompts: int, rng: np.random.Generator) -> Limits:
    low, high = interval(restricted_mean(clips.held, clips.broke, HORIZON), ours(clips, prompts, rng), prompts)[1:]
    return low, high


def _percentile(clips: Clips, prompts: int, rng: np.random.Generator, expanded: bool = False) -> Limits:
    weights = cluster_weights(clips.prompt.tolist(), REPLICATES, rng)
    means = restricted_means(clips.held, clips.broke, HORIZON, weights)
    if expanded:
        low, high = percentile_interval(restricted_mean(clips.held, clips.broke, HORIZON), means, prompts)[1:]
    else:
        low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _expanded(clips: Clips, prompts: int, rng: np.random.Generator) -> Limits:
    return _percentile(clips, prompts, rng, expanded=True)


def _jackknife(clips: Clips, prompts: int, rng: np.random.Generator) -> Limits:
    counts = tally(clips.held, clips.broke, clips.prompt, prompts)
    without = HORIZON - lost_time(counts, HORIZON, 1.0 - np.eye(prompts))
    spread = np.sqrt((prompts - 1) ** 2 / prompts * without.var(ddof=1))
    return _symmetric(restricted_mean(clips.held, clips.broke, HORIZON), spread, stats.t.ppf(0.975, prompts - 1))


def _naive(clips: Clips, prompts: int, rng: np.random.Generator) -> Limits:
    spread = np.sqrt(restricted_mean_variance(clips.held, clips.broke, HORIZON))
    return _symmetric(restricted_mean(clips.held, clips.broke, HORIZON), spread, 1.96)


def _symmetric(value: float, spread: float, times: float) -> Limits:
    return value - times * spread, value + times * spread


METHODS: dict[str, Callable[[Clips, int, np.random.Generator], Limits]] = {
    "framehold": _ours,
    "percentile bootstrap over prompts": _percentile,
    "the same, expanded": _expanded,
    "jackknife over prompts, t": _jackknife,
    "naive: clips as if independent": _naive,
}


def covered(world: World, methods: Sequence[str], repetitions: int, rng: np.random.Generator) -> list[float]:
    """Share of the 95% intervals that hold the truth, by method."""
    truth, hits = true_mean(world.scale), np.zeros(len(methods))
    for _ in range(repetitions):
        clips = draw(world, rng)
        limits = [METHODS[name](clips, world.prompts, rng) for name in methods]
        hits += [low <= truth <= high for low, high in limits]
    return list(hits / repetitions)


def coverage(repetitions: int) -> None:
    """The whole grid for our interval, and the other methods beside it where they differ most."""
    rng = np.random.default_rng(7)
    kinds = [(1, 0.0), *((seeds, alike) for seeds in (3, 5) for alike in (0.0, 0.3, 0.6))]
    shares = (0.2, 0.4, 0.6)
    header(
        ["prompts \\ seeds, correlation, censored", *(f"{s}, {a:g}, {100 * c:.0f}%" for s, a in kinds for c in shares)]
    )
    for prompts in PROMPTS:
        cells = [
            covered(World(prompts, seeds, alike, scale_for(share)), ["framehold"], repetitions, rng)[0]
            for seeds, alike in kinds
            for share in shares
        ]
        line([str(prompts), *map(percent, cells)])
    say("")
    header(["20 prompts x 5 seeds", *METHODS])
    for alike in (0.0, 0.3, 0.6):
        for share in (0.4, 0.9):
            world = World(20, 5, alike, scale_for(share))
            cells = covered(world, list(METHODS), repetitions // 2, rng)
            line([f"correlation {alike:g}, {share:.0%} censored", *map(percent, cells)])
    for prompts in (10, 20):
        cells = covered(World(prompts, 1, 0.0, scale_for(0.9)), list(METHODS), repetitions // 2, rng)
        line([f"{prompts} prompts x 1 seed, 90% censored", *map(percent, cells)])


# ---- verdicts ----------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """Limits of candidate minus baseline by each method."""

    ours: Limits
    unpaired: Limits
    t_test: Limits
    log_rank_p: float


def compare_once(world: World, other_scale: float, rng: np.random.Generator, rare: float = 0.0) -> Pair:
    """Two models over the same prompts, compared. In a share `rare` of the prompts the candidate breaks at frame 3."""
    shared, noise = rng.normal(size=(world.prompts, 1)), rng.normal(size=(world.prompts, world.seeds))
    one = draw(world, rng, shared, noise)
    other = draw(world._replace(scale=other_scale), rng, shared, noise)
    if rare:
        hit = (rng.random(world.prompts) < rare)[other.prompt] & (other.held > 3)
        other = Clips(np.where(hit, 3.0, other.held), other.broke | hit, other.prompt)
    value = restricted_mean(other.held, other.broke, HORIZON) - restricted_mean(one.held, one.broke, HORIZON)
    weights = rng.standard_exponential((REPLICATES, world.prompts))
    count = world.prompts
    limits = interval(value, ours(other, count, rng, weights) - ours(one, count, rng, weights), count)
    apart = interval(value, ours(other, count, rng) - ours(one, count, rng), count)
    gains = _prompt_means(other) - _prompt_means(one)
    spread, times = gains.std(ddof=1) / np.sqrt(world.prompts), float(stats.t.ppf(0.975, world.prompts - 1))
    with np.errstate(invalid="ignore"):  # where nothing breaks
        ranks = stats.logrank(
            *(stats.CensoredData(uncensored=s.held[s.broke], right=s.held[~s.broke]) for s in (one, draw(world, rng)))
        )
    by_t = _symmetric(value, spread, times)
    return Pair((limits.low, limits.high), (apart.low, apart.high), by_t, float(ranks.pvalue))


def verdicts(repetitions: int) -> None:
    """A against A, and against a model that is worse by just the margin."""
    rng = np.random.default_rng(8)
    header(
        ["prompts x seeds, correlation", "A against A: regression at 5%", "A against A: \"worse\" (margin 0)",
         "A against A: pass at 5%", "worse by the margin: false pass", "worse by the margin: false regression",
         "log-rank over clips, other prompts: rejects A = A", "unpaired pass of A = A"]
    )  # fmt: skip
    scale = scale_for(0.4)
    for prompts in PROMPTS:
        for seeds, alike in ((1, 0.3), (3, 0.6)):
            world = World(prompts, seeds, alike, scale)
            same = [compare_once(world, scale, rng) for _ in range(repetitions // 2)]
            worse = [compare_once(world, scale_losing(scale, MARGIN), rng) for _ in range(repetitions // 2)]
            line([
                f"{prompts} x {seeds}, {alike:g}",
                share(pair.ours[1] < -MARGIN for pair in same),
                share(pair.ours[1] < 0 for pair in same),
                share(pair.ours[0] > -MARGIN for pair in same),
                share(pair.ours[0] > -MARGIN for pair in worse),
                share(pair.ours[1] < -MARGIN for pair in worse),
                share(pair.log_rank_p < 0.05 for pair in same),
                share(pair.unpaired[0] > -MARGIN for pair in same),
            ])  # fmt: skip


def power(repetitions: int) -> None:
    """Chance of each verdict at a margin of 5%, by how much worse the candidate is."""
    rng = np.random.default_rng(9)
    losses = (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3)
    scale = scale_for(0.4)
    for versions_alike, kind in ((0.0, "two models"), (0.9, "two versions of one")):
        header([f"{kind}: pass / regression", *(f"worse by {100 * loss:g}%" for loss in losses)])
        for prompts in (20, 50, 100, 200):
            world = World(prompts, 3, 0.6, scale, versions_alike)
            cells = []
            for loss in losses:
                other = scale_losing(scale, loss * HORIZON)
                pairs = [compare_once(world, other, rng) for _ in range(repetitions // 5)]
                passed = share(pair.ours[0] > -MARGIN for pair in pairs)
                cells.append(f"{passed} / {share(pair.ours[1] < -MARGIN for pair in pairs)}")
            line([f"{prompts} prompts", *cells])
        say("")


def rare(repetitions: int) -> None:
    """Models that hold 90% of their clips, all as long, the candidate wrecked in a few prompts: how often unnoticed?"""
    rng = np.random.default_rng(10)
    header(["prompts, 1 seed, 90% hold; 6% of prompts wrecked", "false pass", "of a paired t interval"])
    scale = scale_for(0.9, short=0)
    for prompts in PROMPTS:
        world = World(prompts, 1, 0.3, scale, 0.97, short=0)
        lost = np.mean([_lost_rarely(world, rng) for _ in range(200)])
        pairs = [compare_once(world, scale, rng, rare=0.06) for _ in range(repetitions // 2)]
        cells = [share(getattr(pair, name)[0] > -lost for pair in pairs) for name in ("ours", "t_test")]
        line([str(prompts), *cells])


def _lost_rarely(world: World, rng: np.random.Generator) -> float:
    clips = draw(world._replace(prompts=1000), rng)
    return 0.06 * float(np.maximum(restricted_mean(clips.held, clips.broke, HORIZON) - 3, 0))


# ---- thresholds --------------------------------------------------------------------------------------------------


def thresholds(repetitions: int, sources: int = 59) -> None:
    """The threshold itself comes from a few real sources: intervals with and without drawing them again."""
    rng = np.random.default_rng(11)
    header(["20 prompts x 3 seeds, threshold from 59 sources", "coverage", "mean width"])
    true_threshold = float(stats.lognorm.ppf(0.95, 0.5))
    big = _evidence(rng, 20_000, 1)
    truth = float(np.mean([_hold(times, sizes, true_threshold)[0] for times, sizes in big]))
    hits, widths = np.zeros(2), np.zeros(2)
    for _ in range(repetitions // 5):
        scores = tuple(sorted(float(each) for each in stats.lognorm.rvs(0.5, size=sources, random_state=rng)))
        rate = RateClass(24.0, HORIZON, (), scores, scores[conformal_rank(sources, 0.05) - 1], 0.0, 0.0)
        draws = draw_thresholds([rate], 0.05)
        clips = [
            _judged(index, times, sizes, rate.threshold, draws.thresholds[0])
            for index, (times, sizes) in enumerate(_evidence(rng, 20, 3))
        ]
        for which, drawn in enumerate((draws, None)):
            block = summarize_clips(clips, HORIZON, HORIZON / 24, drawn)["frames_held"]
            hits[which] += block["low"] <= truth <= block["high"]
            widths[which] += block["high"] - block["low"]
    for which, name in enumerate(("sources drawn again", "threshold taken as known")):
        line([name, percent(hits[which] / (repetitions // 5)), f"{widths[which] / (repetitions // 5):.1f} frames"])


def _evidence(rng: np.random.Generator, prompts: int, seeds: int) -> list[tuple[Floats, Floats]]:
    """Three events a clip: when, and how much evidence each leaves; sizes correlate within a prompt."""
    level = np.repeat(rng.normal(0, 0.4, prompts), seeds)
    sizes = np.exp(level[:, None] + rng.normal(0, 0.5, (prompts * seeds, 3)) + 0.5)
    times = np.sort(rng.integers(1, HORIZON, (prompts * seeds, 3)), axis=1)
    return list(zip(times, sizes, strict=True))


def _hold(times: Floats, sizes: Floats, threshold: float) -> tuple[int, bool]:
    over = np.flatnonzero(sizes > threshold)
    return (int(times[over[0]]), True) if over.size else (HORIZON, False)


def _judged(index: int, times: Floats, sizes: Floats, threshold: float, others: Sequence[float]) -> Judged:
    hold = Hold(*_hold(times, sizes, threshold), cause="residual_local")
    redrawn = tuple(_hold(times, sizes, other) for other in others)
    return Judged(str(index), "model", str(index // 3), "any", HORIZON, 24.0, hold, 0, redrawn)


# ---- many nights -------------------------------------------------------------------------------------------------


def history(repetitions: int, versions: int = 200) -> None:
    """One model, checked at every version: alarms over the whole series without a change, and delay after one."""
    rng = np.random.default_rng(12)
    header([f"{versions} versions, 2 seeds", "series with a false alarm", "the same, a t test a night",
            "found after a drop of 20% at version 50", "median delay, versions"])  # fmt: skip
    scale = scale_for(0.4)
    series = max(repetitions // 5, 20)
    for prompts in (10, 20, 50):
        world = World(prompts, 2, 0.6, scale)
        calm, nightly, found, delays = 0, 0, 0, []
        for _ in range(series):
            shared = rng.normal(size=(prompts, 1))
            table = np.stack([_prompt_means(draw(world, rng, shared)) for _ in range(versions)])
            calm += sequential_test(table, rng=rng, draws=999).alarm is not None
            gains = table[1:] - table[:-1]
            nightly += bool((stats.ttest_1samp(gains, 0, axis=1, alternative="less").pvalue < 0.05).any())
        for _ in range(series // 5):
            shared = rng.normal(size=(prompts, 1))
            worse = world._replace(scale=scale_losing(scale, 0.2 * HORIZON))
            rows = [_prompt_means(draw(world if night < 50 else worse, rng, shared)) for night in range(80)]
            alarm = sequential_test(np.stack(rows), rng=rng).alarm
            if alarm is not None and alarm >= 50:
                found += 1
                delays.append(alarm - 49)
        middle = f"{np.median(delays):.0f}" if delays else "-"
        line(
            [
                f"{prompts} prompts",
                percent(calm / series),
                percent(nightly / series),
                percent(found / (series // 5)),
                middle,
            ]
        )


def _prompt_means(clips: Clips) -> Floats:
    return np.bincount(clips.prompt, clips.held) / np.bincount(clips.prompt)


# ---- Markdown ----------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)


def line(cells: Sequence[str]) -> None:
    """A row of a table."""
    say(f"| {' | '.join(cells)} |")


def header(cells: Sequence[str]) -> None:
    """The head of a table."""
    line(cells)
    say("|" + "---|" * len(cells))


def percent(value: float) -> str:
    """With one digit."""
    return f"{100 * value:.1f}"


def share(flags: object) -> str:
    """Of those that are true, per cent."""
    return percent(float(np.mean(list(flags))))  # type: ignore[call-overload]


PARTS = {
    "coverage": coverage,
    "verdicts": verdicts,
    "power": power,
    "rare": rare,
    "thresholds": thresholds,
    "history": history,
}


def main() -> None:
    """Every part that was asked for, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--only", default=",".join(PARTS))
    chosen = parser.parse_args()
    for name in chosen.only.split(","):
        start = time.monotonic()
        say(f"\n### {name}\n")
        PARTS[name](chosen.repetitions)
        say(f"\n({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
