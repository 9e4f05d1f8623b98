"""The CLIP that comes with framehold: checked, loaded as any other, and able to read what the renderer draws."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import networks
from bench.backends.procedural import ProceduralBackend
from bench.backends.procedural.composing import draw_frames
from bench.networks import (
    EMBEDDED_CLIP,
    EMBEDDED_CONFIG,
    EMBEDDED_FOLDER,
    EMBEDDED_SHA256,
    EMBEDDED_WEIGHTS,
    ClipEmbedder,
    ClipNetwork,
    check_clip_name,
    find_clip,
    load_clip,
    unknown_words,
)
from bench.records import ClipKey, ClipRequest, FrameholdError
from bench.signals.alignment import alignment_curves
from bench.suite import load_suite

SIDE = 96
SCENES = (  # no two of them fit one another's pictures; pairs differ in one thing alone
    "A red ball rolls on a beach",
    "A blue ball rolls on a beach",
    "A red ball rolls in the snow",
    "A red car drives on a beach",
    "A white bird flies over a meadow",
    "A white horse trots in a meadow",
    "A brown horse trots in the desert",
    "A black dog runs in a forest",
    "A black dog sits in a forest",
    "A man in a green shirt walks on a city street",
    "A man in a green shirt jumps on a city street",
    "An orange balloon rises near high mountains",
)
CHANCE = 1 / len(SCENES)
DOINGS = (  # told apart by nothing but what is done
    tuple(f"A woman in a red coat {does} in a village" for does in ("walks", "runs", "stands still", "waves", "jumps")),
    tuple(f"A white gull {does} in the desert" for does in ("flies", "glides", "stands")),
    tuple(f"An orange cat {does} in a park" for does in ("walks", "runs", "sits")),
    tuple(f"A grey cow {does} in a meadow" for does in ("walks", "runs", "grazes")),
)
RIGHT_DOINGS = 0.8  # of 28; by chance about 0.3


@pytest.fixture(scope="module")
def clip() -> ClipNetwork:
    return load_clip(find_clip(EMBEDDED_CLIP, offline=True), "cpu")


def embed(network: ClipNetwork, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    embedder = ClipEmbedder(network)
    for picture in pictures:
        embedder.add(picture)
    return embedder.finish()


def test_it_is_small_and_found_without_a_download() -> None:
    weights = find_clip(EMBEDDED_CLIP, offline=True)
    assert weights.name == EMBEDDED_CLIP
    assert weights.sha256 == hashlib.sha256(weights.path.read_bytes()).hexdigest()
    assert sum(path.stat().st_size for path in EMBEDDED_FOLDER.iterdir()) <= 12_000_000
    check_clip_name(EMBEDDED_CLIP)


@pytest.mark.parametrize("name", sorted(EMBEDDED_SHA256))
def test_a_damaged_file_is_refused_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(EMBEDDED_FOLDER, tmp_path / "clip")
    monkeypatch.setattr(networks, "EMBEDDED_FOLDER", copied)
    content = bytearray((copied / name).read_bytes())
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(FrameholdError, match=f"{name}.*install framehold again"):
        find_clip(EMBEDDED_CLIP)
    (copied / name).unlink()
    with pytest.raises(FrameholdError, match=name):
        find_clip(EMBEDDED_CLIP)


def test_the_card_and_the_configuration_belong_to_the_weights() -> None:
    card = (EMBEDDED_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert EMBEDDED_SHA256[EMBEDDED_WEIGHTS] in card
    config = json.loads((EMBEDDED_FOLDER / EMBEDDED_CONFIG).read_text(encoding="utf-8"))
    assert config["words"] == sorted(set(config["words"]))


def test_it_knows_every_word_of_the_suite_that_the_renderer_draws() -> None:
    assert {
        prompt.id: unknown_words(prompt.text) for prompt in load_suite("quick").prompts if unknown_words(prompt.text)
    } == {}


def test_it_says_which_words_it_does_not_know() -> None:
    assert unknown_words("A unicorn trots along a beach, a unicorn from Bielefeld!") == ("unicorn", "from", "bielefeld")
    assert unknown_words("Ein Hund im Café") == ("ein", "hund", "im", "café")
    strangers = [prompt for prompt in load_suite("core").prompts if unknown_words(prompt.text)]
    assert len(strangers) >= 0.95 * len(load_suite("core").prompts)


def test_it_finds_the_caption_of_scenes_it_never_saw(clip: ClipNetwork) -> None:
    texts = np.stack([clip.embed_text(text) for text in SCENES])
    seen = np.stack(
        [
            embed(clip, draw_frames(text, 90 + n, range(0, 40, 8), SIDE, SIDE)).mean(axis=0)
            for n, text in enumerate(SCENES)
        ]
    )
    right = (seen @ texts.T).argmax(axis=1) == np.arange(len(SCENES))
    assert right.mean() >= 10 * CHANCE, [text for text, found in zip(SCENES, right, strict=True) if not found]


@pytest.mark.slow
def test_it_sees_what_is_done(clip: ClipNetwork) -> None:
    found = []
    for texts in DOINGS:
        told = np.stack([clip.embed_text(text) for text in texts])
        for number, text in enumerate(texts):
            for seed in (7001, 7002):
                seen = embed(clip, draw_frames(text, seed, range(0, 48, 6), 128, 128)).mean(axis=0)
                found.append(int((told @ seen).argmax()) == number)
    assert np.mean(found) >= RIGHT_DOINGS, np.mean(found)


def test_it_loses_the_prompt_where_the_subject_becomes_another(clip: ClipNetwork) -> None:
    text, onset = "A brown dog trots through a park", 12
    dog = draw_frames(text, 5, range(onset), SIDE, SIDE)
    car = draw_frames("A blue car drives in a park", 5, range(onset, 2 * onset), SIDE, SIDE)
    pictures = np.concatenate([dog, car])
    loss, drift = alignment_curves(range(len(pictures)), embed(clip, pictures), clip.embed_text(text), fps=24)
    for curve in (loss, drift):
        assert max(curve.values[:onset]) < 0.5 * min(curve.values[onset:])


def test_a_subject_that_has_melted_fits_its_prompt_less(clip: ClipNetwork) -> None:
    # Taught were parts of pictures that run, never the renderer's own way of melting.
    lost = []
    for prompt in load_suite("quick").prompts:
        seen = {}
        for model in ("procedural/steady", "procedural/dream-filter"):
            request = ClipRequest(ClipKey(model, prompt.id, 77), prompt, 48, 24.0, SIDE, SIDE)
            frames = np.stack(list(ProceduralBackend().fetch(request).frames or ()))
            seen[model] = float((embed(clip, frames[-4:]) @ clip.embed_text(prompt.text)).mean())
        lost.append(seen["procedural/steady"] - seen["procedural/dream-filter"])
    assert np.mean(np.array(lost) > 0.05) >= 0.75, lost


def test_an_embedding_has_unit_length_and_depends_on_its_picture_alone(clip: ClipNetwork) -> None:
    pictures = draw_frames("A red ball bounces in a room", 3, range(0, 38, 2), SIDE, SIDE)
    together = embed(clip, pictures)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert together[17:18] == pytest.approx(embed(clip, pictures[17:18]), abs=1e-4)
    np.testing.assert_array_equal(together, embed(clip, pictures))


def test_wide_and_upright_pictures_are_taken(clip: ClipNetwork) -> None:
    text = clip.embed_text("A brown dog trots through a park")
    for width, height in ((160, 90), (90, 120)):
        seen = embed(clip, draw_frames("A brown dog trots through a park", 2, (0, 20), width, height))
        other = clip.embed_text("A red balloon rises over the sea")
        assert (seen @ text > seen @ other).all()
