"""What the embedded CLIP's loss of alignment must exceed to end a hold: learnt from drawn clips that hold.

python -m tools.calibrate_alignment [--clips 600] [--alpha 0.01] [--seed 0] [--out FILE]

To be run again whenever the weights in bench/assets/clip change. Real footage has no prompt, and the renderer can draw
any number of clips that are hard to follow and yet consistent. About 0.5 seconds a clip on one core.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch

from bench.backends.procedural.scenes import RENDERER_VERSION
from bench.calibration import conformal_rank
from bench.networks import EMBEDDED_CLIP, EMBEDDED_FOLDER, ClipNetwork, find_clip, load_clip
from bench.records import AlignmentThreshold
from bench.run_folder import replace_text
from bench.stages.align import SIGNAL, THRESHOLD_FILE
from bench.stages.score import DECISIVE, DECISIVE_WITH_CLIP
from tools.clip_scores import SECONDS, curves, mixed

STREAM = 2  # of random numbers; tools/clip_data.py and tools/clip_scores.py draw from others
OUT = EMBEDDED_FOLDER.parent / "calibrations" / THRESHOLD_FILE


def learn(network: ClipNetwork, clips: int, alpha: float, seed: int) -> AlignmentThreshold:
    """The conformal threshold of the largest loss of each clip. Raises ValueError when the clips are too few."""
    rank, scores, drawn = conformal_rank(clips, alpha), list[float](), Counter[str]()
    for number in range(clips):
        clip = mixed(np.random.default_rng([seed, STREAM, number]), number)
        scores.append(max(curves(network, clip)[SIGNAL].values))
        drawn.update([clip.hard or "plain", f"{clip.fps:g} fps", f"{len(clip.pictures) / clip.fps:g} s"])
        if (number + 1) % 50 == 0:
            print(f"{number + 1} of {clips} clips, largest {max(scores):.3f}", flush=True)
    scores.sort()
    names = ("framehold", *DECISIVE, *DECISIVE_WITH_CLIP)
    return AlignmentThreshold(
        clip=EMBEDDED_CLIP,
        clip_sha256=network.weights.sha256,
        alpha=alpha,
        threshold=scores[rank - 1],
        scores=tuple(scores),
        least_seconds=min(SECONDS),
        clips=dict(sorted(drawn.items())),
        seed=seed,
        versions={"renderer": RENDERER_VERSION} | {name: version(name) for name in names},
    )


def main() -> None:
    """Parse, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--alpha", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = load_clip(find_clip(EMBEDDED_CLIP), "cpu")
    learnt = learn(network, options.clips, options.alpha, options.seed)
    replace_text(options.out, json.dumps(asdict(learnt), separators=(",", ":"), indent=None) + "\n")
    print(f"threshold {learnt.threshold:.4f}, {options.clips} clips at {options.alpha:g}")


if __name__ == "__main__":
    main()
