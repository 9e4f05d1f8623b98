"""What the networks of profile `standard` take a frame: real size, random weights, on the GPU where torch can use one.

On a CPU the seconds are those of its one thread, whatever else the machine does; on a GPU they are those of the clock.

python tools/network_speed.py [--width 1280] [--height 720] [--repeats 5]
"""

from __future__ import annotations

import argparse
import importlib
import resource
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import cv2
import numpy as np

from bench.dense.dinov2 import ARCHITECTURE, Patches
from bench.dense.raft import Raft
from bench.embedded import embedded_weights
from bench.extractors.torch_extractor import chosen_device
from bench.networks import torchvision_module
from bench.records import Picture
from bench.signals import PROFILES, Measuring
from bench.signals.views import View, dis, working_picture
from bench.stages.score import one_thread


def main() -> None:
    """Parse, measure, print a line each: milliseconds, median and range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = chosen_device("auto")
    pictures = [working_picture(each) for each in moving(options.width, options.height, options.repeats + 1)]
    print(f"working size {pictures[0].shape[1]} x {pictures[0].shape[0]}, {device}, one thread on a CPU")
    models, timm = (importlib.import_module(name, torchvision_module().__name__) for name in MODULES)
    small, large = (
        Raft(make(weights=None).eval().to(device), device) for make in (models.raft_small, models.raft_large)
    )
    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0, dynamic_img_size=True)
    patches = Patches("dinov2-small", network.eval().to(device), network.patch_embed.patch_size[0], device)
    with one_thread():
        for name, flow in (("DIS", dis), ("RAFT small", small), ("RAFT large", large)):
            tell(f"{name}, flow there and back", [timed(lambda f=flow, p=pair: f(*p)) for pair in pairs(pictures)])
        tell("DINOv2 small", [timed(lambda p=pair: patches(p[1])) for pair in pairs(pictures)])
        networks = {**embedded_weights(), "raft-small": small, "dinov2-small": patches}
        for name, profile in PROFILES.items():
            tell(f"all signals of {name}", steps_of(Measuring(profile.signals, networks), pictures))
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


MODULES = ("torchvision.models.optical_flow", "timm")


def moving(width: int, height: int, count: int) -> list[Picture]:
    """A texture that moves to the right."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 4, 3), np.uint8)
    wide = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    return [np.asarray(wide[:, 8 * k : 8 * k + width], np.uint8) for k in range(count)]


def pairs(pictures: list[Picture]) -> list[tuple[View, View]]:
    """Neighbours, as frames that nobody has looked at."""
    return [(View(0, one), View(1, two)) for one, two in pairwise(pictures)]


def steps_of(measuring: Measuring, pictures: list[Picture]) -> list[float]:
    """Seconds of each step; the first makes two frames ready and is left out."""
    return [timed(lambda i=index, p=each: measuring.add(i, p)) for index, each in enumerate(pictures)][2:]


def timed(job: Callable[..., Any]) -> float:
    """Seconds that a job takes."""
    clock = time.process_time if chosen_device("auto") == "cpu" else time.perf_counter
    start = clock()
    job()
    return clock() - start


def tell(name: str, seconds: list[float]) -> None:
    """One line; the first measurement warms up and is left out."""
    warm = [1000 * each for each in seconds[1:]]
    print(f"{name:32} {median(warm):8.0f} ms ({min(warm):.0f} to {max(warm):.0f}), {len(warm)} times")


if __name__ == "__main__":
    main()
