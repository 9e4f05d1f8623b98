"""Teach the continuation network, part two: examples -> embedded weights, and what they find on sources held out.

python -m tools.train_continuation EXAMPLES [--out FILE] [--folds 4] [--only FOLD] [--epochs 9] [--without FAILURE]

First the network of cells is taught single steps, then the network of courses is taught what those come to over a
clip. One member a fold is trained without the fold's sources and tested on them; `--only all` trains the one that has
seen everything. With --out all members are written as one safetensors file that names the clips each has seen; --join
adds the members of files written before. EXAMPLES is made by tools/continuation_data.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as read
from safetensors.numpy import save
from torch import Tensor, nn
from torch.nn import functional

from bench.embedded import metadata
from bench.failures import FAILURES
from bench.signals.cells import FEATURES
from bench.signals.continuation import (
    LARGEST,
    LARGEST_COURSE,
    POOLS,
    SUMMARY,
    Course,
    summary,
    weigh,
)

CHANNELS, HIDDEN, HEAD = 32, 24, 48
BATCH, SAMPLES = 32, 10_000  # of an epoch, half of them broken
CELL_WEIGHT = 0.7  # of the loss of cells beside that of frames
SMOOTHING = 0.02  # of labels
RATE = 3e-3  # of learning, at its highest
COURSE_HIDDEN, COURSE_BATCH, COURSE_EPOCHS, COURSE_RATE = 64, 256, 14, 2e-3
COURSE_DROPOUT = 0.3
COURSE_NETS = 4  # of each member, side by side
KIND_BALANCE = 0.75  # 1: each failure counts alike, however many steps it has; 0: each step alike
DRAWN = "drawn-"  # sources that the renderer drew
EVERY = " every failure"
LEVEL = 0.95  # of clean clips that stay under the threshold
AT_ONCE = {
    "cut",
    "frame_jump",
    "zoom_pop",
    "mirrored",
    "patch_replaced",
    "vanish",
    "identity_swap",
    "pop_in",
    "reverse",
    *(f"drawn-{name}" for name in ("limbs", "pop", "background", "turn")),
}
"""Failures that show in the step of their onset; later steps go on as if nothing had been."""
OF_ORDER = {"reverse", "shuffle"}
"""Failures that no single step gives away: the network of cells is not taught them."""


@dataclass(frozen=True)
class Example:
    """Some steps of one clip."""

    clip: str
    kind: str
    severity: str
    share: float
    onset: int
    frames: int
    steps: NDArray[np.int32]
    features: NDArray[np.float16]
    spreads: NDArray[np.float32]
    whole: NDArray[np.float32]
    broken: NDArray[np.int8]
    cells: NDArray[np.int8]

    @property
    def is_broken(self) -> bool:
        """Or is it unbroken?"""
        return self.onset < self.frames

    @property
    def is_real(self) -> bool:
        """Unbroken, and nothing was done to it?"""
        return self.kind.startswith("real")

    @property
    def is_whole_take(self) -> bool:
        """Is it what the failures of its take were laid on?"""
        return self.kind.startswith(("real", "visited", "whipped"))

    @property
    def light(self) -> Example:
        """Without its features."""
        return replace(self, features=np.zeros((0, 0, 0, 0), np.float16), cells=np.zeros((0, 0, 0), np.int8))


@dataclass(frozen=True)
class ClipExamples:
    """All examples made from one clip."""

    name: str
    source: str
    sha256: str
    examples: tuple[Example, ...]


def load(folder: Path) -> list[ClipExamples]:
    """Every clip's examples, in order of name."""
    return [_load(path) for path in sorted(folder.glob("*.npz"))]


def _load(path: Path) -> ClipExamples:
    with np.load(path, allow_pickle=False) as content:
        ends = np.cumsum(content["lengths"])
        parts = {name: content[name] for name in ("steps", "features", "spreads", "whole", "broken", "cells")}
        examples = []
        for about, length, end in zip(content["about"], content["lengths"], ends, strict=True):
            kind, severity, share, onset, frames = (str(part) for part in about)
            taken = {name: part[end - length : end] for name, part in parts.items()}
            if kind in AT_ONCE:
                taken["broken"][1:] = -1
                taken["cells"][1:] = -1
            examples.append(Example(path.stem, kind, severity, float(share), int(onset), int(frames), **taken))
        return ClipExamples(path.stem, str(content["source"]), str(content["sha256"]), tuple(examples))


