"""What the distances see and how they depend on the number of clips: the tables of docs/distances.md.

python tools/distance_study.py sensitivity CLIPS       power against temporal corruption; CLIPS as for `calibrate`
python tools/distance_study.py sensitivity             the same on clips of the built-in renderer
python tools/distance_study.py size                    samples of one distribution at 16 to 1024 clips
python tools/distance_study.py coverage                how often intervals, tests and floors are right
python tools/distance_study.py overhead CLIPS [WEIGHTS]    extraction beside the bare forward of the network
python tools/distance_study.py scale CLIPS FILE        write the scale of the embedded extractor's statistics
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.backends.procedural import ProceduralBackend
from bench.distances.estimate import Plan, Sample, estimate
from bench.distances.frechet import Frechet
from bench.distances.infinite import infinite_distance
from bench.distances.kernel import PolynomialKernel, kernel_distance
from bench.distances.resampling import numbered, relabelled
from bench.distances.samples import Floats
from bench.extractors import Wanted
from bench.extractors.cache import Cutting
from bench.extractors.embedded import EmbeddedExtractor, embedded
from bench.extractors.features import ClipSource, extract, one_opencv_thread
from bench.extractors.i3d import i3d_400
from bench.extractors.i3d_network import I3D
from bench.extractors.statistics import window_statistics
from bench.records import ClipKey, ClipRequest, Picture
from bench.stages.calibrate import clips_of
from bench.suite import load_suite
from bench.video import read_frames

FRAMES = 16
WINDOWS_PER_SOURCE = 4
SIZES = (32, 64, 128)
TRIALS = 60
PERMUTATIONS = 200
Order = NDArray[np.intp]
Windows = list[list[Picture]]


def main() -> None:
    """Parse and run one study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=("sensitivity", "size", "coverage", "overhead", "scale"))
    parser.add_argument("paths", nargs="*", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    studies: dict[str, Callable[..., None]] = {
        "sensitivity": study_sensitivity,
        "size": study_size,
        "coverage": study_coverage,
        "overhead": study_overhead,
        "scale": write_scale,
    }
    with one_opencv_thread():
        studies[options.study](*options.paths)


# ---- clips -------------------------------------------------------------------------------------------------------


def footage(folder: Path, most: int) -> tuple[Windows, list[str]]:
    """Windows of real clips at the embedded extractor's size, and their sources; at most so many a source."""
    extractor, windows, sources = opened(), Windows(), list[str]()
    for path, source in clips_of(folder):
        held: list[Picture] = []
        for frame in read_frames(path):
            held.append(extractor.frame(frame.picture))
            if len(held) == FRAMES:
                if sources.count(source) < most:
                    windows.append(held)
                    sources.append(source)
                held = []
    return windows, sources


def drawn(count: int) -> tuple[Windows, list[str]]:
    """Clips of the built-in renderer without a failure, each of another prompt and seed."""
    backend = ProceduralBackend(frames=FRAMES, fps=12, width=128, height=128)
    prompts, windows, names = load_suite("quick").prompts, Windows(), []
    for number in range(count):
        prompt, seed = prompts[number % len(prompts)], 1000 + number
        key = ClipKey("procedural/steady", prompt.id, seed)
        request = ClipRequest(key, prompt, FRAMES, 12.0, 128, 128)
        clip = backend.fetch(request, backend.submit(request))
        windows.append(list(clip.frames or ()))
        names.append(f"{prompt.id} {seed}")
    return windows, names


def orders(rng: np.random.Generator) -> dict[str, Order]:
    """The frames shown instead of 0, 1, 2, ...: the pictures stay as they are."""
    plain = np.arange(FRAMES)
    found = {"none": plain}
    for width in (2, 4, 16):
        blocks = [start + rng.permutation(width) for start in range(0, FRAMES, width)]
        found[f"shuffle within {width}"] = np.concatenate(blocks)
    for length in (4, 8, 16):
        found[f"reverse the last {length}"] = np.concatenate([plain[: FRAMES - length], plain[FRAMES - length :][::-1]])
    for length in (2, 4, 8):
        found[f"freeze the last {length}"] = np.minimum(plain, FRAMES - length - 1)
    for reach in (1, 2, 4):
        found[f"jitter by up to {reach}"] = np.clip(plain + rng.integers(-reach, reach + 1, FRAMES), 0, FRAMES - 1)
    return found


# ---- sensitivity -------------------------------------------------------------------------------------------------


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
        """(n, 3, t, h, w) -> (n, 256), each layer's channels brought to one spread."""
        for layer in self.layers:
            x = nn.functional.relu(layer(x))
            x = x / (x.std() + 1e-6)
        return x.mean((2, 3, 4))


def random_features(windows: Sequence[Sequence[Picture]], depth: int) -> Floats:
    """Of pictures at 64 x 64."""
    network, found = RandomNetwork(depth).eval(), []
    with torch.inference_mode():
        for window in windows:
            small = np.stack([cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA) for picture in window])
            found.append(network(torch.from_numpy(small).permute(3, 0, 1, 2)[None].float() / 127.5 - 1)[0].numpy())
    return np.asarray(found, np.float64)


