"""Teach the embedded CLIP, part one: scenes with their captions, drawn once, small.

python tools/clip_data.py FOLDER [--scenes 6000] [--seed 0] [--workers 1]

About 0.07 seconds a scene on one core. Files that are there are kept, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.backends.procedural.composing import compose_prompt
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.phrases import PHRASES
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render
from bench.backends.procedural.scenes import Scene, compose
from bench.backends.procedural.vocabulary import PLACE_NOUNS
from bench.suite import load_suite

SIDE = 112  # px of a stored frame; larger than what the network sees, so that crops differ
SIZES = (
    (112, 112),
    (112, 112),
    (112, 112),
    (168, 112),
    (112, 140),
)  # width, height of the picture whose middle is stored
Choice = TypeVar("Choice")
FRAMES, LAST_FRAME, FPS = 8, 96, 24.0
SHARD = 400  # scenes a file
SUITE, FROM_SUITE = "quick", 0.05  # its prompts are captions too, drawn from other seeds; their share of all
HARD = 0.2  # share of scenes under a hard condition: fast, occluded, in changing light, whipped about
ATTRIBUTES = ("subject", "colour", "action", "place", "count")
LIVELY, LIVELY_SHARE = 3, 0.35  # actions; what share of the scenes is drawn of subjects alone that know so many
LEFT_OUT = 20  # one in so many combinations of subject, colour and place is never trained on


@dataclass(frozen=True)
class Caption:
    """A text and what it says. `colour` is empty where none is named; `placed` says whether it names the place."""

    text: str
    subject: str
    colour: str
    action: str
    place: str
    count: int
    placed: bool

    def says(self, attribute: str) -> str:
        """What it says of an attribute; a place that is not named is where the renderer draws it."""
        return str(getattr(self, attribute))

    @property
    def left_out(self) -> bool:
        """Is it one of the combinations kept for the test?"""
        key = f"{self.subject} {self.colour} {self.place}"
        return bool(self.colour) and self.placed and int(hashlib.sha256(key.encode()).hexdigest(), 16) % LEFT_OUT == 0


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes: frames (scenes, frames, side, side, 3), and the caption of each."""

    frames: NDArray[np.uint8]
    captions: tuple[Caption, ...]


def caption(text: str) -> Caption:
    """What the renderer reads in a text. Raises MissingClip when it cannot draw it."""
    wish = read_prompt(text)
    named = any(PLACE_NOUNS.get(word) == wish.place for word in wish.words)
    return Caption(text, wish.subject, wish.colour_name, wish.action, wish.place, wish.count, named)


def random_caption(rng: np.random.Generator) -> Caption:
    """One of the texts that the network learns."""
    if rng.uniform() < FROM_SUITE:
        return _one(rng, _suite_captions())
    kinds, shares = _subjects()
    return caption(compose_prompt(rng, kinds[int(rng.choice(len(kinds), p=shares))]).text)


def _taught_caption(rng: np.random.Generator) -> Caption:
    """Like `random_caption`, with more of those who can do several things: what they do is the hardest to see."""
    if rng.uniform() >= LIVELY_SHARE:
        return random_caption(rng)
    return caption(compose_prompt(rng, _one(rng, [kind for kind, each in PHRASES.items() if len(each.verbs) >= LIVELY])).text)


@lru_cache(maxsize=1)
def _suite_captions() -> tuple[Caption, ...]:
    return tuple(caption(prompt.text) for prompt in load_suite(SUITE).prompts)


@lru_cache(maxsize=1)
def _subjects() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """All kinds of subject and the share of each: the more can be said of it, the more."""
    said = [max(len(each.colours), 1) * len(each.places) * len(each.verbs) for each in PHRASES.values()]
    weights = 2 + np.sqrt(said)
    return tuple(PHRASES), weights / weights.sum()


def scene_of(text: str, seed: int, size: tuple[int, int], hard: str | None = None, fps: float = FPS) -> Scene:
    """The scene of a prompt and a seed, under a hard condition where one is named."""
    scene = compose(read_prompt(text), seed, *size, fps)
    return CONDITIONS[hard](scene, np.random.default_rng([seed, 1])) if hard else scene


def one_scene(key: Sequence[int], test: bool = False) -> tuple[Caption, NDArray[np.uint8]]:
    """Scene number `key` of all that can be drawn; for training none of the combinations that are left out."""
    rng = np.random.default_rng(list(key))
    told = _taught_caption(rng)
    while told.left_out and not test:
        told = _taught_caption(rng)
    frames = np.sort(rng.choice(LAST_FRAME, FRAMES, replace=False))
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    hard = _one(rng, tuple(CONDITIONS)) if rng.uniform() < HARD else None
    scene = scene_of(told.text, int(rng.integers(2**31)), (width, height), hard)
    x, y = (width - SIDE) // 2, (height - SIDE) // 2
    return told, np.stack([render(scene, int(frame))[y : y + SIDE, x : x + SIDE] for frame in frames])


