"""Where weights come from, and every way in which they can fail to: the commit first, tensors only, one clear line."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.backends.local.asking import downloading
from bench.backends.local.fetching import Wanted, fetch, look
from bench.networks import WeightsAbsent
from bench.records import FrameholdError
from tests.backends.local.tiny import Saved, opened, requests

REPO, OLD, NEW = "owner/model", "a" * 40, "b" * 40
COMMAND = 'hf download owner/model --include "*.json" --include "*.txt" --include "*.model" --include "*.safetensors"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline of two components, one of them in two shards; its tensors are only bytes."""
    root = tmp_path / "mine"
    index = {
        "_class_name": "LTXPipeline",
        "vae": ["diffusers", "V"],
        "text_encoder": ["transformers", "T"],
        "safety_checker": ["stable_diffusion", "S"],
        "image_encoder": [None, None],
    }
    files = {
        "model_index.json": json.dumps(index),
        "vae/config.json": "{}",
        "vae/diffusion_pytorch_model.safetensors": "tensors",
        "text_encoder/config.json": "{}",
        "text_encoder/model.safetensors.index.json": json.dumps({"weight_map": {"x": "one.safetensors"}}),
        "text_encoder/one.safetensors": "more tensors",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def cached(tmp_path: Path, folder: Path, commit: str = OLD) -> Path:
    """The folder as the hub's cache keeps it: blobs by hash, links by commit, the branch in refs."""
    root = tmp_path / "hub" / f"models--{REPO.replace('/', '--')}"
    for path in folder.rglob("*"):
        if path.is_file():
            blob = root / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
            link = root / "snapshots" / commit / path.relative_to(folder)
            for each in (blob, link):
                each.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, blob)
            link.symlink_to(blob)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / "main").write_text(commit)
    return root / "snapshots" / commit