def embedded_features(windows: Sequence[Sequence[Picture]]) -> Floats:
    """Of pictures at the size they come in."""
    extractor = opened()
    return np.stack([extractor.window(window) for window in windows]).astype(np.float64)


def opened() -> EmbeddedExtractor:
    """The embedded extractor."""
    return embedded(Wanted("embedded"))


def study_sensitivity(folder: Path | None = None) -> None:
    """Print distance and power by extractor, corruption and number of clips."""
    makers: dict[str, Callable[[Any], Floats]] = {
        "embedded": embedded_features,
        "random 3-D network": lambda windows: random_features(windows, 3),
        "random 2-D network": lambda windows: random_features(windows, 1),
    }
    windows, sources = footage(folder, WINDOWS_PER_SOURCE) if folder else drawn(2 * SIZES[-1])
    print(f"{len(windows)} windows of {FRAMES} frames, {len(set(sources))} sources")
    print("| corruption | " + " | ".join(f"{name}: distance at {SIZES[-1]}; power" for name in makers) + " |")
    print("|" + "---|" * (1 + len(makers)))
    rng = np.random.default_rng(1)
    shown = [orders(rng) for _ in windows]
    clean = {name: standardised(make(windows)) for name, make in makers.items()}
    for corruption in shown[0]:
        pairs = zip(windows, shown, strict=True)
        spoilt = [[window[at] for at in order[corruption]] for window, order in pairs]
        cells = []
        for name, make in makers.items():
            base, centre, spread = clean[name]
            cells.append(power((make(spoilt) - centre) / spread, base, sources))
        print(f"| {corruption} | " + " | ".join(cells) + " |", flush=True)


def standardised(features: Floats) -> tuple[Floats, Floats, Floats]:
    """Features on their own scale, so that all extractors are judged by one kernel."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    return (features - centre) / spread, centre, spread


def power(spoilt: Floats, clean: Floats, sources: Sequence[str]) -> str:
    """Mean kernel distance, and the share of trials with p of 5% or less at each size; no source on both sides."""
    spoilt, labels = np.clip(spoilt, -6, 6), np.asarray(sources)
    shares, distances = [], []
    for size in SIZES:
        hits = []
        for trial in range(TRIALS):
            rng = np.random.default_rng([trial, size])
            halves = np.array_split(rng.permutation(np.unique(labels)), 2)
            one, other = (chosen(labels, half, size, rng) for half in halves)
            p_value, distance = tested(spoilt[one], clean[other], [*labels[one], *labels[other]], rng)
            hits.append(p_value <= 0.05)
            distances += [distance] if size == SIZES[-1] else []
        shares.append(f"{np.mean(hits):.2f}")
    return f"{np.mean(distances):.3g}; {' '.join(shares)}"


def chosen(labels: NDArray[np.str_], half: NDArray[np.str_], size: int, rng: np.random.Generator) -> Order:
    """So many clips of those sources, as evenly spread over them as can be."""
    places = [rng.permutation(np.flatnonzero(labels == source)) for source in half]
    turns = [place[turn] for turn in range(max(map(len, places))) for place in places if turn < len(place)]
    return np.array(turns[:size])


def tested(x: Floats, y: Floats, labels: Sequence[str], rng: np.random.Generator) -> tuple[float, float]:
    """p-value and kernel distance, sources exchanged as wholes."""
    kernel = PolynomialKernel(np.concatenate([x, y]))
    whole = (np.arange(len(x) + len(y)) < len(x)).astype(float)[None]
    value = kernel.between(whole, 1 - whole)[0]
    drawn_again = relabelled(numbered(labels), len(x), PERMUTATIONS, rng)
    others = kernel.between(drawn_again, 1 - drawn_again)
    return float((1 + np.sum(others >= value)) / (1 + PERMUTATIONS)), float(value)


# ---- size and coverage -------------------------------------------------------------------------------------------


def gaussian(dimensions: int, rng: np.random.Generator) -> Callable[[int], Floats]:
    """A source of clips whose features are Gaussian, their spreads falling as those of a network's do."""
    spread = np.arange(1, dimensions + 1) ** -0.5
    spread *= np.sqrt(dimensions / np.sum(spread**2))
    return lambda count: rng.standard_normal((count, dimensions)) * spread


