"""Backends: prompt -> clip. To add one: a file here, a line in BACKENDS, a test."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from bench.records import Clip, ClipRequest, FrameholdError, Plan, Suite
from bench.registry import load

BACKENDS: dict[str, str] = {
    "diffusers": "bench.backends.local.diffusers_video:DiffusersBackend",
    "fal": "bench.backends.hosted.fal:FalBackend",
    "folder": "bench.backends.folder:FolderBackend",
    "google-video": "bench.backends.hosted.google_video:GoogleVideoBackend",
    "openai-video": "bench.backends.hosted.openai_video:OpenAIVideoBackend",
    "procedural": "bench.backends.procedural:ProceduralBackend",
    "runway": "bench.backends.hosted.runway:RunwayBackend",
    "stable-diffusion": "bench.backends.local.image_models:StableDiffusionBackend",
    "text2video-zero": "bench.backends.local.image_models:Text2VideoZeroBackend",
}


class Backend(Protocol):
    """Five words that a local pipeline and a hosted, paid job can both speak.

    The caller writes the ticket to disk between `submit` and `fetch`, so that a job already paid for is never
    submitted twice. A backend is built anew in every worker from its name and options.
    """

    def models(self) -> tuple[str, ...]:
        """The models it can be asked for, as `backend/variant` where there are several."""
        ...

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        """The requests it will serve and their price, before anything is spent. Reads, never generates."""
        ...

    def submit(self, request: ClipRequest) -> str:
        """Start the work; return the ticket that finds it again. Raises MissingClip when it is refused."""
        ...

    def fetch(self, request: ClipRequest, ticket: str) -> Clip:
        """Wait for the clip. Raises MissingClip when it cannot be had."""
        ...

    def close(self) -> None:
        """Give back what it holds (memory, connections)."""
        ...


def open_backend(name: str, options: Mapping[str, Any]) -> Backend:
    """The backend of that name (or `package.module:attribute`). Raises FrameholdError naming the known ones, or the
    options it takes when another is given.
    """
    kind: Any = load(BACKENDS, "backend", name)
    taken = inspect.signature(kind).parameters
    free = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values())
    if not free and (unknown := sorted(set(options) - set(taken))):
        raise FrameholdError(f"backend {name}: unknown option {unknown[0]!r}: it takes {', '.join(taken) or 'none'}")
    backend: Backend = kind(**options)
    return backend
