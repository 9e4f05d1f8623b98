"""Which extractor sees time: distance and power when the order of frames is spoilt and the pictures are left alone.

python tools/distance_sensitivity.py [CLIPS] [--features NAME ...] [--weights FILE] [--few]

CLIPS is real footage as for `calibrate`; without it clips of the built-in renderer are drawn. NAME is an extractor of
`framehold distance`, or random-3d or random-2d: four convolutions with weights drawn from a seed. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.backends.procedural import ProceduralBackend
from bench.distances.frechet import Frechet
from bench.distances.kernel import PolynomialKernel
from bench.distances.resampling import numbered, relabelled
from bench.distances.samples import Floats
from bench.extractors import open_extractor
from bench.extractors.features import one_opencv_thread
from bench.records import ClipKey, ClipRequest, Picture
from bench.stages.survey import clips_of
from bench.suite import load_suite
from bench.video import read_frames

FRAMES = 16
WINDOWS_PER_SOURCE = 4
SIZES = (32, 64, 128)
TRIALS = 60
PERMUTATIONS = 200
CONTROL = "control: every picture blurred"
Order = NDArray[np.intp]
Found = dict[str, Floats]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="?", type=Path)
    parser.add_argument("--features", nargs="+", default=["embedded", "random-3d", "random-2d"])
    parser.add_argument("--weights")
    parser.add_argument("--few", action="store_true", help="two severities of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with one_opencv_thread():
        for name in options.features:
            study(name, opened(name, options.weights), options.clips, options.few)


def study(name: str, extractor: Any, folder: Path | None, few: bool) -> None:
    """Print the table of one extractor."""
    frames = FRAMES if isinstance(extractor, RandomExtractor) or extractor.about.any_length else extractor.about.frames
    windows = footage(folder, frames) if folder else drawn(frames)
    found, sources = spoilt_features(extractor, windows, frames, few)
    sizes = [size for size in SIZES if len(split(sources, size, 0)[0]) == size]
    print(f"\n{name}: {len(sources)} windows of {frames} frames, {len(set(sources))} sources\n")
    head = " | ".join(f"power, n = {size}" for size in sizes)
    print(f"| corruption | kernel distance, n = {sizes[-1]} (95% of draws) | Fréchet, times the clean one | {head} |")
    print("|" + "---|" * (3 + len(sizes)))
    for corruption in found:
        print(row(corruption, found, sources, sizes), flush=True)


def row(corruption: str, found: Found, sources: NDArray[np.str_], sizes: Sequence[int]) -> str:
    """Distances at the largest size, and the share of trials with a p-value of 5% or less at each."""
    kernel, ratios, powers = [], [], []
    for size in sizes:
        hits = 0
        for trial in range(TRIALS):
            one, other = split(sources, size, trial)
            spoilt, clean = found[corruption][one], found["none"]
            value, others = permuted(spoilt, clean[other], [*sources[one], *sources[other]], trial)
            hits += int((1 + np.sum(others >= value)) / (1 + PERMUTATIONS) <= 0.05)
            if size == sizes[-1]:
                kernel.append(value)
                ratios.append(frechet(spoilt, clean[other]) / frechet(clean[one], clean[other]))
        powers.append(f"{hits / TRIALS:.2f}")
    low, high = np.quantile(kernel, [0.025, 0.975])
    return (
        f"| {corruption} | {np.mean(kernel):.3g} ({low:.3g} to {high:.3g}) | {np.mean(ratios):.2f} "
        f"| {' | '.join(powers)} |"
    )


def split(sources: NDArray[np.str_], size: int, trial: int) -> tuple[Order, Order]:
    """Two samples of so many windows, as evenly spread over their sources as can be; no source in both."""
    rng = np.random.default_rng([trial, size])
    one, other = np.array_split(rng.permutation(np.unique(sources)), 2)
    return chosen(sources, one, size, rng), chosen(sources, other, size, rng)


def chosen(sources: NDArray[np.str_], half: NDArray[np.str_], size: int, rng: np.random.Generator) -> Order:
    """So many windows of those sources, or all."""
    places = [rng.permutation(np.flatnonzero(sources == source)) for source in half]
    turns = [place[turn] for turn in range(max(map(len, places))) for place in places if turn < len(place)]
    return np.array(turns[:size])


def permuted(x: Floats, y: Floats, labels: Sequence[str], trial: int) -> tuple[float, Floats]:
    """The kernel distance, and what it is when whole sources are exchanged."""
    kernel = PolynomialKernel(np.concatenate([x, y]))
    whole = (np.arange(len(x) + len(y)) < len(x)).astype(float)[None]
    drawn_again = relabelled(numbered(labels), len(x), PERMUTATIONS, np.random.default_rng(trial))
    return float(kernel.between(whole, 1 - whole)[0]), kernel.between(drawn_again, 1 - drawn_again)


def frechet(x: Floats, y: Floats) -> float:
    """Of two samples."""
    whole = (np.arange(len(x) + len(y)) < len(x)).astype(float)[None]
    return float(Frechet(np.concatenate([x, y])).between(whole, 1 - whole)[0])


# ---- clips and what is done to them ------------------------------------------------------------------------------


def footage(folder: Path, frames: int) -> Iterator[tuple[str, list[Picture]]]:
    """(source, window) of real clips, half overlapping, at most so many a source."""
    counts: dict[str, int] = {}
    for path, source in clips_of(folder):
        held: list[Picture] = []
        for frame in read_frames(path):
            held.append(frame.picture)
            if len(held) == frames:
                counts[source] = counts.get(source, 0) + 1
                if counts[source] > WINDOWS_PER_SOURCE:
                    break
                yield source, held
                held = held[frames // 2 :]


def drawn(frames: int) -> Iterator[tuple[str, list[Picture]]]:
    """Clips of the built-in renderer without a failure, each of another prompt and seed."""
    backend = ProceduralBackend(frames=frames, fps=12, width=128, height=128)
    prompts = load_suite("quick").prompts
    for number in range(2 * SIZES[-1]):
        prompt, seed = prompts[number % len(prompts)], 1000 + number
        key = ClipKey("procedural/steady", prompt.id, seed)
        request = ClipRequest(key, prompt, frames, 12.0, 128, 128)
        clip = backend.fetch(request, backend.submit(request))
        yield f"{prompt.id} {seed}", list(clip.frames or ())


def orders(rng: np.random.Generator, frames: int, few: bool) -> dict[str, Order]:
    """The frames shown instead of 0, 1, 2, ...: the pictures stay as they are. At three severities, or at two."""
    plain = np.arange(frames)
    found = {"none": plain}
    for width in (2, 4, frames)[few:]:
        blocks = [start + rng.permutation(width) for start in range(0, frames, width)]
        found[f"shuffle within {width}"] = np.concatenate(blocks)
    for length in (frames // 4, frames // 2, frames)[few:]:
        found[f"reverse the last {length}"] = np.concatenate([plain[: frames - length], plain[frames - length :][::-1]])
    for length in (frames // 8, frames // 4, frames // 2)[:: 1 + few]:
        found[f"freeze the last {length}"] = np.minimum(plain, frames - length - 1)
    for reach in (1, 2, 4)[:: 1 + few]:
        found[f"jitter by up to {reach}"] = np.clip(plain + rng.integers(-reach, reach + 1, frames), 0, frames - 1)
    return found


def spoilt_features(
    extractor: Any, windows: Iterator[tuple[str, list[Picture]]], frames: int, few: bool
) -> tuple[Found, NDArray[np.str_]]:
    """Features (n, d) by corruption, and the source of each window; a window is let go before the next is read."""
    found: dict[str, list[Any]] = {}
    sources = []
    for number, (source, pictures) in enumerate(windows):
        sources.append(source)
        prepared = [extractor.frame(picture) for picture in pictures]
        shown = {
            name: [prepared[at] for at in order]
            for name, order in orders(np.random.default_rng([1, number]), frames, few).items()
        }
        shown[CONTROL] = [extractor.frame(blurred(picture)) for picture in pictures]
        for name, window in shown.items():
            found.setdefault(name, []).append(extractor.embed([extractor.window(window)])[0])
    features = {name: np.stack(rows).astype(np.float64) for name, rows in found.items()}
    if isinstance(extractor, RandomExtractor):  # on their own scale: nobody has chosen one for them
        centre, spread = features["none"].mean(axis=0), features["none"].std(axis=0) + 1e-9
        features = {name: np.clip((rows - centre) / spread, -6, 6) for name, rows in features.items()}
    return features, np.asarray(sources)


def blurred(picture: Picture) -> Picture:
    """By one 128th of the short side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), min(picture.shape[:2]) / 128), np.uint8)


