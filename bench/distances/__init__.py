"""Distances: features of two sets of clips -> how far apart. To add one: a file here, a line in DISTANCES, a test.

A distance is a class built from a pool of features (n, d). It has `name`, `unit`, `unbiased` (its expectation does not
depend on the number of clips) and `between(left, right)`: values (replicates,) from weights (replicates, n) of the two
parts that are compared. Arrays in, values out: no path, device, file or log.
"""

from __future__ import annotations

DISTANCES: dict[str, str] = {
    "kernel": "bench.distances.kernel:PolynomialKernel",
    "frechet": "bench.distances.frechet:Frechet",
    "jedi": "bench.distances.jedi:JediKernel",
}
