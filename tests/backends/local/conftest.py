"""Shared by the tests of local backends: no model stays in memory, nothing of the user's hub cache is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.backends.local.backend import drop_held
from bench.backends.local.libraries import diffusers_module
from tests.backends.local.tiny import Saved, save_tiny


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Tiny pipelines on disk in the layout of the hub, made when they are asked for."""
    folder = tmp_path_factory.mktemp("pipelines")
    return lambda architecture: save_tiny(folder, architecture)


@pytest.fixture(autouse=True)
def lonely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty cache of the hub, and nothing held from one test to the next."""
    diffusers_module()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    yield
    drop_held()
