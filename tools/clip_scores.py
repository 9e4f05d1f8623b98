"""What the embedded CLIP can do, on scenes it never saw: captions found, breaks found, milliseconds a frame.

python tools/clip_scores.py [--folder bench/assets/clip] [--scenes 400] [--clips 150] [--seed 1000] [--out FILE.json]

Beside each share stands an untrained network of the same shape, and chance. A caption is to be found among 32: the
right one, every one that differs in a single attribute, and others at random.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest

from bench.backends.procedural import decide, draw
from bench.backends.procedural.behaviours import Behaviour, Shares
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.rendering import render
from bench.calibration import own_level
from bench.holds import evidence, find_hold
from bench.networks import (
    EMBEDDED_CLIP,
    EMBEDDED_FOLDER,
    EMBEDDED_WEIGHTS,
    ClipEmbedder,
    ClipNetwork,
    Weights,
    load_clip,
    open_clip_module,
)
from bench.records import ClipKey, ClipRequest, Curve, Detector, Hold, Prompt
from bench.signals import about
from bench.signals.alignment import alignment_curves
from bench.signals.views import working_picture
from bench.stages.align import alignment_threshold
from bench.video import is_held
from tools.clip_data import ATTRIBUTES, FPS, Bank, Caption, random_caption, scene_of

AMONG, POOLED = 32, 8  # captions; frames of a clip whose mean stands for it
SIDE = 128  # px of a drawn frame
LENGTH, NEAR = 48, 3  # frames of a clip; an onset so many frames away is found
BETWEEN = (0.125, 0.85)  # shares of the clip between which one subject becomes another
BANK = 60_000  # captions to choose wrong ones from
RATES, SECONDS = (24.0, 12.0, 8.0, 4.0), (2.0, 3.0, 4.0)  # of the clips that a threshold is learnt from
SIZES = ((128, 128), (192, 128), (128, 160), (256, 256))  # px
Pictures = NDArray[np.uint8]


def open_network(folder: Path, trained: bool) -> ClipNetwork:
    """The network of a folder, or one of its shape that was never trained."""
    path = folder / EMBEDDED_WEIGHTS
    network = load_clip(Weights(EMBEDDED_CLIP, path, hashlib.sha256(path.read_bytes()).hexdigest()), "cpu")
    if trained:
        return network
    torch.manual_seed(0)
    return replace(network, model=open_clip_module().create_model(f"local-dir:{folder}", load_weights=False).eval())


def embed(network: ClipNetwork, pictures: Pictures) -> NDArray[np.float32]:
    """Embeddings (n, d) as scoring makes them."""
    embedder = ClipEmbedder(network)
    for picture in pictures:
        embedder.add(picture)
    return embedder.finish()


def others(bank: Bank, right: Caption, count: int, rng: np.random.Generator) -> list[Caption]:
    """Captions of other scenes: about another subject, or in another place that they name."""
    found: list[Caption] = []
    while len(found) < count:
        one = bank.captions[int(rng.integers(len(bank.captions)))]
        if one.subject != right.subject or (one.place != right.place and one.placed):
            found.append(one)
    return found


def test_scenes(count: int, seed: int) -> list[tuple[Caption, Pictures]]:
    """Unseen scenes that name colour (where the subject can have one) and place, with frames over two seconds."""
    made: list[tuple[Caption, Pictures]] = []
    rng = np.random.default_rng(seed)
    while len(made) < count:
        told = random_caption(rng)
        if told.placed:
            frames = [int(frame) for frame in np.linspace(0, 47, POOLED)]
            scene = scene_of(told.text, int(rng.integers(2**31)), (SIDE, SIDE))
            made.append((told, np.stack([render(scene, frame) for frame in frames])))
    return made


class Judge:
    """Which of some captions a network finds nearest to pictures; texts are embedded once."""

    def __init__(self, network: ClipNetwork) -> None:
        self.network = network
        self._texts: dict[str, NDArray[np.float32]] = {}

    def first_is_best(self, seen: NDArray[np.float32], captions: Sequence[Caption]) -> bool:
        """Is the first caption nearer to the mean of these embeddings than all others?"""
        if new := sorted({one.text for one in captions} - self._texts.keys()):
            with torch.inference_mode():
                found = self.network.model.encode_text(self.network.tokenizer(new), normalize=True)
            self._texts |= dict(zip(new, found.numpy(), strict=True))
        near = np.stack([self._texts[one.text] for one in captions]) @ seen.mean(axis=0)
        return bool(near[0] > near[1:].max())


def retrieval(networks: Mapping[str, ClipNetwork], count: int, seed: int) -> dict[str, Any]:
    """Share of right captions among 32 for each attribute that is changed, from one frame and from a whole clip."""
    rng = np.random.default_rng(seed)
    bank = Bank([random_caption(rng) for _ in range(BANK)])
    found = defaultdict[str, list[list[bool]]](list)
    judges = {name: Judge(network) for name, network in networks.items()}
    for told, pictures in test_scenes(count, seed):
        seen = {name: embed(network, pictures) for name, network in networks.items()}
        for attribute in (*ATTRIBUTES, "nothing"):
            rivals = bank.rivals(told, attribute, rng) if attribute in ATTRIBUTES else []
            wrong = [bank.captions[number] for number in rivals[: AMONG - 1]]
            if not wrong and attribute in ATTRIBUTES:
                continue  # it has no other value here
            pool = [told, *wrong, *others(bank, told, AMONG - 1 - len(wrong), rng)]
            hits = [
                judge.first_is_best(part, pool)
                for name, judge in judges.items()
                for part in (seen[name][POOLED // 2 : POOLED // 2 + 1], seen[name])
            ]
            for group in ("", f", {told.subject}", *([", unseen combination"] * told.left_out)):
                found[f"{attribute}{group}"].append(hits)
    columns = [f"{name}, {what}" for name in networks for what in ("frame", "clip")]
    table: dict[str, Any] = {}
    for group, rows in sorted(found.items()):
        shares = dict(zip(columns, np.mean(rows, axis=0).round(3).tolist(), strict=True))
        table[group] = {"scenes": len(rows), **shares, "chance": round(1 / AMONG, 3)}
    return table


@dataclass(frozen=True)
class Drawn:
    """A clip, what it was asked to show, and the first frame at which it shows another subject; None where it never
    does. It may be hard to follow: under one of the renderer's conditions.
    """

    told: Caption
    pictures: Pictures
    fps: float = FPS
    hard: str | None = None
    onset: int | None = None


def turned(rng: np.random.Generator) -> Drawn:
    """A clip whose subject the renderer turns into another one."""
    told, seed = random_caption(rng), int(rng.integers(2**31))
    request = ClipRequest(ClipKey("turned", "prompt", seed), Prompt("prompt", told.text))
    scene = scene_of(told.text, seed, (SIDE, SIDE))
    fate = decide(Behaviour("", ("turn",), Shares(*BETWEEN)), request, scene, LENGTH)
    if fate.onset is None:
        raise ValueError("expected a clip that breaks")
    return Drawn(told, np.stack(list(draw(fate, LENGTH))), onset=fate.onset)


def kept(
    rng: np.random.Generator,
    hard: str | None = None,
    frames: int = LENGTH,
    fps: float = FPS,
    size: tuple[int, int] = (SIDE, SIDE),
) -> Drawn:
    """A clip that keeps its subject."""
    told = random_caption(rng)
    scene = scene_of(told.text, int(rng.integers(2**31)), size, hard, fps)
    return Drawn(told, np.stack([render(scene, frame) for frame in range(frames)]), fps, hard)


def curves(network: ClipNetwork, clip: Drawn) -> dict[str, Curve]:
    """The alignment curves of a clip over its distinct frames, as scoring makes them."""
    distinct, before = list[int](), None
    for number, picture in enumerate(clip.pictures):
        small = working_picture(picture)
        if before is None or not is_held(before, small):
            distinct.append(number)
            before = small
    seen = embed(network, clip.pictures[distinct])
    found = alignment_curves(distinct, seen, network.embed_text(clip.told.text), clip.fps)
    return {curve.signal: curve for curve in found}


def mixed(rng: np.random.Generator, number: int) -> Drawn:
    """Clip `number` of those that a threshold is learnt from: every second one hard, under each condition as many."""
    hard = (*CONDITIONS, *[None] * len(CONDITIONS))[number % (2 * len(CONDITIONS))]
    fps, seconds = (choices[int(rng.integers(len(choices)))] for choices in (RATES, SECONDS))
    return kept(rng, hard, round(fps * seconds), fps, SIZES[int(rng.integers(len(SIZES)))])


def hold_of(found: Mapping[str, Curve], frames: int, detector: Detector) -> Hold:
    """What alignment alone says of a clip."""
    return find_hold(found, evidence(found, frames, [detector]), math.inf)


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """Hits among trials with the exact interval (Clopper and Pearson 1934)."""
    interval = binomtest(sum(hits), len(hits)).proportion_ci(0.95, "exact")
    return {"of": len(hits), "share": round(float(np.mean(hits)), 3), "interval": [round(x, 3) for x in interval]}


def breaks(network: ClipNetwork, clips: int, seed: int) -> dict[str, Any]:
    """Breaks found within 3 frames, and alarms on clips that keep their subject, by alignment and its threshold alone.

    On scenes that neither network nor threshold has seen; half of the clips that hold are hard ones.
    """
    learnt = alignment_threshold()
    detector = own_level("alignment_loss", about("alignment_loss").floor, learnt.threshold)
    rng = np.random.default_rng([seed, 1])
    away: list[int | None] = []
    for _ in range(clips):
        clip = turned(rng)
        hold = hold_of(curves(network, clip), LENGTH, detector)
        away.append(None if hold.onset_frame is None else hold.onset_frame - int(clip.onset or 0))
    alarms = defaultdict[str, list[bool]](list)
    conditions = [*CONDITIONS, *[None] * len(CONDITIONS)]
    for number in range(clips):
        for length, clip in (("", kept(rng, conditions[number % len(conditions)])), ("mixed, ", mixed(rng, number))):
            broke = hold_of(curves(network, clip), len(clip.pictures), detector).broke
            groups = ("all", clip.hard or "plain", *([f"{clip.fps:g} fps"] * bool(length)))
            for group in groups:
                alarms[length + group].append(broke)
    return {
        "threshold": learnt.threshold,
        "within 3 frames": share([gap is not None and abs(gap) <= NEAR for gap in away]),
        "found at all": share([gap is not None for gap in away]),
        "false breaks": {group: share(rows) for group, rows in alarms.items()},
    }


def milliseconds(network: ClipNetwork) -> float:
    """Processor time to embed one frame of 256 x 256, preprocessing included, on one thread."""
    scene = scene_of("A brown dog trots through a park", 1, (256, 256))
    pictures = np.stack([render(scene, frame) for frame in range(48)])
    embed(network, pictures)
    began = time.process_time()
    for _ in range(5):
        embed(network, pictures)
    return round((time.process_time() - began) / 5 / len(pictures) * 1000, 2)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=EMBEDDED_FOLDER)
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    networks = {name: open_network(options.folder, name == "trained") for name in ("trained", "untrained")}
    scores: dict[str, Any] = {"milliseconds a frame": milliseconds(networks["trained"])}
    if options.scenes:
        scores["right caption among 32"] = retrieval(networks, options.scenes, options.seed)
    if options.clips:
        scores["alignment break"] = breaks(networks["trained"], options.clips, options.seed)
    text = json.dumps(scores, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
