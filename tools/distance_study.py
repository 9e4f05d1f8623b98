"""How distances depend on the number of clips, and what their features cost: tables of docs/distances.md.

python tools/distance_study.py size                        samples of one distribution at 16 to 1024 clips
python tools/distance_study.py coverage                    how often intervals, tests and floors are right
python tools/distance_study.py overhead CLIPS [NAME ...]   extraction beside the bare forward, weights drawn from a seed
python tools/distance_study.py scale CLIPS FILE            write the scale of the embedded extractor's statistics

CLIPS is real footage as for `calibrate`. Which extractor sees time is measured by tools/distance_sensitivity.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.distances.estimate import Plan, Sample, estimate
from bench.distances.frechet import Frechet
from bench.distances.infinite import infinite_distance
from bench.distances.kernel import PolynomialKernel, kernel_distance
from bench.distances.samples import Floats
from bench.extractors import Extractor, Wanted, open_extractor
from bench.extractors.cache import Cutting
from bench.extractors.embedded import embedded
from bench.extractors.features import ClipSource, extract, one_opencv_thread
from bench.extractors.i3d_network import I3D
from bench.extractors.statistics import window_statistics
from bench.extractors.torchvision import HEADS, import_torchvision
from bench.records import Picture
from bench.stages.survey import clips_of
from bench.video import read_frames

FRAMES = 16
OVERHEAD_CLIPS = 4
OVERHEAD_ROUNDS = 3


def main() -> None:
    """Parse and run one study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=("size", "coverage", "overhead", "scale"))
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(1)
    studies: dict[str, Callable[..., None]] = {
        "size": study_size,
        "coverage": study_coverage,
        "overhead": study_overhead,
        "scale": write_scale,
    }
    with one_opencv_thread():
        studies[options.study](*options.rest)


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


def study_overhead(folder: str, *names: str) -> None:
    """Print processor seconds of a window: the whole extraction, and its parts alone, on the same clips by turns."""
    print("| extractor | extraction, s | forward alone, s | over it | decoding, s | pictures prepared, s |")
    print("|---|---|---|---|---|---|")
    paths = [path for path, _ in clips_of(Path(folder))][:OVERHEAD_CLIPS]
    for name in names or ("i3d-400", *HEADS):
        with tempfile.TemporaryDirectory() as temporary:
            extractor = open_extractor(name, weights=random_weights(name, Path(temporary)), device="cpu")
        whole, bare, decoding, prepared = costs(extractor, paths)
        print(
            f"| {name} | {whole:.3f} | {bare:.3f} | {whole / bare - 1:+.1%} | {decoding:.3f} | {prepared:.3f} |",
            flush=True,
        )


def costs(extractor: Extractor, paths: Sequence[Path]) -> Floats:
    """Seconds a clip of extraction, forward, decoding and preparing of pictures; of each the fastest round."""
    frames = extractor.about.frames
    clips = [ClipSource(path.name, path) for path in paths]
    pictures = [[frame.picture for frame in islice(read_frames(path), frames)] for path in paths]
    windows = [extractor.window([extractor.frame(picture) for picture in each]) for each in pictures]
    extractor.embed(windows[:1])
    jobs: tuple[Callable[[], object], ...] = (
        lambda: extract(clips, extractor, Cutting(frames, frames, frames), threads=1),
        lambda: [extractor.embed([window]) for window in windows],
        lambda: [list(islice(read_frames(path), frames)) for path in paths],
        lambda: [extractor.window([extractor.frame(picture) for picture in each]) for each in pictures],
    )
    rounds = [[processor_seconds(job) for job in jobs] for _ in range(OVERHEAD_ROUNDS)]
    fastest: Floats = np.asarray(rounds).min(axis=0) / len(paths)
    return fastest


def random_weights(name: str, folder: Path) -> Path | None:
    """A file of weights drawn from a seed for that network; none for an extractor without."""
    torch.manual_seed(1)
    if name == "embedded":
        return None
    models = importlib.import_module("torchvision.models", import_torchvision().__name__)
    network = I3D() if name == "i3d-400" else models.get_model(name, weights=None)
    torch.save(network.state_dict(), folder / "random.pt")
    return folder / "random.pt"


def processor_seconds(job: Callable[[], object]) -> float:
    """Seconds of all threads together: what a busy machine does not change."""
    start = time.process_time()
    job()
    return time.process_time() - start


def write_scale(folder: str, file: str) -> None:
    """Means and spreads of the statistics over all windows of the footage, to four digits."""
    extractor, found = embedded(Wanted("embedded")), []
    for path, _ in clips_of(Path(folder)):
        held: list[Picture] = []
        for frame in read_frames(path):
            held.append(extractor.frame(frame.picture))
            if len(held) == FRAMES:
                found.append(window_statistics(held))
                held = []
    lines = []
    for name in found[0]:
        values = np.array([one[name] for one in found])
        lines.append(f" {json.dumps(name)}: [{values.mean():.4g}, {values.std():.4g}]")
    Path(file).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
