"""Text2Video-Zero against diffusers' own pipeline where that one can do it, and by hand where it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.backends.local.libraries import diffusers_module
from bench.backends.local.random_weights import build_random
from bench.backends.local.text2video_zero import Asked, Motion, _shifted, animate, turning_steps

SIDE = 32
DEPRECATED = {"stable-diffusion": "TextToVideoZeroPipeline", "stable-diffusion-xl": "TextToVideoZeroSDXLPipeline"}


@pytest.fixture(scope="module")
def pipes() -> dict[str, Any]:
    """Tiny image models."""
    made = {name: build_random(name, "tiny", "cpu", "float32", {}, name) for name in DEPRECATED}
    for pipe in made.values():
        pipe.set_progress_bar_config(disable=True)
    return made


def asked(frames: int = 4, steps: int = 10, guidance: float = 7.5, **more: Any) -> Asked:
    size = {"height": SIDE, "width": SIDE} | {name: more.pop(name) for name in ("height", "width") if name in more}
    return Asked("A dog runs", frames, steps=steps, guidance=guidance, **size, **more)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def theirs(pipe: Any, want: Asked, frame_ids: list[int] | None = None) -> NDArray[Any]:
    """The same clip by diffusers, whose t0 and t1 count steps from the end."""
    kind = getattr(diffusers_module(), DEPRECATED[_architecture(pipe)])
    parts = {name: part for name, part in pipe.components.items() if name not in {"image_encoder"}}
    deprecated = kind(**parts, **({"requires_safety_checker": False} if "safety_checker" in parts else {}))
    deprecated.set_progress_bar_config(disable=True)
    first, second = turning_steps(want.steps)
    ids = frame_ids or list(range(want.frames))
    more = {} if "safety_checker" in parts else {"output_type": "np"}
    output = deprecated(
        prompt=want.prompt,
        video_length=len(ids),
        frame_ids=ids,
        height=want.height,
        width=want.width,
        num_inference_steps=want.steps,
        guidance_scale=want.guidance,
        negative_prompt=want.negative_prompt,
        generator=seeded(),
        motion_field_strength_x=want.motion.x,
        motion_field_strength_y=want.motion.y,
        t0=want.steps - second - 1,
        t1=want.steps - first - 1,
        **more,
    )
    return np.asarray(output.images)


def _architecture(pipe: Any) -> str:
    return "stable-diffusion-xl" if "text_encoder_2" in pipe.components else "stable-diffusion"


def ours(monkeypatch: pytest.MonkeyPatch, pipe: Any, want: Asked, **more: Any) -> NDArray[Any]:
    """Before rounding to pictures."""
    monkeypatch.setattr("bench.backends.local.text2video_zero.as_pictures", lambda frames: frames)
    return np.asarray(animate(pipe, want, seeded(), **more))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("architecture", "want"),
    [
        ("stable-diffusion", asked(steps=50)),  # the paper's
        ("stable-diffusion", asked(frames=3, steps=10, negative_prompt="blur", motion=Motion(40.0, -25.0))),
        ("stable-diffusion-xl", asked(steps=10)),
    ],
    ids=["paper", "other motion", "xl"],
)
def test_it_equals_the_pipeline_of_diffusers(
    architecture: str, want: Asked, pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipes[architecture]
    mine = ours(monkeypatch, pipe, want)
    assert mine.shape == (want.frames, SIDE, SIDE, 3)
    assert np.abs(mine - theirs(pipe, want)).max() < 1e-5
    assert np.abs(mine[1:] - mine[:1]).max() > 1e-3  # the frames do differ


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_later_frames_equal_those_of_their_chunk_in_diffusers(
    pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # There each chunk draws the same noise anew, beside frame 0; with that noise the frames are the same here.
    pipe, want = pipes["stable-diffusion"], asked(frames=5)
    generator = seeded()
    torch.randn(1, 4, SIDE // 2, SIDE // 2, generator=generator)
    chunk = torch.randn(2, 4, SIDE // 2, SIDE // 2, generator=generator)
    mine = ours(monkeypatch, pipe, want, noise=torch.cat([chunk, chunk]))
    assert np.abs(mine[3:] - theirs(pipe, want, [0, 3, 4])[1:]).max() < 1e-5
    assert np.abs(mine[:3] - theirs(pipe, want, [0, 1, 2])).max() < 1e-5


def test_a_frame_does_not_depend_on_its_chunk_and_memory_not_on_the_length(
    pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipes["stable-diffusion"]
    batches: list[int] = []
    hook = pipe.unet.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    try:
        in_twos = ours(monkeypatch, pipe, asked(frames=7, steps=3, chunk_frames=2))
    finally:
        hook.remove()
    at_once = ours(monkeypatch, pipe, asked(frames=7, steps=3, chunk_frames=6))
    assert np.abs(in_twos - at_once).max() < 1e-5
    assert max(batches) == 2 * (1 + 2)  # two branches, of the first frame and two others


@pytest.mark.parametrize(
    "want",
    [asked(steps=1), asked(steps=2), asked(frames=1, steps=3), asked(steps=3, guidance=0.0), asked(frames=2, steps=3)],
    ids=["one step", "two steps", "one frame", "guidance off", "two frames"],
)
def test_what_diffusers_cannot_do(want: Asked, pipes: dict[str, Any]) -> None:
    frames = animate(pipes["stable-diffusion"], want, seeded())
    assert frames.shape == (want.frames, SIDE, SIDE, 3)
    assert frames.dtype == np.uint8
    assert frames.std() > 1


def test_the_first_frame_is_the_image_of_that_seed(pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # By hand: frame 0 attends to itself alone, so it is what DDIM makes of the image model.
    pipe, want = pipes["stable-diffusion"], asked(frames=3, steps=4)
    mine = ours(monkeypatch, pipe, want)
    image = pipe(
        want.prompt,
        height=SIDE,
        width=SIDE,
        num_inference_steps=4,
        guidance_scale=7.5,
        generator=seeded(),
        output_type="np",
    ).images[0]
    assert np.abs(mine[0] - image).max() < 1e-5


def test_the_attention_is_restored_also_after_a_fault(pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipes["stable-diffusion"]
    before = dict(pipe.unet.attn_processors)
    animate(pipe, asked(steps=2), seeded())
    assert pipe.unet.attn_processors == before

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pipe.vae, "decode", broken)
    with pytest.raises(ZeroDivisionError):
        animate(pipe, asked(steps=2), seeded())
    assert pipe.unet.attn_processors == before


def test_the_motion_is_the_same_share_of_every_picture() -> None:
    # 64 px at a side of 512 is an eighth: 1 of 8 cells, 2 of 16. Looking right, the content moves left.
    for cells in (8, 16):
        ramp = torch.arange(cells, dtype=torch.float32).repeat(cells, 1)[None, None]
        want = asked(motion=Motion(64.0, 0.0))
        moved = _shifted(ramp, 1, want)[0, 0, 0]
        assert moved[: cells - cells // 8].tolist() == ramp[0, 0, 0, cells // 8 :].tolist()


def test_in_a_wide_picture_it_keeps_its_direction() -> None:
    # 8 x 16 cells: the shorter side has 8, so an eighth of it is 1 cell, across and down.
    down = torch.arange(8.0)[:, None].expand(8, 16)
    across = torch.arange(16.0).expand(8, 16)
    moved = _shifted(torch.stack([across, down])[None], 1, asked(motion=Motion(64.0, 64.0)))[0]
    assert (moved[:, 2, 3].tolist(), moved[:, 0, 0].tolist()) == ([4.0, 3.0], [1.0, 1.0])


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10, 25, 50, 100])
def test_turning_steps_are_in_order(steps: int) -> None:
    first, second = turning_steps(steps)
    assert 0 <= first <= second < steps
    assert second > first or steps == 1
