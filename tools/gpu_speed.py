"""What framehold adds to a model: the bare call of a pipeline against framehold's generation, in one run, on one GPU.

python tools/gpu_speed.py [MODEL ...] [--clips 4] [--steps N] [--size full] [--device cuda]
python tools/gpu_speed.py ltx-video --device cpu --size tiny        tries the tool itself where there is no GPU

Random weights at full size, nothing downloaded. MODEL is a name of the table, or text2video-zero/sd-1.5. For each:
seconds a clip, peak memory and busy share of the GPU (as its driver counts it), bare and with framehold (which also
encodes, hashes and records), and the share that framehold adds. With --steps of denoising in place of the model's own,
memory is that of a whole clip and seconds are not.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from bench.backends.local import backend as room
from bench.backends.local.adapter import arguments_of, fitted
from bench.backends.local.asking import spell_out
from bench.backends.local.backend import LocalBackend, drop_held, fresh_generator
from bench.backends.local.diffusers_video import DiffusersBackend
from bench.backends.local.recording import peak_gb, reset_peak
from bench.records import ClipRequest, Prompt, Source, Spec, Suite
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.generate import generate
from bench.stages.plan import backend_of, plan_jobs
from bench.stages.score import score

DEFAULT = ["modelscope", "text2video-zero/sd-1.5", "wan2.1-1.3b", "ltx-video"]
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Measure:
    """Of a number of clips."""

    seconds_a_clip: float
    peak_gb: float | None
    busy: float | None


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=DEFAULT)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--device", default="cuda")
    asked = parser.parse_args()
    where = torch.cuda.get_device_name() if asked.device == "cuda" else asked.device
    steps = "" if asked.steps is None else f", {asked.steps} steps"
    print(
        f"{where}, torch {torch.__version__}, {asked.clips} clips each after one to warm up, {asked.size} size{steps}"
    )
    print(f"{'model':26} {'':10} {'s a clip':>9} {'peak GB':>9} {'busy':>6}")
    for model in asked.models:
        bare, ours, scoring = measure_model(spell_out(model), asked)
        for name, one in (("bare", bare), ("framehold", ours), ("score", scoring)):
            peak = "" if one.peak_gb is None else f"{one.peak_gb:.2f}"
            busy = "" if one.busy is None else f"{one.busy:.0%}"
            print(f"{model:26} {name:10} {one.seconds_a_clip:9.3f} {peak:>9} {busy:>6}")
        print(f"{model:26} framehold adds {ours.seconds_a_clip / bare.seconds_a_clip - 1:+.1%}", flush=True)


def measure_model(model: str, asked: argparse.Namespace) -> tuple[Measure, Measure, Measure]:
    """(bare calls, framehold's generation, scoring) of the same clips, with the same weights in memory."""
    clips: int = asked.clips
    prompts = tuple(Prompt(f"p{index}", f"A red ball rolls down hill number {index}") for index in range(clips))
    options = {"weights": "random", "size": asked.size, "device": asked.device, "steps": asked.steps}
    source = Source(model.partition("/")[0], options, (model,))
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        run.begin(Spec(Suite("speed", 1, prompts, sha256="0" * 64), (source,)))
        requests = [job.request for job in plan_jobs(run.root, run.spec(), 0.0)]
        backend = backend_of(source)
        if not isinstance(backend, LocalBackend):
            raise SystemExit(f"{model}: not a local model")
        backend.fetch(requests[0])  # loads the model, and warms it up
        place = room._held[0].device
        bare = _measured(lambda: _call_bare(backend, requests), clips, place)
        ours = _measured(lambda: generate(run, Crew()), clips, place)
        scoring = _measured(lambda: score(run, Crew()), clips, place)
    drop_held()
    return bare, ours, scoring


def _call_bare(backend: LocalBackend, requests: list[ClipRequest]) -> None:
    """The pipeline alone, its pictures thrown away; of a technique of framehold's own, the technique alone."""
    pipe = room._held[0].pipe
    for request in requests:
        row = replace(backend.row(request.key.model), frames=request.frames)
        if isinstance(backend, DiffusersBackend):
            arguments, _ = fitted(pipe, arguments_of(row, request.prompt.text, None), row.arguments)
            pipe(**arguments, generator=fresh_generator(request), output_type="np")
        else:
            backend.make(pipe, row, request, {})


def _measured(work: Callable[[], Any], clips: int, device: str) -> Measure:
    busy: list[float] = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(device, busy, over), daemon=True)
    reset_peak(device)
    watcher.start()
    started = time.perf_counter()
    work()
    peak = peak_gb(device)  # waits for the GPU
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    return Measure(seconds / clips, peak, mean(busy) if busy else None)


def _watch(device: str, busy: list[float], over: threading.Event) -> None:
    while not over.wait(LOOK_SECONDS):
        if device.startswith("cuda"):
            try:
                busy.append(torch.cuda.utilization(torch.device(device)) / 100)
            except (ModuleNotFoundError, RuntimeError):  # without nvidia-ml-py nobody counts
                return


if __name__ == "__main__":
    main()
