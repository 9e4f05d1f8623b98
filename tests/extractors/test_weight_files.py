"""Weight files: downloaded once and checked, read without running what is in them, and absent in plain words."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
import torch

from bench.extractors.weights import Origin, find_weights, read_state
from bench.networks import WeightsAbsent
from bench.records import FrameholdError


class Boom:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    """Weights on a server, and an empty cache of torch."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    served = tmp_path / "served.pt"
    torch.save({"w": torch.ones(2)}, served)
    return Origin("w.pt", url=served.as_uri(), sha256=hashlib.sha256(served.read_bytes()).hexdigest())


def test_public_weights_are_downloaded_once_and_found_again(public: Origin, tmp_path: Path) -> None:
    found = find_weights("net", public, None, offline=False)
    assert found.path == tmp_path / "torch" / "hub" / "checkpoints" / "w.pt"
    assert found.sha256 == public.sha256
    Path(tmp_path / "served.pt").unlink()
    assert find_weights("net", public, None, offline=True) == found


def test_offline_says_where_they_are_to_be_had(public: Origin) -> None:
    with pytest.raises(WeightsAbsent, match=r"net: the weights are not on this machine; get file:.*save it as .*w\.pt"):
        find_weights("net", public, None, offline=True)


def test_a_server_that_does_not_answer_is_absence(public: Origin, tmp_path: Path) -> None:
    Path(tmp_path / "served.pt").unlink()
    with pytest.raises(WeightsAbsent, match="net: the weights cannot be downloaded"):
        find_weights("net", public, None, offline=False)


def test_other_bytes_than_promised_are_refused_and_not_kept(public: Origin, tmp_path: Path) -> None:
    other = Origin(public.file, url=public.url, sha256="0" * 64)
    with pytest.raises(FrameholdError, match="does not have the promised sha256 000000000000"):
        find_weights("net", other, None, offline=False)
    assert not list((tmp_path / "torch").rglob("*.pt"))


def test_damaged_weights_in_the_cache_are_refused(public: Origin, tmp_path: Path) -> None:
    path = find_weights("net", public, None, offline=False).path
    path = path.rename(path.with_name("v.pt"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FrameholdError, match=r"v\.pt is not what net needs"):
        find_weights("net", Origin("v.pt", url=public.url, sha256=public.sha256[:8]), None, offline=True)


def test_a_file_of_ones_own_that_is_not_there() -> None:
    with pytest.raises(WeightsAbsent, match=r"--weights nowhere\.pt: there is no such file"):
        find_weights("net", Origin("w.pt"), "nowhere.pt", offline=False)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    path, touched = tmp_path / "evil.pt", tmp_path / "touched"
    path.write_bytes(pickle.dumps({"w": Boom(touched)}))
    with pytest.raises(FrameholdError, match=r"evil\.pt: no weights that can be read safely"):
        read_state(path)
    torch.save({"w": Boom(touched)}, path)
    with pytest.raises(FrameholdError, match=r"evil\.pt: no weights that can be read safely"):
        read_state(path)
    assert not touched.exists()


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_what_holds_no_weights_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(FrameholdError, match=f"{name}: no weights"):
        read_state(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FrameholdError, match="expected a state dict"):
        read_state(tmp_path / "list.pt")