def prepare(folder: Path, scenes: int, seed: int, workers: int) -> None:
    """Draw all scenes into files of `SHARD`; the file of each depends on the seed alone."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"scenes-{seed}-{number:04}.npz" for number in range(-(-scenes // SHARD))]
    todo = [path for path in paths if not path.exists()]
    with ProcessPoolExecutor(workers, initializer=partial(cv2.setNumThreads, 1)) as pool:
        for number, path in enumerate(pool.map(_shard, todo), len(paths) - len(todo) + 1):
            print(f"{path} ({number} of {len(paths)})", flush=True)


def _shard(path: Path) -> Path:
    seed, number = (int(part) for part in path.stem.split("-")[1:])
    drawn = [one_scene((seed, n)) for n in range(number * SHARD, (number + 1) * SHARD)]
    told = json.dumps([asdict(one) for one, _ in drawn])
    partial_path = path.with_suffix(".partial.npz")
    np.savez(partial_path, frames=np.stack([frames for _, frames in drawn]), captions=np.array(told))
    partial_path.replace(path)
    return path


def load(folder: Path) -> Scenes:
    """All scenes of a folder, in memory. Raises FileNotFoundError when there are none."""
    frames, captions = [], []
    for path in sorted(folder.glob("scenes-*-????.npz")):
        with np.load(path, allow_pickle=False) as content:
            frames.append(content["frames"])
            captions += [Caption(**entry) for entry in json.loads(str(content["captions"]))]
    if not frames:
        raise FileNotFoundError(f"no scenes in {folder}: run tools/clip_data.py {folder} first")
    return Scenes(np.concatenate(frames), tuple(captions))


def augmented(picture: NDArray[np.uint8], side: int, flip: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture as another camera and codec would show it, side x side. Colours keep their names."""
    size = picture.shape[0]
    cut = round(size * math.sqrt(rng.uniform(0.7, 1.0)))
    x, y = (int(rng.integers(size - cut + 1)) for _ in range(2))
    small = cv2.resize(picture[y : y + cut, x : x + cut], (side, side), interpolation=cv2.INTER_AREA)
    if flip and rng.uniform() < 0.5:
        small = small[:, ::-1]
    values = _jittered(small.astype(np.float32), rng)
    if rng.uniform() < 0.25:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.3, 1.1))), np.float32)
    if rng.uniform() < 0.4:
        values = values + rng.standard_normal(values.shape, dtype=np.float32) * float(rng.uniform(1, 9))
    result = np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)
    if rng.uniform() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        _, coded = cv2.imencode(".jpg", result, quality)
        result = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return result


def _jittered(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Another exposure, contrast, saturation and white balance, each slight: red stays red, grey stays grey."""
    gain, contrast, saturation = (float(rng.uniform(1 - by, 1 + by)) for by in (0.22, 0.2, 0.22))
    grey = values.mean(axis=2, keepdims=True)
    values = (grey + (values - grey) * saturation) * np.asarray(gain * rng.uniform(0.96, 1.04, 3), np.float32)
    return np.asarray(110.0 + (values - 110.0) * contrast, np.float32)


class Batches:
    """Draws numbers of scenes. In no batch does the caption of one scene fit another."""

    def __init__(self, captions: Sequence[Caption], size: int) -> None:
        self.size = size
        self._codes = {name: _codes([one.says(name) for one in captions]) for name in ATTRIBUTES}
        self._uncoloured = np.array([not one.colour for one in captions])
        self._unplaced = np.array([not one.placed for one in captions])

    def draw(self, rng: np.random.Generator) -> list[int]:
        """One batch; smaller than `size` only where no more scenes differ enough."""
        free, taken = np.ones(len(self._unplaced), bool), list[int]()
        for number in rng.permutation(len(free)):
            if len(taken) == self.size:
                break
            if free[number]:
                taken.append(int(number))
                free &= ~self._fits(int(number))
        return taken

    def _fits(self, number: int) -> NDArray[np.bool_]:
        """Which scenes its caption could be of, or whose caption could be of it."""
        same = {name: codes == codes[number] for name, codes in self._codes.items()}
        same["colour"] |= self._uncoloured | self._uncoloured[number]
        same["place"] |= self._unplaced | self._unplaced[number]
        return np.asarray(np.logical_and.reduce(list(same.values())), bool)


class Bank:
    """Captions by what they say, for rivals of a caption: such as differ from it in one attribute alone."""

    def __init__(self, captions: Sequence[Caption]) -> None:
        self.captions = captions
        self._rivals: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, one in enumerate(captions):
            if one.placed:
                for name in ATTRIBUTES:
                    if one.says(name):
                        self._rivals[self._rest(one, name)][one.says(name)].append(number)

    def rivals(self, right: Caption, attribute: str, rng: np.random.Generator) -> list[int]:
        """Number of a caption for each other value of the attribute, all else the same. A rival subject may do
        anything. There is none where the right caption leaves the attribute open.
        """
        found = self._rivals.get(self._rest(right, attribute), {}) if right.says(attribute) else {}
        return [_one(rng, those) for value, those in sorted(found.items()) if value != right.says(attribute)]

    @staticmethod
    def _rest(one: Caption, attribute: str) -> tuple[str, ...]:
        free = {"subject", "action"} if attribute == "subject" else {attribute}
        return (attribute, *(one.says(name) for name in ATTRIBUTES if name not in free))


def _codes(values: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(values), return_inverse=True)[1].astype(np.int64)


def _one(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def main() -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    prepare(options.folder, options.scenes, options.seed, options.workers)


if __name__ == "__main__":
    main()
