"""The Fréchet distance beside scipy's sqrtm, in one run: seconds, and errors against arithmetic of 64-bit mantissas.

Seconds are of the processor, so that a busy machine does not change them; set OMP_NUM_THREADS=1 for those of one core.

python tools/frechet_speed.py [--dimensions 400 1024 1408] [--clips 64 256 2048]     a Markdown table
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from bench.distances.frechet import frechet_distance
from bench.distances.samples import Floats

Long = NDArray[np.longdouble]
SLICE_BITS = 20  # of a mantissa: products of two slices add up exactly over 4096 terms in a float64
SLICES = 4


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", nargs="*", type=int, default=[400, 1024, 1408])
    parser.add_argument("--clips", nargs="*", type=int, default=[64, 256, 2048])
    options = parser.parse_args()
    print("| d | n | this, s | sqrtm, s | times faster | this, relative error | sqrtm, relative error |")
    print("|---|---|---|---|---|---|---|")
    for dimensions in options.dimensions:
        for clips in options.clips:
            print(row(dimensions, clips), flush=True)


def row(dimensions: int, clips: int) -> str:
    """One line of the table, on the same features for all."""
    x, y = features(dimensions, clips)
    truth = reference(x, y)
    ours, seconds = timed(lambda: frechet_distance(x, y), 3)
    theirs, theirs_seconds = timed(lambda: by_sqrtm(x, y), 1)
    errors = [f"{float((np.longdouble(value) - truth) / truth):.1e}" for value in (ours, theirs)]
    return (
        f"| {dimensions} | {clips} | {seconds:.3f} | {theirs_seconds:.2f} | {theirs_seconds / seconds:.0f} "
        f"| {errors[0]} | {errors[1]} |"
    )


def features(dimensions: int, clips: int) -> tuple[Floats, Floats]:
    """Two Gaussian samples whose spreads fall as those of a network's features do, the second moved and stretched."""
    rng = np.random.default_rng([dimensions, clips])
    spread = np.arange(1, dimensions + 1) ** -0.5
    turned = linalg.qr(rng.standard_normal((dimensions, dimensions)))[0]
    x = (rng.standard_normal((clips, dimensions)) * spread) @ turned
    y = (rng.standard_normal((clips, dimensions)) * spread * 1.2 + 0.1 * spread) @ turned
    return x.astype(np.float32).astype(np.float64) + 1.0, y.astype(np.float32).astype(np.float64) + 1.0


def by_sqrtm(x: Floats, y: Floats) -> float:
    """As the common reference codes have it."""
    gap = x.mean(axis=0) - y.mean(axis=0)
    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the product of singular covariances is singular
        root = linalg.sqrtm(one @ other)
    return float(np.real(gap @ gap + np.trace(one + other - 2 * root)))


def timed(job: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Result and seconds of the fastest run."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = job()
        times.append(time.process_time() - start)
    return result, min(times)


# ---- a longer arithmetic -----------------------------------------------------------------------------------------


def reference(x: Floats, y: Floats) -> np.longdouble:
    """The distance with 64-bit mantissas.

    The nuclear norm of A is the largest tr U'AV over matrices U, V with orthonormal columns. Those of a float64 SVD are
    made orthonormal to more digits; what is still wrong with them enters the trace squared.
    """
    long_x, long_y = x.astype(np.longdouble), y.astype(np.longdouble)
    mean_x, mean_y = long_x.mean(axis=0), long_y.mean(axis=0)
    centred_x = (long_x - mean_x) / np.sqrt(np.longdouble(len(x) - 1))
    centred_y = (long_y - mean_y) / np.sqrt(np.longdouble(len(y) - 1))
    across = product(centred_x, centred_y.T).astype(np.float64)
    left, _, right = linalg.svd(across, full_matrices=False)
    rank = min(len(x) - 1, len(y) - 1, x.shape[1])
    u, v = orthonormal(left[:, :rank]), orthonormal(right[:rank].T)
    root = np.sum(product(u.T, centred_x) * product(v.T, centred_y))
    gap = mean_x - mean_y
    total: np.longdouble = np.sum(gap**2) + np.sum(centred_x**2) + np.sum(centred_y**2) - 2 * root
    return total


def orthonormal(columns: Floats) -> Long:
    """Columns that are orthonormal to float64, made so to twice as many digits (one step of Newton and Schulz)."""
    long: Long = np.asarray(columns, np.longdouble)
    gram = product(long.T, long)
    correction: Long = np.asarray((3 * np.eye(len(gram)) - gram) / 2, np.longdouble)
    return product(long, correction)


def product(a: Long, b: Long) -> Long:
    """A product of matrices with 64-bit mantissas out of exact float64 ones (Ozaki et al. 2012)."""
    total = np.zeros((a.shape[0], b.shape[1]), np.longdouble)
    left, right = slices(a, 1), slices(b, 0)
    for i, one in enumerate(left):
        for other in right[: SLICES - i]:
            total += one @ other
    return total


def slices(a: Any, axis: int) -> list[Floats]:
    """Parts of few bits each, on one grid along `axis`, that add up to the matrix."""
    parts, rest = [], np.array(a, np.longdouble)
    for _ in range(SLICES):
        largest = np.abs(rest).max(axis=axis, keepdims=True)
        grid = np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1))) - SLICE_BITS)
        part = np.rint(rest / grid) * grid
        parts.append(part.astype(np.float64))
        rest = rest - part
    return parts


if __name__ == "__main__":
    main()
