"""What a request asks of paid backends: which models, with what options, at what price."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from bench.backends import BACKENDS, open_backend
from bench.backends.hosted.backend import HostedBackend
from bench.records import FrameholdError, Spec
from bench.registry import load


def split_models(names: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """(backends with the models of those that cost nothing, models named of each paid backend).

    >>> split_models(["procedural/pop", "fal/fal-ai/veo3.1"])
    (['procedural/pop', 'fal'], {'fal': ['fal/fal-ai/veo3.1']})
    """
    plain: list[str] = []
    models: dict[str, list[str]] = {}
    for name in names:
        backend, slash, _ = name.partition("/")
        if not is_paid(backend):
            plain.append(name)
            continue
        if backend not in models:
            plain.append(backend)
        models.setdefault(backend, []).extend([name] if slash else [])
    return plain, models


def is_paid(backend: str) -> bool:
    """Whether that backend costs money."""
    if backend not in BACKENDS and ":" not in backend:
        return False
    kind = load(BACKENDS, "backend", backend)
    return isinstance(kind, type) and issubclass(kind, HostedBackend)


def with_hosted(
    spec: Spec, models: Mapping[str, Sequence[str]], options: Path | None = None, usd_per_clip: float | None = None
) -> Spec:
    """The spec with the models named of its paid backends, and options for any from a .toml file, a table a backend.

    Raises FrameholdError naming the option at fault, or a model that cannot be had.
    """
    tables = _option_tables(options)
    if unknown := sorted(set(tables) - {source.backend for source in spec.sources}):
        raise FrameholdError(
            f"{options}: [{unknown[0]}] is no backend of this run: name it with --backend {unknown[0]}"
        )
    if usd_per_clip is not None and not any(is_paid(source.backend) for source in spec.sources):
        raise FrameholdError("--price is for backends that cost money: leave it out")
    sources = []
    for source in spec.sources:
        told = {"usd_per_clip": usd_per_clip} if usd_per_clip is not None and is_paid(source.backend) else {}
        full = replace(source, options={**source.options, **tables.get(source.backend, {}), **told})
        if is_paid(source.backend):
            backend = cast(HostedBackend, open_backend(source.backend, full.options))
            named = tuple(dict.fromkeys(models.get(source.backend, ()))) or backend.default_models()
            for name in named:
                backend.check_model(name.partition("/")[2])
            full = replace(full, models=named)
        sources.append(full)
    return replace(spec, sources=tuple(sources))


def _option_tables(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FrameholdError(f"--options {path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FrameholdError(f"--options {path}: not valid TOML: {error}") from error
    for name, table in content.items():
        if not isinstance(table, dict):
            raise FrameholdError(f"--options {path}: {name}: expected a table a backend, such as [runway]")
    return content
