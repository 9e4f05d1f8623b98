"""Teach the embedded CLIP, part two: scenes with captions -> weights that open_clip loads.

python tools/train_clip.py SCENES --work FOLDER [--out bench/assets/clip] [--steps 2000] [--seed 0] [--bf16] [--from W]

SCENES is made by tools/clip_data.py. A checkpoint is kept in the work folder, and a run that was stopped goes on from
it. tools/clip_scores.py says what the weights can do.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.networks import EMBEDDED_CONFIG, EMBEDDED_MERGES, EMBEDDED_WEIGHTS, open_clip_module
from tools.clip_data import ATTRIBUTES, Bank, Batches, Caption, Scenes, augmented, load, random_caption
from tools.clip_wrecks import wrecked

SIDE = 96  # px that the network sees
CONTEXT = 28  # tokens; the longest caption has 20 words
VISION = {"image_size": SIDE, "layers": [1, 2, 3, 2], "width": 24, "head_width": 32}
TEXT = {"context_length": CONTEXT, "width": 128, "heads": 4, "layers": 2}
EMBED_DIM = 128
MEAN, STD = (0.48, 0.50, 0.47), (0.27, 0.25, 0.28)
SCENES_A_BATCH, VIEWS = 64, 3  # frames of each scene
RIVALS, RIVALRY = 3, (0.12, 0.18, 0.45, 0.1, 0.15)  # of each caption, and in which attributes they differ from it
BANK = 40_000  # captions that rivals are taken from
RATE, DECAY, WARM_UP = 2e-3, 0.05, 100
HIGHEST_SCALE = 40.0  # of logits: a higher one would let right and wrong captions lie close together
SAVE_EVERY, TEST_EVERY, TESTED = 100, 500, 400


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: scenes, tokens of their captions, which may be mirrored, and captions for rivals."""

    scenes: Scenes
    tokens: Tensor
    mirrored: NDArray[np.bool_]
    bank: Bank
    bank_tokens: Tensor

    def views(self, numbers: Sequence[int], rng: np.random.Generator) -> Tensor:
        """`VIEWS` augmented frames of each of these scenes, and the first of them with a part that is no longer whole,
        by the same camera and codec ((views + 1) * scenes, 3, side, side).
        """
        frames = self.scenes.frames
        chosen = [rng.choice(frames.shape[1], VIEWS, replace=False) for _ in numbers]
        seeds = rng.integers(2**63, size=(VIEWS, len(numbers)))
        pictures = [
            self._seen(n, frames[n, which[view]], int(seeds[view, place]))
            for view in range(VIEWS)
            for place, (n, which) in enumerate(zip(numbers, chosen, strict=True))
        ]
        pictures += [
            self._seen(n, wrecked(frames[n, which[0]], rng), int(seeds[0, place]))
            for place, (n, which) in enumerate(zip(numbers, chosen, strict=True))
        ]
        return as_input(np.stack(pictures))

    def _seen(self, number: int, frame: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return augmented(frame, SIDE, bool(self.mirrored[number]), np.random.default_rng(seed))

    def rivals(self, numbers: Sequence[int], rng: np.random.Generator) -> Tensor:
        """Tokens of captions that are nearly right for each of these scenes, (scenes * rivals, context)."""
        captions = self.scenes.captions
        return self.bank_tokens[[self._rival(captions[n], rng) for n in numbers for _ in range(RIVALS)]]

    def _rival(self, right: Caption, rng: np.random.Generator) -> int:
        for attribute in rng.choice(ATTRIBUTES, len(ATTRIBUTES), replace=False, p=RIVALRY):
            if found := self.bank.rivals(right, str(attribute), rng):
                return found[int(rng.integers(len(found)))]
        others = [n for n, one in enumerate(self.bank.captions[:1000]) if one.subject != right.subject]
        return others[int(rng.integers(len(others)))]


def resized(embedding: Tensor, count: int) -> Tensor:
    """Embeddings of positions (1 + side * side, d), the first that of the mean, for another grid of as many cells."""
    side, other = (math.isqrt(number - 1) for number in (len(embedding), count))
    grid = embedding[1:].T.reshape(1, -1, side, side)
    larger = torch.nn.functional.interpolate(grid, (other, other), mode="bilinear", align_corners=True)
    return torch.cat([embedding[:1], larger.reshape(embedding.shape[1], -1).T])


def as_input(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (n, side, side, 3) as the network takes them."""
    mean, spread = np.array(MEAN, np.float32), np.array(STD, np.float32)
    values = (pictures.astype(np.float32) / 255 - mean) / spread
    return torch.from_numpy(values).permute(0, 3, 1, 2)  # channels last in memory


def words_of(captions: Sequence[Caption]) -> list[str]:
    """Every word of the captions, sorted."""
    return sorted({word for one in captions for word in re.findall(r"[a-z]+", one.text.lower())})


def write_config(folder: Path, words: Sequence[str]) -> None:
    """The files that, beside the weights, open_clip needs: the configuration, and the merges of the tokenizer.

    Kept are those merges of open_clip's own vocabulary that can occur in these words: it cuts them as it always does.
    """
    with gzip.open(open_clip_module().tokenizer.default_bpe(), "rt", encoding="utf-8") as file:
        known = [line.split() for line in file.read().split("\n")[1 : 49152 - 256 - 2 + 1]]
    ended = [f"{word}</w>" for word in words]
    kept = [" ".join(pair) for pair in known if any("".join(pair) in word for word in ended)]
    folder.mkdir(parents=True, exist_ok=True)
    content = "\n".join(["#version: of the words of the captions", *kept]).encode()
    (folder / EMBEDDED_MERGES).write_bytes(gzip.compress(content, mtime=0))
    text = {**TEXT, "vocab_size": 2 * 256 + len(kept) + 2}
    config = {
        "model_cfg": {"embed_dim": EMBED_DIM, "vision_cfg": VISION, "text_cfg": text},
        "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"},
        "words": list(words),
    }
    (folder / EMBEDDED_CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


class Training:
    """The network and its optimiser, step by step; a step depends on the seed and its number alone."""

    def __init__(self, lesson: Lesson, options: argparse.Namespace) -> None:
        self.lesson, self.work, self.steps, self.seed = lesson, options.work, options.steps, options.seed
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.rate: float = options.rate
        self.bf16 = options.bf16 or self.device == "cuda"
        open_clip = open_clip_module()
        torch.manual_seed(self.seed)
        name = f"local-dir:{self.work}"
        self.model: Any = open_clip.create_model(name, device=self.device, load_weights=False)
        if options.first:
            self._begin_with(options.first)
        self.model.visual.to(memory_format=torch.channels_last)
        self.loss: Any = open_clip.loss.ClipLoss()
        decayed = [value for value in self.model.parameters() if value.ndim > 1]
        others = [value for value in self.model.parameters() if value.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98))
        self.step = 0
        self.kept = len(lesson.scenes.captions) - TESTED  # the last scenes are not trained on
        self.batches = Batches(lesson.scenes.captions[: self.kept], SCENES_A_BATCH)
        self.checkpoint: Path = self.work / "checkpoint.pt"
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def _begin_with(self, weights: Path) -> None:
        """Weights of an earlier training, of fewer blocks or smaller pictures; a new block changes nothing yet."""
        known, fresh = load_file(weights), self.model.state_dict()
        place = "visual.attnpool.positional_embedding"
        known[place] = resized(known[place].float(), len(fresh[place]))
        known["positional_embedding"] = known["positional_embedding"][:CONTEXT]  # of the text, which is read in order
        missing = [name for name, value in known.items() if name not in fresh or fresh[name].shape != value.shape]
        if missing:
            raise ValueError(f"{weights}: not weights of such a network: {', '.join(missing[:3])}")
        self.model.load_state_dict({**fresh, **{name: value.to(fresh[name].dtype) for name, value in known.items()}})

    def run(self) -> None:
        """All steps that are left."""
        began, losses = time.monotonic(), list[float]()
        while self.step < self.steps:
            losses.append(self._advance())
            self.step += 1
            if self.step % SAVE_EVERY == 0 or self.step == self.steps:
                self._save()
                seconds = time.monotonic() - began
                print(f"step {self.step}: loss {np.mean(losses):.3f}, {seconds:.0f} s", flush=True)
                losses.clear()
            if self.step % TEST_EVERY == 0 or self.step == self.steps:
                print(f"  right caption among 32, scenes kept aside: {self.right():.3f}", flush=True)

    def _advance(self) -> float:
        rng = np.random.default_rng([self.seed, self.step])
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * self._share()
        numbers = self.batches.draw(rng)
        images = self.lesson.views(numbers, rng).to(self.device)
        tokens = torch.cat([self.lesson.tokens[numbers], self.lesson.rivals(numbers, rng)]).to(self.device)
        self.model.train()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            views = self.model.encode_image(images, normalize=True).float().reshape(VIEWS + 1, len(numbers), -1)
            texts = self.model.encode_text(tokens, normalize=True).float()
        loss = self._loss(views, texts[: len(numbers)], texts[len(numbers) :].reshape(len(numbers), RIVALS, -1))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(HIGHEST_SCALE))
        return float(loss.detach())

    def _loss(self, views: Tensor, right: Tensor, wrong: Tensor) -> Tensor:
        """open_clip's own, within the batch, and that of each caption against its rivals (as in NegCLIP, Yuksekgonul
        2023); of each view (views + 1, scenes, d) and of their mean. The last view is a wreck of the first: of the two,
        its caption is to find the other.
        """
        scale, losses = self.model.logit_scale.exp(), list[Tensor]()
        whole, wrecks = views[:-1], views[-1]
        first = torch.zeros(len(right), dtype=torch.long, device=right.device)
        for seen in (*whole, torch.nn.functional.normalize(whole.mean(dim=0), dim=-1)):
            captions = torch.cat([right[:, None], wrong], dim=1)
            near = scale * torch.einsum("sd,srd->sr", seen, captions)
            losses += [self.loss(seen, right, scale), torch.nn.functional.cross_entropy(near, first)]
        pairs = scale * torch.stack([(whole[0] * right).sum(dim=1), (wrecks * right).sum(dim=1)], dim=1)
        return torch.stack(losses).sum() / (VIEWS + 1) + torch.nn.functional.cross_entropy(pairs, first)

    def _share(self) -> float:
        """Of the highest rate: a short rise, then a half cosine."""
        if self.step < WARM_UP:
            return (self.step + 1) / WARM_UP
        return 0.5 + 0.5 * math.cos(math.pi * (self.step - WARM_UP) / max(self.steps - WARM_UP, 1))

    def _save(self) -> None:
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    @torch.no_grad()
    def right(self) -> float:
        """Share of single frames of scenes kept aside whose caption is found among 32."""
        self.model.eval()
        told = self.lesson.scenes.captions[self.kept :]
        batches, found = Batches(told, 32), list[bool]()
        for trial in range(12):
            rng = np.random.default_rng([self.seed, trial])
            numbers = [self.kept + n for n in batches.draw(rng)]
            frames = self.lesson.scenes.frames[numbers, int(rng.integers(self.lesson.scenes.frames.shape[1]))]
            small = np.stack([cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
            seen = self.model.encode_image(as_input(small).to(self.device), normalize=True)
            text = self.model.encode_text(self.lesson.tokens[numbers].to(self.device), normalize=True)
            best = (seen @ text.T).argmax(dim=1).cpu().numpy()
            found += list(best == np.arange(len(best)))
        return float(np.mean(found))

    def export(self, folder: Path) -> None:
        """The weights in half precision, and the sha256 of each file for bench/networks.py."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (EMBEDDED_CONFIG, EMBEDDED_MERGES):
            (folder / name).write_bytes((self.work / name).read_bytes())
        state = {name: value.detach().cpu().contiguous() for name, value in self.model.state_dict().items()}
        halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
        save_file(halved, folder / EMBEDDED_WEIGHTS, metadata={"format": "pt"})
        for name in (EMBEDDED_CONFIG, EMBEDDED_MERGES, EMBEDDED_WEIGHTS):
            content = (folder / name).read_bytes()
            print(f'    "{name}": "{hashlib.sha256(content).hexdigest()}",  # {len(content)} bytes')


def read_lesson(scenes_folder: Path, work: Path, seed: int) -> Lesson:
    """The scenes of a folder and all that belongs to them; writes the configuration into the work folder."""
    scenes = load(scenes_folder)
    rng = np.random.default_rng([seed, 1])
    bank = Bank([one for one in (random_caption(rng) for _ in range(BANK)) if not one.left_out])
    write_config(work, words_of([*scenes.captions, *bank.captions]))
    tokenizer = open_clip_module().get_tokenizer(f"local-dir:{work}", bpe_path=str(work / EMBEDDED_MERGES))
    tokens, bank_tokens = (tokenizer([one.text for one in captions]) for captions in (scenes.captions, bank.captions))
    mirrored = np.array([not re.search(r"\b(left|right)\b", one.text.lower()) for one in scenes.captions])
    return Lesson(scenes, tokens, mirrored, bank, bank_tokens)


def main() -> None:
    """Load, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", dest="first", type=Path, help="weights to begin with")
    parser.add_argument("--rate", type=float, default=RATE, help="the highest rate of learning")
    parser.add_argument("--bf16", action="store_true", help="on a CPU that computes in it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    training = Training(read_lesson(options.scenes, options.work, options.seed), options)
    training.run()
    if options.out:
        training.export(options.out)


if __name__ == "__main__":
    main()
