"""bench.networks: a CLIP by name or file, never by code that came with it; without weights, no alignment."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file

from bench import networks
from bench.networks import ClipEmbedder, WeightsAbsent, check_clip_name, find_clip, load_clip
from bench.records import FrameholdError, ScoredRow
from bench.run_folder import RunFolder, read_records
from bench.stages import Crew
from bench.stages.run import run_all
from tests.factory import PROMPTS, picture, procedural_spec, texture

ARCHITECTURE = "framehold-tiny"
HUB_FILE = "open_clip_model.safetensors"
COMMIT = "c" * 40
CONFIG = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}
TRAINED = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "interpolation": "bilinear", "resize_mode": "squash"}
PICTURES = [picture(texture(48, 64, seed)) for seed in range(19)]  # more than a batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a tiny CLIP, in the formats that weights come in."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / f"{ARCHITECTURE}.json").write_text(json.dumps(CONFIG))
    open_clip = networks.open_clip_module()
    open_clip.add_model_config(folder / f"{ARCHITECTURE}.json")
    torch.manual_seed(0)
    state = open_clip.create_model(ARCHITECTURE).state_dict()
    save_file({name: values.contiguous() for name, values in state.items()}, folder / "weights.safetensors")
    torch.save(state, folder / "weights.pt")
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{name}": values for name, values in state.items()}}, folder / "w.pth"
    )
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a machine that has downloaded the tiny CLIP; returns the file of its weights."""
    content = (folder / "weights.safetensors").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    repository = tmp_path / "hub" / "models--owner--tiny"
    snapshot = repository / "snapshots" / COMMIT
    for place in (repository / "blobs", repository / "refs", snapshot):
        place.mkdir(parents=True)
    (repository / "blobs" / sha256).write_bytes(content)
    (repository / "refs" / "main").write_text(COMMIT)
    (snapshot / HUB_FILE).symlink_to(Path("../../blobs") / sha256)
    tags = {"here": {"hf_hub": "owner/tiny/", "quick_gelu": True, **TRAINED}, "absent": {"hf_hub": "owner/other/"}}
    pretrained = networks.open_clip_module().pretrained._PRETRAINED
    monkeypatch.setitem(pretrained, ARCHITECTURE, {**tags, "gone": {"hf_hub": ""}})
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return snapshot / HUB_FILE


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("nothing may be asked of the network")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def named(file: Path) -> str:
    return f"{ARCHITECTURE}/{file}"


def embedded(name: str) -> np.ndarray[Any, Any]:
    """Embeddings of PICTURES by the CLIP of that name."""
    embedder = ClipEmbedder(load_clip(find_clip(name, offline=True)))
    for each in PICTURES:
        embedder.add(each)
    return embedder.finish()


# ---- weights in a file -------------------------------------------------------------------------------------------


@pytest.mark.slow  # open_clip takes seconds to import
@pytest.mark.parametrize("file", ["weights.safetensors", "weights.pt", "w.pth"])
def test_weights_from_a_file(folder: Path, file: str, no_network: None) -> None:
    weights = find_clip(named(folder / file))
    assert weights.sha256 == hashlib.sha256((folder / file).read_bytes()).hexdigest()
    network = load_clip(weights)
    text = network.embed_text("A dog runs across a field")
    assert text.shape == (8,)
    assert text.dtype == np.float32
    assert np.linalg.norm(text) == pytest.approx(1, abs=1e-6)
    assert not np.allclose(text, network.embed_text("A man walks"))
    network.embed_text("dog " * 500)  # more than its context
    assert np.array_equal(
        text, load_clip(find_clip(named(folder / "weights.safetensors"))).embed_text("A dog runs across a field")
    )


