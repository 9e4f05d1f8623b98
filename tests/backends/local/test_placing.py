"""Devices, memory, and what happens when it is not enough."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.backends.local import backend as room
from bench.backends.local import placing, recording
from bench.backends.local.adapter import as_pictures, call, fitted, guide
from bench.backends.local.backend import Held
from bench.backends.local.placing import GIB, choose_offload, gpu_count, offload_more
from bench.backends.local.table import LocalModel
from bench.records import FrameholdError, MissingClip
from tests.backends.local.tiny import SIDE, opened, pictures, requests

ROW = LocalModel("a/b", "", memory_gb=10.0)
WEIGHTS = {"unet": 6 * GIB, "vae": 2 * GIB}


@pytest.mark.parametrize(
    ("free_gb", "offload"),
    [(10.1, "none"), (9.9, "model"), (8.1, "model"), (7.9, "sequential"), (3.1, "sequential")],
)
def test_the_least_offload_that_fits_is_chosen(free_gb: float, offload: str) -> None:
    # 10 GB in all, 8 of them weights: 2 to work in. The largest part beside it: 8; a layer at a time beside it: 3.
    assert choose_offload(int(free_gb * GIB), WEIGHTS, ROW) == offload


def test_text_encoders_have_gone_when_pictures_are_made() -> None:
    # 6 GB of them and 2 of the rest, 2 to work in: one after the other, 6 GB are enough.
    large_text = {"text_encoder": 6 * GIB, "unet": 2 * GIB}
    assert [choose_offload(int(gb * GIB), large_text, ROW) for gb in (6.1, 5.9)] == ["model", "sequential"]


def test_with_tiling_only_the_weights_count() -> None:
    wish = opened("diffusers", tiling=True)
    assert (wish.row("mochi").memory_gb, opened("diffusers").row("mochi").memory_gb) == (None, 95.7)


def test_too_little_memory_says_how_much_is_needed() -> None:
    with pytest.raises(FrameholdError, match=r"a/b needs 3.0 GB of GPU memory even with.*and 2.0 GB are free"):
        choose_offload(2 * GIB, WEIGHTS, ROW)


class Pipe:
    """A pipeline that runs out of memory as often as it is told, and notes how it was placed."""

    vae: Any = None

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, list[str]()
        self.components = dict[str, Any]()

    def __call__(self, prompt: str, num_frames: int, generator: torch.Generator, output_type: str = "pil") -> Any:
        self.calls.append("call")
        if self.failures:
            self.failures -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        assert output_type == "np"
        noise = torch.rand(num_frames, SIDE, SIDE, 3, generator=generator)
        return SimpleNamespace(frames=noise.numpy()[None])

    def remove_all_hooks(self) -> None:
        self.calls.append("free")

    def to(self, device: str) -> None:
        self.calls.append(device)

    def enable_model_cpu_offload(self, device: str) -> None:
        self.calls.append("model")

    def enable_sequential_cpu_offload(self, device: str) -> None:
        self.calls.append("sequential")


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a backend hold that pipeline, as if it lay on a GPU."""
    monkeypatch.setattr(recording, "reset_peak", lambda device: None)
    monkeypatch.setattr(recording, "peak_gb", lambda device: 1.5)
    for module in (room, placing):
        monkeypatch.setattr(module, "release", lambda device: None)

    def held(pipe: Pipe, offload: Any = "none") -> Any:
        one = Held("", pipe, "cuda:0", offload)
        monkeypatch.setattr(room.LocalBackend, "_hold", lambda *_: one)
        return opened("diffusers"), one

    return held


def test_out_of_memory_is_tried_once_more_with_offload(hold: Any) -> None:
    pipe = Pipe(failures=1)
    backend, held = hold(pipe)
    clip = backend.fetch(requests(backend, "modelscope")[0])
    assert pipe.calls == ["call", "free", "cpu", "model", "call"]
    assert (held.offload, clip.facts["offload"], clip.facts["after_out_of_memory"]) == ("model", "model", True)
    undisturbed, _ = hold(Pipe(failures=0))
    again = undisturbed.fetch(requests(backend, "modelscope")[0])
    assert np.array_equal(pictures(clip), pictures(again))  # a generator that was half used up would give another clip
    assert "after_out_of_memory" not in again.facts


def test_out_of_memory_twice_is_a_missing_clip(hold: Any) -> None:
    pipe = Pipe(failures=2)
    backend, _ = hold(pipe)
    with pytest.raises(MissingClip, match=r"out of memory with offload model: CUDA out of memory\. Tried to allocate"):
        backend.fetch(requests(backend, "modelscope")[0])
    assert pipe.calls.count("call") == 2