def study_size() -> None:
    """Print the distance of two samples of one distribution at each number of clips: mean and where 95% of them lie."""
    print("| d | n | Fréchet (95% of draws) | at infinite n (its 95% interval, one draw) | kernel (95% of draws) |")
    print("|---|---|---|---|---|")
    for dimensions, draws in ((68, 40), (400, 20)):
        source = gaussian(dimensions, np.random.default_rng(dimensions))
        for size in (16, 32, 64, 128, 256, 512, 1024):
            pairs = [(source(size), source(size)) for _ in range(draws)]
            frechet = [Frechet(np.concatenate(pair)).between(*parts(size))[0] for pair in pairs]
            kernel = [kernel_distance(*pair) for pair in pairs]
            print(
                f"| {dimensions} | {size} | {spread_of(frechet)} | {infinite(*pairs[0])} | {spread_of(kernel)} |",
                flush=True,
            )


def parts(size: int) -> tuple[Floats, Floats]:
    """Weights of the two halves of a pool."""
    left = (np.arange(2 * size) < size).astype(float)[None]
    return left, 1 - left


def spread_of(values: Sequence[float]) -> str:
    """Mean and central 95%."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{np.mean(values):.3g} ({low:.3g} to {high:.3g})"


def infinite(x: Floats, y: Floats) -> str:
    """The extrapolated distance, or that it is refused."""
    try:
        found = infinite_distance(Frechet, Sample(x), Sample(y, name="reference"))
    except ValueError:
        return "refused"
    return f"{found.value:.3g} ({found.low:.3g} to {found.high:.3g})"


def study_coverage(trials: int = 200) -> None:
    """Print how often 95% intervals hold the expectation at that n, how often tests and floors alarm."""
    print("| distance | n, reference | apart | interval holds | p of 5% or less | above the floor |")
    print("|---|---|---|---|---|---|")
    source, plan = gaussian(32, np.random.default_rng(7)), Plan(permutations=200)
    for make in (PolynomialKernel, Frechet):
        for size in (32, 128):
            for apart in (0.0, 0.25):
                expected = expected_at(make, source, size, apart)
                pairs = (
                    (Sample(source(size) + apart), Sample(source(2 * size), name="reference")) for _ in range(trials)
                )
                found = [estimate(make, *pair, plan) for pair in pairs]
                holds = np.mean([(one.low or 0) <= expected <= (one.high or 0) for one in found])
                tests = np.mean([one.p_value is not None and one.p_value <= 0.05 for one in found])
                same = [one.same_size for one in found if one.same_size]
                above = np.mean([one.samples.value > one.floor for one in same])
                shown = f"{tests:.2f}" if make is PolynomialKernel else "-"
                print(
                    f"| {make.name} | {size}, {2 * size} | {apart:g} | {holds:.2f} | {shown} | {above:.2f} |",
                    flush=True,
                )


def expected_at(make: Any, source: Callable[[int], Floats], size: int, apart: float) -> float:
    """The mean distance of so many clips from twice as many."""
    left = (np.arange(3 * size) < size).astype(float)[None]
    pools = (np.concatenate([source(size) + apart, source(2 * size)]) for _ in range(500))
    return float(np.mean([make(pool).between(left, 1 - left) for pool in pools]))


# ---- cost and scale ----------------------------------------------------------------------------------------------


def study_overhead(folder: Path, weights: Path | None = None) -> None:
    """Print seconds a clip of the whole extraction of i3d-400 and of its forward alone, on the same windows."""
    with tempfile.TemporaryDirectory() as temporary:
        if weights is None:
            weights = Path(temporary) / "random.pt"
            torch.manual_seed(1)
            torch.save(I3D().state_dict(), weights)
        extractor = i3d_400(Wanted("i3d-400", weights=str(weights), device="cpu"))
    clips = [ClipSource(path.name, path) for path, _ in clips_of(folder)[:10]]
    cutting = Cutting(FRAMES, FRAMES, FRAMES)
    pictures = [[frame.picture for frame in islice(read_frames(clip.path), FRAMES)] for clip in clips if clip.path]
    windows = [extractor.window([extractor.frame(picture) for picture in each]) for each in pictures]
    extractor.embed(windows[:1])
    for _ in range(3):
        whole = processor_seconds(lambda: extract(clips, extractor, cutting, threads=1)) / len(clips)
        bare = processor_seconds(lambda: [extractor.embed([window]) for window in windows]) / len(clips)
        print(f"{whole:.3f} s a clip, the forward alone {bare:.3f} s, {whole / bare - 1:+.1%}", flush=True)


def processor_seconds(job: Callable[[], object]) -> float:
    """Seconds of all threads together: what a busy machine does not change."""
    start = time.process_time()
    job()
    return time.process_time() - start


def write_scale(folder: Path, file: Path) -> None:
    """Means and spreads of the statistics over all windows of the footage, to four digits."""
    windows, _ = footage(folder, 1000)
    found = [window_statistics(window) for window in windows]
    lines = []
    for name in found[0]:
        values = np.array([one[name] for one in found])
        lines.append(f" {json.dumps(name)}: [{values.mean():.4g}, {values.std():.4g}]")
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
