"""Ten pipelines, tiny and for real, through save and load: one seed one clip, in any order and after a restart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.backends.local.backend import drop_held
from bench.backends.local.table import DIFFUSERS
from bench.records import canonical_json
from tests.backends.local.tiny import SIDE, Saved, opened, pictures, requests

PIPELINES = {  # model: (class in diffusers, frames that come when 4 are asked for)
    "modelscope": ("TextToVideoSDPipeline", 4),
    "wan2.1-1.3b": ("WanPipeline", 5),
    "ltx-video": ("LTXPipeline", 9),
    "cogvideox-2b": ("CogVideoXPipeline", 9),
    "cogvideox-5b": ("CogVideoXPipeline", 9),
    "mochi": ("MochiPipeline", 7),
    "hunyuan-video": ("HunyuanVideoPipeline", 5),
    "animatediff": ("AnimateDiffPipeline", 4),
    "latte": ("LattePipeline", 16),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", PIPELINES)
def test_a_pipeline_of_diffusers(model: str, saved: Saved) -> None:
    kind, frames = PIPELINES[model]
    folder = saved(str(DIFFUSERS[model].architecture))
    backend = opened("diffusers", repo=str(folder))
    dog, dog_again, cat = requests(backend, model)
    first = backend.fetch(dog)
    clip = pictures(first)
    assert clip.shape == (frames, SIDE, SIDE, 3)
    other_seed, other_prompt = pictures(backend.fetch(dog_again)), pictures(backend.fetch(cat))
    assert not np.array_equal(clip, other_seed)
    assert not np.array_equal(clip, other_prompt)
    drop_held()
    again = opened("diffusers", repo=str(folder))  # after a restart, in another order
    assert requests(again, model) == (dog, dog_again, cat)
    assert np.array_equal(pictures(again.fetch(cat)), other_prompt)
    assert np.array_equal(pictures(again.fetch(dog)), clip)
    assert first.facts["pipeline"] == kind
    assert first.facts["requested"]["frames"] == 4
    assert first.facts["actual"] == {"frames": frames, "fps": DIFFUSERS[model].fps, "width": SIDE, "height": SIDE}
    assert first.facts["dropped_arguments"] == {}
    assert json.loads(canonical_json(dict(first.facts))) == first.facts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend_name", "model", "architecture"),
    [
        ("text2video-zero", "sd-1.5", "stable-diffusion"),
        ("text2video-zero", "sdxl", "stable-diffusion-xl"),
        ("stable-diffusion", "sd-1.5", "stable-diffusion"),
    ],
)
def test_a_backend_over_an_image_model(backend_name: str, model: str, architecture: str, saved: Saved) -> None:
    backend = opened(backend_name, repo=str(saved(architecture)), frames=3)
    dog, dog_again, _ = requests(backend, model)
    clip, other_seed = pictures(backend.fetch(dog)), pictures(backend.fetch(dog_again))
    assert clip.shape == (3, SIDE, SIDE, 3)
    assert not np.array_equal(clip, other_seed)
    assert not np.array_equal(clip[0], clip[1])
    drop_held()
    again = opened(backend_name, repo=str(saved(architecture)), frames=3)
    assert np.array_equal(pictures(again.fetch(dog_again)), other_seed)
    assert np.array_equal(pictures(again.fetch(dog)), clip)


def test_frames_of_the_floor_have_no_link_in_time(saved: Saved) -> None:
    longer = opened("stable-diffusion", repo=str(saved("stable-diffusion")), frames=3, steps=1)
    shorter = opened("stable-diffusion", repo=str(saved("stable-diffusion")), frames=2, steps=1)
    three = pictures(longer.fetch(requests(longer, "sd-1.5")[0]))
    two = pictures(shorter.fetch(requests(shorter, "sd-1.5")[0]))
    assert np.array_equal(three[:2], two)  # a frame depends on its number alone


@pytest.mark.slow
def test_a_motion_adapter_from_a_repository_of_its_own(saved: Saved) -> None:
    image_model, whole = saved("stable-diffusion"), saved("animatediff")
    adapter = str(whole / "motion_adapter")
    backend = opened("diffusers", repo=str(image_model), parts={"motion_adapter": adapter})
    clip = backend.fetch(requests(backend, "animatediff")[0])
    assert clip.facts["pipeline"] == "AnimateDiffPipeline"
    assert clip.facts["parts"]["motion_adapter"].startswith(f"{adapter}@sha256:")
    assert pictures(clip).shape == (4, SIDE, SIDE, 3)


@pytest.mark.slow
def test_any_pipeline_is_what_its_index_says(saved: Saved) -> None:
    backend = opened("diffusers", repo=str(saved("ltx-video")), frames=9, fps=12)
    clip = backend.fetch(requests(backend, "any/thing")[0])
    assert (clip.facts["pipeline"], len(pictures(clip))) == ("LTXPipeline", 9)
    assert clip.facts["dropped_arguments"] == {}  # LTX takes the frame rate


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clips(saved: Saved) -> None:
    import gc

    import torch

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    backend = opened("diffusers", repo=str(saved("ltx-video")), frames=1)
    request = requests(backend, "ltx-video")[0]
    counts = []
    for _ in range(4):
        for _ in range(5):
            backend.fetch(request)
        counts.append(tensors())
    assert counts[1:] == [counts[0]] * 3


@pytest.mark.slow
def test_random_weights_need_no_file_and_are_marked(saved: Saved) -> None:
    options = {"weights": "random", "size": "tiny", "frames": 9}
    backend = opened("diffusers", **options)
    request = requests(backend, "ltx-video")[0]
    clip = backend.fetch(request)
    drop_held()
    again = opened("diffusers", **options).fetch(request)
    assert np.array_equal(pictures(clip), pictures(again))
    assert (clip.facts["weights"], clip.facts["commit"]) == ("random", None)