def test_with_all_offloaded_there_is_nothing_left_to_try(hold: Any) -> None:
    pipe = Pipe(failures=1)
    backend, _ = hold(pipe, "sequential")
    with pytest.raises(MissingClip, match="out of memory with offload sequential"):
        backend.fetch(requests(backend, "modelscope")[0])
    assert pipe.calls == ["call"]


def test_offload_can_be_taken_back() -> None:
    pipe = Pipe(0)
    offload_more(pipe, "cpu", "none")
    assert pipe.calls == ["free", "cpu"]


# ---- devices -----------------------------------------------------------------------------------------------------


def test_without_a_gpu_the_cpu_is_offered_with_its_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.backends.local.backend.pick_device", lambda *_, **__: None)
    monkeypatch.setattr("bench.backends.local.estimate._rate", lambda device, dtype: 1e10)
    backend = opened("diffusers", device="auto", height=256, width=256, frames=16, steps=50)
    with pytest.raises(FrameholdError) as raised:
        backend.check_ready("diffusers/modelscope", 12)
    # 4.99e14 operations at 1e10 a second: 13.9 hours a clip, 6.9 days for twelve.
    assert str(raised.value) == (
        "diffusers/modelscope wants a GPU and torch finds none here: run on a machine with one, or add --device cpu, "
        "which takes at least 14 h a clip and 6.9 days for 12"
    )
    with pytest.raises(FrameholdError, match="--device mps: torch finds no such device here"):
        opened("diffusers", device="mps").check_ready("diffusers/modelscope", 1)


def test_a_worker_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert (gpu_count("auto"), gpu_count("cuda"), gpu_count("cpu")) == (3, 3, 1)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert gpu_count("auto") == 1


def test_a_gpu_that_another_process_has_is_left_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from filelock import FileLock

    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: SimpleNamespace(uuid=f"card-{index}"))
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda index: ((5, 9)[index], 10))
    folder = tmp_path / f"framehold-{os.getuid()}"
    folder.mkdir()
    claim = placing._claimed_gpu.__wrapped__
    with FileLock(folder / "gpu-card-0.lock"):
        assert claim() == 1  # and holds it now
        assert claim() == 1  # both are taken: the one with more free memory
    for lock in placing._claims:
        lock.release()
    placing._claims.clear()
    assert claim() == 0
    placing._claims.pop().release()


# ---- arguments and pictures --------------------------------------------------------------------------------------


def test_arguments_go_by_the_names_of_the_call() -> None:
    class Older:
        def __call__(self, prompt: str, video_length: int, eta: float = 0.0) -> None: ...

    wanted = {"prompt": "A dog", "num_frames": 4, "guidance_scale": 3.0, "frame_rate": 8.0}
    taken, dropped = fitted(Older(), wanted, {"eta": 0.5})
    assert taken == {"prompt": "A dog", "video_length": 4, "eta": 0.5}
    assert dropped == {"guidance_scale": 3.0}
    with pytest.raises(FrameholdError, match="arguments: Older takes no 'etta': choose from video_length, eta"):
        fitted(Older(), wanted, {"etta": 0.5})


def test_a_guider_is_told_the_scale() -> None:
    pipe = SimpleNamespace(guider=SimpleNamespace(new=lambda guidance_scale: ("guider", guidance_scale)))
    dropped: dict[str, Any] = {"guidance_scale": 6.0}
    guide(pipe, 6.0, dropped)
    assert (pipe.guider, dropped) == (("guider", 6.0), {})


def test_no_picture_is_no_clip() -> None:
    with pytest.raises(MissingClip, match="values that are no numbers"):
        as_pictures(np.full((1, 2, 2, 3), np.nan))
    with pytest.raises(MissingClip, match=r"an array of shape \(2, 2\)"):
        as_pictures(np.zeros((2, 2)))
    assert as_pictures(np.array([[[[-0.1, 0.2, 1.7]]]])).ravel().tolist() == [0, 51, 255]


def test_pictures_of_pil_are_taken_too() -> None:
    from PIL import Image

    class Images:
        def __call__(self, prompt: str) -> Any:
            return SimpleNamespace(images=[Image.new("RGB", (4, 2), (1, 2, 3))])

    frames = call(Images(), {"prompt": "A dog"}, None)
    assert (frames.shape, frames[0, 0, 0].tolist()) == ((1, 2, 4, 3), [1, 2, 3])
