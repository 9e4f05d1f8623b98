"""Keys for the stand-ins, and stand-ins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.backends.hosted import keys
from tests.backends.hosted.runs import ENVIRONMENT
from tests.backends.hosted.stand_in import KEY, STAND_INS, StandIn


@pytest.fixture(autouse=True)
def only_our_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a key or an address of whoever runs it."""
    others = ("GOOGLE_API_KEY", "RUNWAYML_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_CLOUD_PROJECT", keys.KEY_FILE_VARIABLE)
    for name in others:
        monkeypatch.delenv(name, raising=False)
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(keys, "_known", set())
    # The stand-ins speak plain http: reading the certificates of the world for every client takes most of the time.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)


@pytest.fixture(params=STAND_INS)
def provider(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """Each provider in turn."""
    with STAND_INS[request.param]().open() as stand_in:
        yield stand_in


@pytest.fixture
def runway() -> Iterator[StandIn]:
    """Runway alone, where one provider is enough."""
    with STAND_INS["runway"]().open() as stand_in:
        yield stand_in