# ---- extractors --------------------------------------------------------------------------------------------------


class RandomNetwork(nn.Module):
    """Four convolutions with weights drawn from a seed (He et al. 2015); with `depth` 1 of single frames, averaged."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        widths = (3, 32, 64, 128, 256)
        self.layers = nn.ModuleList(
            nn.Conv3d(before, after, (depth, 3, 3), (1 + depth // 3, 2, 2), (depth // 2, 1, 1), bias=False)
            for before, after in pairwise(widths)
        )
        for layer in self.layers:
            nn.init.kaiming_normal_(cast(nn.Conv3d, layer).weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, t, h, w) -> (n, 256), each layer's output brought to one spread."""
        for layer in self.layers:
            x = nn.functional.relu(layer(x))
            x = x / (x.std() + 1e-6)
        return x.mean((2, 3, 4))


@dataclass(frozen=True)
class RandomExtractor:
    """Of pictures at 64 x 64."""

    network: RandomNetwork

    def frame(self, picture: Picture) -> torch.Tensor:
        """(3, 64, 64) in -1 to 1."""
        small = np.asarray(cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA))
        return torch.from_numpy(small).permute(2, 0, 1).float() / 127.5 - 1

    def window(self, frames: Sequence[torch.Tensor]) -> torch.Tensor:
        """(3, t, 64, 64)."""
        return torch.stack(list(frames), 1)

    def embed(self, windows: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """Features (windows, 256)."""
        with torch.inference_mode():
            return np.asarray(self.network(torch.stack(list(windows))).numpy(), np.float32)


@cache
def opened(name: str, weights: str | None) -> Any:
    """An extractor of `framehold distance`, or a random network."""
    if name in {"random-3d", "random-2d"}:
        return RandomExtractor(RandomNetwork(3 if name == "random-3d" else 1).eval())
    return open_extractor(name, weights=weights)


if __name__ == "__main__":
    main()
