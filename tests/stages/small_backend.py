"""A backend for tests: small clips at once, in a way that tests can slow down, refuse, break and price."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.records import Clip, ClipKey, ClipRequest, MissingClip, Picture, Plan, Suite
from tests.factory import picture, texture

NAME = "tests.stages.small_backend:SmallBackend"
STALL = "FRAMEHOLD_TEST_STALL"
"""Names the prompts, separated by commas, whose clips never come."""


class SmallBackend:
    """Clips of a pan over noise. `log` is a file that tells what was asked, a line each; `orders` what goes wrong.

    An order is `refuse`, `break` or `once`: refused at submission, a fault of the backend's own, a clip that comes only
    at the second fetch.
    """

    def __init__(
        self,
        frames: int = 6,
        price_usd: float = 0.0,
        log: str | None = None,
        orders: dict[str, str] | None = None,
        names: tuple[str, ...] = ("small/pan", "small/jump"),
    ) -> None:
        self.frames, self.price_usd, self.names = frames, price_usd, tuple(names)
        self.log = Path(log) if log else None
        self.orders = orders or {}

    def models(self) -> tuple[str, ...]:
        return self.names

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        requests = tuple(
            ClipRequest(ClipKey(model, prompt.id, seed), prompt, self.frames, identity="1")
            for model in models
            for prompt in suite.prompts
            for seed in prompt.seeds
        )
        return Plan(requests, self.price_usd * len(requests))

    def submit(self, request: ClipRequest) -> str:
        if self._told(request) == "refuse":
            raise MissingClip("refused: this prompt is not allowed")
        self._write("submit", request)
        return f"ticket of {request.key.clip_id}" if self.price_usd else ""

    def fetch(self, request: ClipRequest, ticket: str) -> Clip:
        if request.prompt.id in os.environ.get(STALL, "").split(","):
            time.sleep(600)
        first = self._write("fetch", request)
        if self._told(request) == "break":
            raise ZeroDivisionError("the backend is broken")
        if self._told(request) == "once" and first:
            raise MissingClip("the provider is overloaded")
        return Clip(frames=self._frames(request), fps=24.0, facts={"ticket": ticket})

    def close(self) -> None:
        """Nothing is held."""

    def _frames(self, request: ClipRequest) -> Iterator[Picture]:
        seed = int(request.key.clip_id[-8:], 16)
        wide = texture(48, 64 + 4 * self.frames, seed)
        for frame in range(self.frames):
            shift = 4 * frame
            if request.key.model.endswith("jump") and frame == self.frames // 2:
                wide = np.flipud(wide)
            yield picture(wide[:, shift : shift + 64])

    def _told(self, request: ClipRequest) -> str:
        return self.orders.get(request.prompt.id, "")

    def _write(self, what: str, request: ClipRequest) -> bool:
        """Whether it was never asked before."""
        if self.log is None:
            return True
        line = f"{what} {request.key.clip_id}\n"
        new = not self.log.exists() or line not in self.log.read_text()
        with self.log.open("a") as file:
            file.write(line)
        return new
