"""How near is scoring to its lower bound? Decode alone, flow alone and `score` on the same clips, in one run.

python tools/speed.py CLIP [CLIP ...]       seconds and ratio, for each clip and for all
python tools/speed.py --long                peak memory while scoring 5,000 frames of 1280x720
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np

from bench.records import Picture
from bench.signals.views import View, working_picture
from bench.stages.score import score_frames
from bench.video import read_frames

LONG_FRAMES, LONG_SIZE = 5_000, (1280, 720)
REPEATS = 3


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.long:
        measure_long_clip()
    if options.clips:
        measure_ratio(options.clips)


def measure_ratio(clips: list[Path]) -> None:
    """Print decode, flow and score seconds of each clip, and score over decode + flow."""
    print(f"{'clip':40} {'frames':>6} {'decode':>8} {'flow':>8} {'score':>8} {'ratio':>6}")
    total = np.zeros(3)
    for clip in clips:
        pictures = [working_picture(frame.picture) for frame in read_frames(clip)]
        jobs = (partial(decode_alone, clip), partial(flow_alone, pictures), partial(score_alone, clip))
        seconds = np.array([fastest(job) for job in jobs])
        total += seconds
        print_row(clip.name, len(pictures), seconds)
    print_row("all", 0, total)


def fastest(job: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times)


def print_row(name: str, frames: int, seconds: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """One line of the table."""
    decode, flow, score = seconds
    print(f"{name[:40]:40} {frames or '':>6} {decode:8.3f} {flow:8.3f} {score:8.3f} {score / (decode + flow):6.2f}")


def decode_alone(clip: Path) -> None:
    """Read every frame, and nothing else."""
    for _ in read_frames(clip):
        pass


def score_alone(clip: Path) -> None:
    """Everything that `framehold score` does to one clip, but for writing it."""
    score_frames(read_frames(clip))


def flow_alone(pictures: list[Picture]) -> None:
    """The two flows of every pair at the working size, and nothing else."""
    matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    views = [View(index, picture) for index, picture in enumerate(pictures)]
    for before, after in pairwise(views):
        matcher.calc(before.gray, after.gray, None)  # type: ignore[call-overload]
        matcher.calc(after.gray, before.gray, None)  # type: ignore[call-overload]


def measure_long_clip() -> None:
    """Print the peak memory of this process after scoring a long clip."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp4"
        write_long_clip(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.process_time()
        scored = score_frames(read_frames(path))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.process_time() - start
    print(f"{scored.row.frames} frames of {scored.row.width}x{scored.row.height}: {seconds:.0f} s,", end=" ")
    print(f"peak {peak / 1024:.0f} MB (before scoring {before / 1024:.0f} MB)")


def write_long_clip(path: Path) -> None:
    """A textured picture that drifts and turns, as H.264."""
    width, height = LONG_SIZE
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in long_pictures(width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def long_pictures(width: int, height: int) -> Iterator[Picture]:
    """The frames of the long clip."""
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.integers(0, 256, (90, 160, 3), np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC
    )
    for frame in range(LONG_FRAMES):
        turn = cv2.getRotationMatrix2D((float(width), float(height)), 3 * np.sin(frame / 60), 1.0)
        turn[:, 2] -= (width / 2 + 200 * np.sin(frame / 90), height / 2 + 100 * np.cos(frame / 70))
        yield np.asarray(cv2.warpAffine(texture, turn, (width, height)), np.uint8)


if __name__ == "__main__":
    main()
