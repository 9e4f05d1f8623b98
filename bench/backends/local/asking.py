"""What a request asks of local backends: short names, and options told on the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bench.backends import BACKENDS, open_backend
from bench.backends.local.backend import OFFLINE, LocalBackend
from bench.backends.local.table import DIFFUSERS
from bench.records import FrameholdError, Spec
from bench.registry import load

NESTED = {"arguments", "parts"}


def spell_out(name: str) -> str:
    """A backend as the registry knows it, for a model named alone or a repository of the hub.

    >>> spell_out("modelscope"), spell_out("diffusers:OWNER/REPO"), spell_out("procedural/pop")
    ('diffusers/modelscope', 'diffusers/OWNER/REPO', 'procedural/pop')
    """
    prefix, colon, repo = name.partition(":")
    if prefix == "diffusers" and colon:
        return f"diffusers/{repo}"
    return f"diffusers/{name}" if name in DIFFUSERS and name not in BACKENDS else name


def is_local(backend: str) -> bool:
    """Whether that backend runs open models on this machine."""
    if backend not in BACKENDS and ":" not in backend:
        return False
    kind = load(BACKENDS, "backend", backend)
    return isinstance(kind, type) and issubclass(kind, LocalBackend)


def with_local(spec: Spec, told: Mapping[str, Any]) -> Spec:
    """The spec with options told for its local backends, every one of them checked, and their models named.

    Raises FrameholdError naming the option or model at fault.
    """
    if told and not any(is_local(source.backend) for source in spec.sources):
        known = ", ".join(name for name in BACKENDS if is_local(name))
        raise FrameholdError(f"{_option(next(iter(told)))} is for local models ({known}): leave it out")
    sources = []
    for source in spec.sources:
        full = source
        if is_local(source.backend):
            full = replace(source, options={**source.options, **told})
            backend = open_backend(source.backend, full.options)
            if isinstance(backend, LocalBackend):
                full = replace(full, models=source.models or backend.default_models())
                for model in full.models:
                    backend.row(model)
        sources.append(full)
    return replace(spec, sources=tuple(sources))


def read_told(
    pairs: Sequence[str] = (), device: str | None = None, weights: str | None = None, allow_pickle: bool = False
) -> dict[str, Any]:
    """Options from `name=value` pairs, values as TOML or else plain text, and from the options that have names.

    >>> read_told(["steps=20", "negative_prompt=grey, dull", "arguments.eta=0.5"], device="cpu")
    {'steps': 20, 'negative_prompt': 'grey, dull', 'arguments': {'eta': 0.5}, 'device': 'cpu'}
    """
    told: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise FrameholdError(f"--set {pair!r}: expected NAME=VALUE")
        outer, dot, inner = name.partition(".")
        if dot and outer in NESTED:
            told.setdefault(outer, {})[inner] = _value(value)
        else:
            told[name] = _value(value)
    named = {"device": device, "weights": weights, "allow_pickle": allow_pickle or None}
    return told | {name: value for name, value in named.items() if value is not None}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}" if name in {"device", "weights", "allow_pickle"} else f"--set {name}="


@contextmanager
def downloading(allowed: bool) -> Iterator[None]:
    """While it lasts, whether this process and its workers may download weights."""
    before = os.environ.get(OFFLINE)
    if not allowed:
        os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        os.environ.pop(OFFLINE, None)
        if before is not None:
            os.environ[OFFLINE] = before