def test_pictures_are_embedded_in_order_whatever_the_batch(folder: Path) -> None:
    name = named(folder / "weights.safetensors")
    together = embedded(name)
    assert together.shape == (len(PICTURES), 8)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-6)
    for index in (0, 15, 16, 18):
        alone = ClipEmbedder(load_clip(find_clip(name)))
        alone.add(PICTURES[index])
        assert alone.finish()[0] == pytest.approx(together[index], abs=1e-5)
    with pytest.raises(ValueError, match="at least one picture"):
        ClipEmbedder(load_clip(find_clip(name))).finish()


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("file", ["zip.pt", "zip.safetensors", "plain.bin", "plain.pt", "plain.pth"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of a file that is none of its own
def test_code_in_a_pickle_is_not_run(folder: Path, tmp_path: Path, file: str) -> None:
    evil = {"state_dict": Evil(tmp_path / "it ran")}
    if file.startswith("zip"):
        torch.save(evil, tmp_path / file)
    else:
        (tmp_path / file).write_bytes(pickle.dumps(evil))
    with pytest.raises(FrameholdError, match=f"--clip .*{file} does not hold weights of {ARCHITECTURE}: "):
        load_clip(find_clip(named(tmp_path / file)))
    assert not (tmp_path / "it ran").exists()


def test_the_evil_pickle_would_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Evil(tmp_path / "it ran")))
    assert (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "content", [[1, 2], 3, {}, {"state_dict": 3}, {"a": torch.zeros(2)}, None], ids=lambda content: str(content)[:20]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_files_of_something_else_are_told(folder: Path, tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pt"
    if content is None:
        path.touch()
    else:
        torch.save(content, path)
    with pytest.raises(
        FrameholdError, match=rf"--clip .*other\.pt does not hold weights of {ARCHITECTURE}: "
    ) as caught:
        load_clip(find_clip(named(path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 7, 1000, -1])
def test_a_cut_safetensors_is_told(folder: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes((folder / "weights.safetensors").read_bytes()[:cut])
    with pytest.raises(FrameholdError, match=r"cut\.safetensors does not hold weights"):
        load_clip(find_clip(named(path)))


# ---- weights of the hub ------------------------------------------------------------------------------------------


def test_weights_in_the_cache_of_the_hub(folder: Path, hub: Path, no_network: None) -> None:
    weights = find_clip(f"{ARCHITECTURE}/here", offline=True)
    assert (weights.path, weights.sha256) == (hub, hub.resolve().name)


def test_a_tag_brings_the_preprocessing_it_was_trained_with(folder: Path, hub: Path) -> None:
    open_clip = networks.open_clip_module()
    reference, _, preprocess = open_clip.create_model_and_transforms(
        ARCHITECTURE,
        pretrained=str(hub),
        force_quick_gelu=True,
        **{f"image_{name}": value for name, value in TRAINED.items()},
    )
    network = load_clip(find_clip(f"{ARCHITECTURE}/here", offline=True))
    assert str(network.preprocess) == str(preprocess)
    assert "std=(0.25, 0.25, 0.25)" in str(preprocess)
    assert "QuickGELU" in str(reference)
    assert str(network.model) == str(reference)
    assert not np.allclose(embedded(f"{ARCHITECTURE}/here"), embedded(named(folder / "weights.safetensors")), atol=1e-3)


def test_a_file_that_is_not_what_was_promised_is_refused(folder: Path, hub: Path) -> None:
    content = bytearray(hub.read_bytes())
    content[-1] ^= 1
    hub.resolve().write_bytes(content)
    with pytest.raises(FrameholdError, match=r"is damaged \(sha256 .*, promised .*\): delete it and run again"):
        find_clip(f"{ARCHITECTURE}/here", offline=True)


def test_absent_weights_come_with_the_command_that_gets_them(hub: Path, no_network: None) -> None:
    with pytest.raises(WeightsAbsent, match=f"hf download owner/other {HUB_FILE}$"):
        find_clip(f"{ARCHITECTURE}/absent", offline=True)


@pytest.mark.parametrize(
    ("tag", "offline", "asked"),
    [("here", True, 0), ("here", False, 0), ("absent", True, 0), ("absent", False, 1)],
)
def test_only_what_is_absent_is_downloaded_and_only_online(
    hub: Path, monkeypatch: pytest.MonkeyPatch, tag: str, offline: bool, asked: int
) -> None:
    downloads = []

    def download(repository: str, file: str) -> str:
        downloads.append((repository, file))
        raise LocalEntryNotFoundError("no internet")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    if tag == "here":
        assert find_clip(f"{ARCHITECTURE}/here", offline).path == hub
    else:
        with pytest.raises(WeightsAbsent, match=f"hf download owner/other {HUB_FILE}$"):
            find_clip(f"{ARCHITECTURE}/absent", offline)
    assert downloads == [("owner/other", HUB_FILE)] * asked


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ViT-B-32", "expected .*ARCH/TAG or ARCH/FILE"),
        ("ViT-B-23/openai", "open_clip knows no 'ViT-B-23'; near it: .*ViT-B-32"),
        ("ViT-B-32/nobody", "open_clip has no such weights of ViT-B-32; it has .*laion2b_s34b_b79k"),
        (f"{ARCHITECTURE}/gone", "has no safetensors on the hub: download it and pass ARCH/FILE"),
        (f"{ARCHITECTURE}/nowhere.pt", "there is no file nowhere.pt"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_ones(hub: Path, no_network: None, name: str, told: str) -> None:
    with pytest.raises(FrameholdError, match=f"--clip '{name}'.*{told}"):
        find_clip(name)


def test_checking_a_name_looks_for_no_file(hub: Path, no_network: None) -> None:
    for name in (f"{ARCHITECTURE}/absent", f"{ARCHITECTURE}/nowhere.pt", "ViT-B-32/laion2b_s34b_b79k"):
        check_clip_name(name)


# ---- in a run ----------------------------------------------------------------------------------------------------


def scored(root: Path, clip_model: str | None) -> RunFolder:
    run = RunFolder(root)
    run_all(run, procedural_spec(("procedural/pop",), PROMPTS, clip_model=clip_model), Crew(), offline=True)
    return run


@pytest.mark.slow
def test_without_weights_only_alignment_is_not_scored(hub: Path, tmp_path: Path, no_network: None) -> None:
    without, absent = scored(tmp_path / "without", None), scored(tmp_path / "absent", f"{ARCHITECTURE}/absent")
    for name in ("curves_path", "metrics_path", "holds_path"):
        assert getattr(without, name).read_bytes() == getattr(absent, name).read_bytes()
    (note,) = [note for note in absent.summary()["notes"] if "not scored" in note]
    assert note == (
        f"Alignment to the prompt is not scored for 2 of 2 clips: --clip {ARCHITECTURE}/absent: the weights are not on "
        f"this machine; get them where there is internet with: hf download owner/other {HUB_FILE}."
    )
    assert "no CLIP was wanted (--clip none)" in " ".join(without.summary()["notes"])


@pytest.mark.slow
def test_with_weights_it_is(hub: Path, tmp_path: Path, no_network: None) -> None:
    without, run = scored(tmp_path / "without", None), scored(tmp_path / "with", f"{ARCHITECTURE}/here")
    curves = run.table(run.curves_path).to_pandas()
    added = curves[curves["signal"].isin(["alignment_loss", "embedding_drift"])]
    assert added["value"].notna().all()
    assert added.groupby("signal")["clip_id"].nunique().to_dict() == {"alignment_loss": 2, "embedding_drift": 2}
    assert curves.drop(added.index).reset_index(drop=True).equals(without.table(without.curves_path).to_pandas())
    metrics = run.table(run.metrics_path).to_pandas()
    assert {"clip_score", "clip_temporal_consistency"} <= set(metrics["metric"])
    assert metrics["value"].notna().all()
    assert not [note for note in run.summary()["notes"] if "not scored" in note]
    assert all(row.unscored == {} for row in read_records(run.scored_path, ScoredRow))
