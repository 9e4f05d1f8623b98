"""Names to things, imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from bench.records import FrameholdError


def load(registry: Mapping[str, str], kind: str, name: str) -> Any:
    """What `name` stands for: a key of `registry`, or `package.module:attribute` of a plug-in.

    >>> load({"slug": "bench.records:slug"}, "function", "slug")("A b")
    'a-b'
    """
    target = registry.get(name, name)
    module, colon, attribute = target.partition(":")
    if not colon:
        raise FrameholdError(
            f"unknown {kind} {name!r}: choose from {', '.join(sorted(registry))}, or name package.module:attribute"
        )
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise FrameholdError(f"{kind} {name!r} cannot be loaded from {target}: {error}") from error