def quickly() -> torch.autocast:
    """Convolutions in bfloat16: five times as fast on processors that have it."""
    return torch.autocast("cpu", torch.bfloat16)


class Net(nn.Module):
    """What `bench.signals.continuation.judge` computes, to be trained."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        inputs = len(FEATURES)
        self.c1 = nn.Conv2d(inputs, CHANNELS, 3)
        self.ctx = nn.Linear(2 * inputs, CHANNELS)
        self.c2 = nn.Conv2d(CHANNELS, HIDDEN, 3, dilation=2)
        self.out = nn.Conv2d(HIDDEN, 1, 1)
        self.f1 = nn.Linear(len(POOLS) + 2 * HIDDEN + 2 * inputs, HEAD)
        self.f2 = nn.Linear(HEAD, 1)
        self.drop = nn.Dropout(0.2)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(log odds of frames (n,), of cells (n, rows, columns)) from features (n, rows, columns, features)."""
        inputs = ((features - self.mean) / self.std).clamp(-LARGEST, LARGEST)
        flat = inputs.flatten(1, 2)
        mean, square = flat.mean(dim=1), flat.square().mean(dim=1)
        context = torch.cat([mean, (square - mean.square()).clamp(min=1e-8).sqrt()], dim=1)
        around = functional.pad(inputs.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
        hidden = functional.relu(self.c1(around) + self.ctx(context)[..., None, None])
        hidden = functional.relu(self.c2(functional.pad(hidden, (2, 2, 2, 2), mode="replicate"))).float()
        cells = self.out(hidden)[:, 0].float()
        ranked = cells.flatten(1).sort(dim=1, descending=True).values
        pools = [ranked[:, : max(1, int(ranked.shape[1] * share))].mean(dim=1, keepdim=True) for share in POOLS]
        seen = torch.cat([*pools, hidden.amax(dim=(2, 3)), hidden.mean(dim=(2, 3)), context], dim=1)
        return self.f2(functional.relu(self.f1(self.drop(seen))))[:, 0], cells

    def member(self) -> dict[str, NDArray[np.float32]]:
        """Its weights as `judge` takes them."""
        weights = {name: value.detach().numpy().astype(np.float32) for name, value in self.state_dict().items()}
        for name in ("c1.weight", "c2.weight"):
            weights[name] = np.ascontiguousarray(weights[name].transpose(2, 3, 1, 0))
        for name in ("out", "f2"):
            weights[f"{name}.weight"] = weights[f"{name}.weight"].reshape(-1)
            weights[f"{name}.bias"] = weights[f"{name}.bias"].reshape(())
        return weights


def train(
    clips: Sequence[ClipExamples],
    epochs: int,
    seed: int,
    without: Sequence[str],
) -> Net:
    """A network of cells taught by these clips, but for the failures left out."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    examples = [e for clip in clips for e in clip.examples if e.kind not in {*without, *OF_ORDER}]
    good, bad = _index(examples)
    kinds = np.array([examples[number].kind for number, _ in bad])
    chances = np.array([1 / np.sum(kinds == kind) for kind in kinds])
    chances /= chances.sum()
    probe = np.concatenate([examples[e].features[s].reshape(-1, len(FEATURES)) for e, s in rng.permutation(good)[:400]])
    values = probe.astype(np.float32)
    net = Net(torch.from_numpy(values.mean(axis=0)), torch.from_numpy(values.std(axis=0) + 1e-3))
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.02)
    steps = epochs * (SAMPLES // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + epochs, pct_start=0.15)
    for epoch in range(epochs):
        drawn = rng.choice(len(bad), SAMPLES // 2, p=chances)
        chosen = np.concatenate([good[rng.permutation(len(good))[: SAMPLES // 2]], bad[drawn]])
        losses = []
        for batch in _batches(examples, chosen, rng):
            loss = _loss(net, *batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}", flush=True)
    return net.eval()


def _index(examples: Sequence[Example]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(example, step) of every step that is not broken, and of every one that is."""
    found: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    for number, example in enumerate(examples):
        for step, label in enumerate(example.broken):
            if label >= 0:
                found[int(label)].append((number, step))
    return np.array(found[0]), np.array(found[1])


def _batches(
    examples: Sequence[Example], chosen: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Features, frame labels and cell labels; the pictures of a batch have one size."""
    by_size: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
    for number, step in rng.permutation(chosen):
        waiting = by_size[examples[number].features.shape[1:3]]
        waiting.append((number, step))
        if len(waiting) == BATCH:
            features = np.stack([examples[n].features[s] for n, s in waiting]).astype(np.float32)
            frames = np.array([examples[n].broken[s] for n, s in waiting], np.float32)
            cells = np.stack([examples[n].cells[s] for n, s in waiting]).astype(np.float32)
            if rng.random() < 0.5:
                features, cells = features[:, :, ::-1], cells[:, :, ::-1]
            yield torch.from_numpy(features.copy()), torch.from_numpy(frames), torch.from_numpy(cells.copy())
            waiting.clear()


def _loss(net: Net, features: Tensor, frames: Tensor, cells: Tensor) -> Tensor:
    with quickly():
        frame_odds, cell_odds = net(features)
    frame_loss = functional.binary_cross_entropy_with_logits(frame_odds.float(), _smoothed(frames))
    told = (cells >= 0).float()
    cell_loss = functional.binary_cross_entropy_with_logits(cell_odds, cells.clamp(min=0), weight=told)
    return frame_loss + CELL_WEIGHT * cell_loss


def _smoothed(labels: Tensor) -> Tensor:
    return labels * (1 - 2 * SMOOTHING) + SMOOTHING


@dataclass(frozen=True)
class Told:
    """An example with the course of each of its steps (steps, 3 x SUMMARY)."""

    rate: str
    example: Example
    courses: NDArray[np.float32]


def courses_of(net: Net, clip: ClipExamples) -> Iterator[Told]:
    """Every example of a clip; a broken one goes on from the course of the unbroken clip before its onset."""
    rate, unbroken = "", list[tuple[int, NDArray[np.float32]]]()
    for example in clip.examples:
        vectors = _vectors(net, example)
        course = Course()
        if " " in example.kind:
            rate = example.kind.split()[1]
        if example.is_whole_take:
            unbroken = list(zip(example.steps.tolist(), vectors, strict=True))
        elif example.is_broken:
            for step, vector in unbroken:
                if step < example.onset:
                    course.add(vector)
        yield Told(rate, example, np.stack([course.add(vector) for vector in vectors]))


def _vectors(net: Net, example: Example) -> list[NDArray[np.float32]]:
    """What each step comes to, as `summary` gives it."""
    features = example.features.astype(np.float32)
    with torch.inference_mode(), quickly():
        glances, maps = (told.float() for told in net(torch.from_numpy(features)))
    told = zip(example.spreads, maps.numpy(), glances.tolist(), example.whole, strict=True)
    return [summary(spread, where, glance, whole) for spread, where, glance, whole in told]


def train_courses(told: Sequence[Told], seed: int, without: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The second network's weights, as `weigh` takes them: several networks side by side, whose mean it is."""
    torch.manual_seed(seed)
    kept = [(each, each.example.broken >= 0) for each in told if each.example.kind not in without]
    inputs = np.concatenate([each.courses[labelled] for each, labelled in kept])
    broken = np.concatenate([each.example.broken[labelled] for each, labelled in kept])
    kinds = np.concatenate([np.full(int(labelled.sum()), each.example.kind) for each, labelled in kept])
    labels, weights = torch.from_numpy(broken.astype(np.float32)), torch.from_numpy(_weights(broken, kinds))
    mean, std = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    scaled = torch.from_numpy(np.clip((inputs - mean) / std, -LARGEST_COURSE, LARGEST_COURSE).astype(np.float32))
    nets = [_course_net(scaled, labels, weights) for _ in range(COURSE_NETS)]
    parts = {
        "t1.weight": torch.cat([first.weight for first, _ in nets]),
        "t1.bias": torch.cat([first.bias for first, _ in nets]),
        "t2.weight": torch.cat([second.weight[0] for _, second in nets]) / COURSE_NETS,
        "t2.bias": torch.stack([second.bias[0] for _, second in nets]).mean(),
    }
    taken = {name: np.asarray(value.detach().numpy(), np.float32) for name, value in parts.items()}
    return taken | {"t.mean": mean.astype(np.float32), "t.std": std.astype(np.float32)}


def _weights(broken: NDArray[np.int8], kinds: NDArray[np.str_]) -> NDArray[np.float32]:
    """Of each step: rare failures count more, and all broken steps together as much as all others."""
    weights = np.ones(len(broken))
    for kind in set(kinds[broken == 1].tolist()):
        its = (broken == 1) & (kinds == kind)
        weights[its] = its.sum() ** -KIND_BALANCE
    weights[broken == 1] *= (broken == 0).sum() / weights[broken == 1].sum()
    return weights.astype(np.float32)


def _course_net(scaled: Tensor, labels: Tensor, weights: Tensor) -> tuple[nn.Linear, nn.Linear]:
    first, second = nn.Linear(3 * SUMMARY, COURSE_HIDDEN), nn.Linear(COURSE_HIDDEN, 1)
    net = nn.Sequential(nn.Dropout(COURSE_DROPOUT), first, nn.ReLU(), nn.Dropout(COURSE_DROPOUT), second)
    steps = COURSE_EPOCHS * len(scaled) // COURSE_BATCH
    optimiser = torch.optim.AdamW(net.parameters(), COURSE_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, COURSE_RATE, total_steps=steps + 1)
    for _ in range(steps):
        chosen = torch.randint(0, len(scaled), (COURSE_BATCH,))
        odds = net(scaled[chosen])[:, 0]
        smooth = _smoothed(labels[chosen])
        loss = functional.binary_cross_entropy_with_logits(odds, smooth, weights[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return first, second


def examine(judged: Sequence[Judged]) -> list[str]:
    """What was found on clips held out: at the level that 95% of the clean ones stay under, by rate."""
    before_it = {each.example.clip: each for each in judged if each.example.is_whole_take}
    clean = [each for each in judged if each.example.is_real]
    maxima = {
        rate: np.array([each.odds.max() for each in clean if each.rate == rate])
        for rate in sorted({each.rate for each in clean})
    }
    limits = {rate: float(np.quantile(values, LEVEL)) for rate, values in maxima.items()}
    lines = [f"{rate} fps: limit {limits[rate]:.2f} over {len(maxima[rate])} clips" for rate in limits]
    groups: dict[str, list[tuple[float, bool, bool]]] = defaultdict(list)
    alarms: dict[str, list[bool]] = defaultdict(list)
    for each in judged:
        example, odds, limit = each.example, each.odds, limits[each.rate]
        if not example.is_broken:
            if not example.is_real:
                alarms[example.kind.split()[0]].append(bool(odds.max() > limit))
            continue
        if not (example.broken == 1).any():
            continue  # nobody sees it
        base = before_it[example.clip]
        highest = max(float(odds.max()), float(base.odds[base.example.steps < example.onset].max(initial=-99)))
        auc = float(np.mean(highest > maxima[each.rate]) + 0.5 * np.mean(highest == maxima[each.rate]))
        over = example.steps[odds > limit]
        found = (auc, bool(over.size), bool(over.size and over[0] - example.onset <= 2))
        share = f" {example.share:.0%}" if 0 < example.share < 1 else ""
        for key in (EVERY, example.kind, f"{example.kind}{share}, {each.rate} fps, {example.severity}"):
            groups[key].append(found)
    for key in sorted(groups):
        auc, caught, near = np.mean(groups[key], axis=0)
        lines.append(f"{key:40} n {len(groups[key]):4}  AUC {auc:.3f}  caught {caught:.2f}  within 2 {near:.2f}")
    return lines + [f"{key:40} n {len(told):4}  alarms {np.mean(told):.3f}" for key, told in sorted(alarms.items())]


def folds_of(clips: Sequence[ClipExamples], folds: int) -> list[set[str]]:
    """Sources of each fold, filmed and drawn ones spread alike."""
    sources = sorted({clip.source for clip in clips}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    filmed, drawn = ([name for name in sources if name.startswith(DRAWN) is is_drawn] for is_drawn in (False, True))
    return [set(filmed[fold::folds] + drawn[fold::folds]) for fold in range(folds)]


def _members(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, list[str]]]:
    """Tensors and what each member has seen, of a file written before."""
    content = path.read_bytes()
    return dict(read(content)), dict(json.loads(metadata(content)["seen"]))


@dataclass(frozen=True)
class Judged:
    """An example and the log odds of its steps, by a member that has not seen its source."""

    rate: str
    example: Example
    odds: NDArray[np.float64]


@dataclass(frozen=True)
class Taught:
    """A member: its weights, the clips it has seen, and what it says of the others."""

    weights: dict[str, NDArray[np.float32]]
    seen: list[str]
    judged: list[Judged]


_given: list[tuple[Sequence[ClipExamples], argparse.Namespace]] = []
"""In a process that teaches: the examples, which are too large to be sent, and the options."""


def _teach(name: str) -> Taught:
    """The member of that name, taught by all clips but those of its fold."""
    clips, options = _given[0]
    sources = dict(_left_out(clips, options.folds))[name]
    taught = [clip for clip in clips if clip.source not in sources]
    seed = len(sources)
    net = train(taught, options.epochs, seed, options.without)
    lessons = [each for clip in taught for each in courses_of(net, clip)]
    weights = net.member() | train_courses(lessons, seed, options.without)
    del lessons
    judged = [
        Judged(each.rate, each.example.light, np.array([weigh(weights, course) for course in each.courses]))
        for clip in clips
        if clip.source in sources
        for each in courses_of(net, clip)
    ]
    return Taught(weights, sorted({clip.sha256 for clip in taught}), judged)


def _left_out(clips: Sequence[ClipExamples], folds: int) -> list[tuple[str, set[str]]]:
    """(name, sources that it is not taught) of every member."""
    return [*((str(fold), sources) for fold, sources in enumerate(folds_of(clips, folds))), ("all", set())]


def _write(path: Path, tensors: Mapping[str, NDArray[np.float32]], seen: Mapping[str, list[str]]) -> None:
    content = save(dict(tensors), metadata={"seen": json.dumps(seen)})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{path}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}", flush=True)


def _begin(clips: Sequence[ClipExamples], options: argparse.Namespace) -> None:
    _given.append((clips, options))
    torch.set_num_threads(1)


def main() -> None:
    """Train, test, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--only", action="append", help="a fold's number, or all")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--without", action="append", default=[], choices=list(FAILURES))
    parser.add_argument("--join", type=Path, action="append", default=[])
    parser.add_argument("--workers", type=int, default=1, help="members taught side by side")
    options = parser.parse_args()
    tensors: dict[str, NDArray[np.float32]] = {}
    seen: dict[str, list[str]] = {}
    for path in options.join:
        its, whose = _members(path)
        tensors |= its
        seen |= whose
    clips = load(options.examples)
    names = [name for name, _ in _left_out(clips, options.folds) if not options.only or name in options.only]
    judged: list[Judged] = []
    context = multiprocessing.get_context("fork")  # the examples are shared, not copied
    with ProcessPoolExecutor(options.workers, context, _begin, (clips, options)) as pool:
        for name, taught in zip(names, pool.map(_teach, names), strict=True):
            judged += taught.judged
            tensors |= {f"m{name}.{key}": value for key, value in taught.weights.items()}
            seen[f"m{name}"] = taught.seen
            if options.out:
                _write(options.out, tensors, seen)
    if judged:
        print("\n".join(examine(judged)))


if __name__ == "__main__":
    main()
