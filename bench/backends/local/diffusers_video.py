"""The diffusers backend: any text-to-video pipeline of diffusers."""

from __future__ import annotations

from typing import Any

from bench.backends.local.adapter import Pictures, arguments_of, call, fitted, guide
from bench.backends.local.backend import LocalBackend, fresh_generator
from bench.backends.local.table import DIFFUSERS, LocalModel
from bench.records import ClipRequest


class DiffusersBackend(LocalBackend):
    """Open text-to-video models on this machine (diffusers/MODEL, or diffusers:OWNER/REPO for any other)."""

    name = "diffusers"
    table = DIFFUSERS
    takes_any_repo = True

    def make(self, pipe: Any, row: LocalModel, request: ClipRequest, dropped: dict[str, Any]) -> Pictures:
        """One call of the pipeline."""
        wanted = arguments_of(row, request.prompt.text, self.settings.negative_prompt)
        arguments, left = fitted(pipe, wanted, row.arguments)
        guide(pipe, row.guidance, left)
        dropped.update(left)
        return call(pipe, arguments, fresh_generator(request))
