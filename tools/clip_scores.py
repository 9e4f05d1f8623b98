"""What the embedded CLIP can do, on scenes it never saw: captions found, breaks found, milliseconds a frame.

python tools/clip_scores.py [--folder bench/assets/clip] [--scenes 400] [--clips 150] [--seed 1000] [--out FILE.json]

Beside each share stands an untrained network of the same shape, and chance. A caption is to be found among 32: the
right one, every one that differs in a single attribute, and others at random.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bench.backends.procedural import decide, draw
from bench.backends.procedural.behaviours import Behaviour, Shares
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.rendering import render
from bench.calibration import Reads, Reference, rule
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
from bench.records import ClipKey, ClipRequest, Curve, Hold, Prompt, RateClass
from bench.signals import CLIP_LEVEL
from bench.signals.alignment import alignment_curves
from tools.clip_data import ATTRIBUTES, FPS, Bank, Caption, random_caption, scene_of

AMONG, POOLED = 32, 8  # captions; frames of a clip whose mean stands for it
SIDE = 128  # px of a drawn frame
LENGTH, NEAR = 48, 3  # frames of a clip; an onset so many frames away is found
BETWEEN = (0.125, 0.85)  # shares of the clip between which one subject becomes another
ALPHA = 0.05
BANK = 60_000  # captions to choose wrong ones from
TRIED = {
    "alignment_loss": ("alignment_loss",),
    "embedding_drift": ("embedding_drift",),
    "both": ("alignment_loss", "embedding_drift"),
}
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
        for one in captions:
            if one.text not in self._texts:
                self._texts[one.text] = self.network.embed_text(one.text)
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


def turned(rng: np.random.Generator) -> tuple[Caption, Pictures, int]:
    """A clip whose subject the renderer turns into another one, and the first frame at which it does."""
    told, seed = random_caption(rng), int(rng.integers(2**31))
    request = ClipRequest(ClipKey("turned", "prompt", seed), Prompt("prompt", told.text))
    scene = scene_of(told.text, seed, (SIDE, SIDE))
    fate = decide(Behaviour("", ("turn",), Shares(*BETWEEN)), request, scene, LENGTH)
    if fate.onset is None:
        raise ValueError("expected a clip that breaks")
    return told, np.stack(list(draw(fate, LENGTH))), fate.onset


def kept(rng: np.random.Generator, hard: str | None = None) -> tuple[Caption, Pictures]:
    """A clip that keeps its subject, under a hard condition or not."""
    told = random_caption(rng)
    scene = scene_of(told.text, int(rng.integers(2**31)), (SIDE, SIDE), hard)
    return told, np.stack([render(scene, frame) for frame in range(LENGTH)])


def curves(network: ClipNetwork, told: Caption, pictures: Pictures) -> dict[str, Curve]:
    """The alignment curves of a clip."""
    found = alignment_curves(range(len(pictures)), embed(network, pictures), network.embed_text(told.text), FPS)
    return {curve.signal: curve for curve in found}


def breaks(networks: Mapping[str, ClipNetwork], clips: int, seed: int) -> dict[str, Any]:
    """Breaks found within 3 frames and alarms on clips that hold, by the rule of real footage learnt on other clips.

    Half of the clips it is learnt on are hard ones, under each condition as many.
    """
    rng = np.random.default_rng([seed, 1])
    conditions = [*CONDITIONS, *[None] * len(CONDITIONS)]
    learning, holding = (
        [(*kept(rng, (hard := conditions[n % len(conditions)])), hard) for n in range(clips)] for _ in range(2)
    )
    broken = [turned(rng) for _ in range(clips)]
    table: dict[str, Any] = {"clips": clips}
    for name, network in networks.items():
        measured = [curves(network, told, pictures) for told, pictures, _ in learning]
        windows = [Reference(str(n), one, LENGTH, FPS) for n, one in enumerate(measured)]
        held = [(curves(network, told, pictures), hard) for told, pictures, hard in holding]
        split = [(curves(network, told, pictures), onset) for told, pictures, onset in broken]
        for label, signals in TRIED.items():
            learnt = rule(windows, [Reads(one, "level", CLIP_LEVEL[one].floor) for one in signals], FPS, LENGTH, ALPHA)
            alarms = [(_hold(one, learnt).broke, hard) for one, hard in held]
            holds = [(_hold(one, learnt), onset) for one, onset in split]
            away = [hold.onset_frame - onset for hold, onset in holds if hold.onset_frame is not None]
            table[f"{name}, {label}"] = {
                "within 3 frames": round(sum(abs(gap) <= NEAR for gap in away) / clips, 3),
                "found at all": round(len(away) / clips, 3),
                "false breaks": round(float(np.mean([broke for broke, _ in alarms])), 3),
                **{
                    f"false breaks, {which or 'plain'}": round(
                        float(np.mean([b for b, hard in alarms if hard == which])), 3
                    )
                    for which in (None, *CONDITIONS)
                },
            }
    return table


def _hold(found: Mapping[str, Curve], learnt: RateClass) -> Hold:
    return find_hold(found, evidence(found, LENGTH, learnt.detectors), learnt.threshold)


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
        scores["alignment break"] = breaks(networks, options.clips, options.seed)
    text = json.dumps(scores, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