class Hub:
    """Stands in for the hub: tells of one repository at one commit, and hands its files over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> None:
        self.tmp_path, self.folder, self.asked = tmp_path, folder, dict[str, Any]()
        monkeypatch.setattr("huggingface_hub.HfApi.model_info", self.model_info)
        monkeypatch.setattr("huggingface_hub.snapshot_download", self.snapshot_download)

    def model_info(self, repo: str, revision: str, **_: Any) -> Any:
        names = [path for path in self.folder.rglob("*") if path.is_file()]
        siblings = [
            SimpleNamespace(rfilename=path.relative_to(self.folder).as_posix(), size=path.stat().st_size)
            for path in names
        ]
        self.asked["info"] = repo, revision
        return SimpleNamespace(sha=NEW, siblings=siblings)

    def snapshot_download(self, repo: str, revision: str, allow_patterns: list[str]) -> str:
        self.asked["download"] = repo, revision, sorted(allow_patterns)
        taken = self.tmp_path / "taken"
        for name in allow_patterns:
            (taken / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / name, taken / name)
        return str(cached(self.tmp_path, taken, NEW))


def failing(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Exception]) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise make()

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)


def hub_error(name: str, status: int) -> Exception:
    from huggingface_hub import errors

    kind = getattr(errors, name)
    made: Exception = kind.__new__(kind)
    made.args = (f"{status} Client Error",)
    return made


# ---- a folder of one's own ---------------------------------------------------------------------------------------


def test_a_folder_is_known_by_what_is_in_it(folder: Path) -> None:
    found = look(Wanted(str(folder)))
    assert found is not None
    assert found.commit.startswith("sha256:")
    assert look(Wanted(str(folder))) == found
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_text("others")
    changed = look(Wanted(str(folder)))
    assert changed is not None
    assert changed.commit != found.commit


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "model_index.json").unlink(), "expected a folder as save_pretrained writes it"),
        (lambda folder: shutil.rmtree(folder / "vae"), "model_index.json names vae, and there is no such folder"),
        (lambda folder: (folder / "text_encoder" / "one.safetensors").unlink(), "one.safetensors is not there"),
        (lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "vae holds no weights"),
        (lambda folder: (folder / "model_index.json").write_text("["), "not an index of a pipeline"),
        (
            lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").rename(folder / "vae" / "x.bin"),
            "vae comes as a pickle only, which can run any code when it is read: allow it with --allow-pickle",
        ),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(folder: Path, spoil: Callable[[Path], Any], said: str) -> None:
    spoil(folder)
    with pytest.raises(FrameholdError) as raised:
        look(Wanted(str(folder)))
    assert said in str(raised.value)
    assert str(folder) in str(raised.value)


def test_a_pickle_is_taken_when_it_is_allowed(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").rename(folder / "vae" / "x.bin")
    assert look(Wanted(str(folder), allow_pickle=True)) is not None


# ---- the hub -----------------------------------------------------------------------------------------------------


def test_what_is_in_the_cache_is_taken_at_its_commit_and_nobody_is_asked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(tmp_path, folder)
    failing(monkeypatch, lambda: AssertionError("the hub was asked"))
    found = fetch(Wanted(REPO), offline=False, terms="")
    assert (found.commit, found.folder) == (OLD, snapshot)
    assert fetch(Wanted(REPO, OLD), offline=True, terms="") == found


def test_a_damaged_file_of_the_cache_is_named(folder: Path, tmp_path: Path) -> None:
    blob = (cached(tmp_path, folder) / "vae" / "diffusion_pytorch_model.safetensors").resolve()
    blob.write_text("tensorS")
    with pytest.raises(FrameholdError, match=r"diffusion_pytorch_model.safetensors is damaged \(sha256 "):
        fetch(Wanted(REPO), offline=False, terms="")


def test_offline_names_the_command(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsAbsent) as raised:
        fetch(Wanted(REPO), offline=True, terms="")
    assert str(raised.value) == (
        "owner/model: its weights are not on this machine and --offline was asked for; get them where there is "
        f"internet with: {COMMAND}"
    )
    (cached(tmp_path, folder) / "text_encoder" / "one.safetensors").unlink()  # half a download is none
    with pytest.raises(WeightsAbsent):
        fetch(Wanted(REPO), offline=True, terms="")
    assert replace(Wanted(REPO), revision="v2").command.startswith("hf download owner/model --revision v2 --include")


def test_a_download_is_of_the_commit_that_was_resolved_and_of_tensors_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("vae/x.bin", "vae/diffusion_pytorch_model.fp16.safetensors", "safety_checker/model.safetensors"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not wanted")
    (folder / "all_in_one.safetensors").write_text("not wanted")
    hub = Hub(monkeypatch, tmp_path, folder)
    with caplog.at_level(logging.INFO, "framehold.local"):
        found = fetch(Wanted(REPO), offline=False, terms="CC-BY-NC-4.0 (not for commercial use)")
    assert hub.asked["info"] == (REPO, "main")
    assert hub.asked["download"] == (
        REPO,
        NEW,
        [
            "model_index.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors.index.json",
            "text_encoder/one.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
        ],
    )
    assert found.commit == NEW
    assert f"commit {NEW}" in caplog.text
    assert "Licence: CC-BY-NC-4.0 (not for commercial use)" in caplog.text


def test_more_than_the_disk_holds_is_not_begun(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, tmp_path, folder)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(FrameholdError, match="make room, or name another place with HF_HOME"):
        fetch(Wanted(REPO), offline=False, terms="")
    assert "download" not in hub.asked


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: hub_error("GatedRepoError", 403),
            "owner/model is gated: accept its terms at https://huggingface.co/owner/model, log in with `hf auth login`",
        ),
        (lambda: hub_error("RepositoryNotFoundError", 404), "the hub shows no such repository"),
        (lambda: hub_error("RevisionNotFoundError", 404), "owner/model has no revision 'main'"),
        (lambda: OSError("no route"), f"be reached (OSError); get them where there is internet with: {COMMAND}"),
    ],
)  # fmt: skip
def test_what_the_hub_refuses_is_said(
    make: Callable[[], Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, make)
    with pytest.raises(FrameholdError) as raised:
        fetch(Wanted(REPO), offline=False, terms="")
    assert said in str(raised.value)


def test_a_hub_that_no_connection_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    failing(monkeypatch, lambda: httpx.ConnectError("Name or service not known"))
    with pytest.raises(WeightsAbsent, match="the hub cannot be reached"):
        fetch(Wanted(REPO), offline=False, terms="")


def test_the_backend_asks_nobody_while_downloads_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, lambda: AssertionError("the hub was asked"))
    with downloading(False), pytest.raises(WeightsAbsent, match="--offline was asked for"):
        opened("diffusers", repo=REPO).check_ready("diffusers/modelscope", 1)


def test_files_of_another_pipeline_are_refused_with_the_reason(saved: Saved) -> None:
    backend = opened("diffusers", repo=str(saved("ltx-video")))
    with pytest.raises(FrameholdError, match="cannot be loaded as TextToVideoSDPipeline"):
        backend.fetch(requests(backend, "modelscope")[0])
