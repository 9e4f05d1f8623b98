"""Files -> a pipeline, in the types that the table says, by safetensors only unless pickles are allowed."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from typing import Any

from bench.backends.local.fetching import INDEX, SKIPPED, Found, Wanted
from bench.backends.local.libraries import diffusers_module
from bench.backends.local.table import LocalModel
from bench.records import FrameholdError

PART_INDEX = "config.json"


def wanted_files(row: LocalModel, parts: Mapping[str, str], allow_pickle: bool) -> dict[str, Wanted]:
    """The repositories of a model: the pipeline's under "", each part's under its name."""
    wanted = {"": Wanted(row.repo, row.revision, allow_pickle)}
    for name, part in row.parts.items():
        told = parts.get(name)
        wanted[name] = Wanted(told or part.repo, "main" if told else part.revision, allow_pickle, PART_INDEX)
    if unknown := [name for name in parts if name not in row.parts]:
        known = ", ".join(row.parts) or "none: all of it lies in one repository"
        raise FrameholdError(f"parts: unknown component {unknown[0]!r}: {known}")
    return wanted


def load_pipeline(row: LocalModel, found: Mapping[str, Found], allow_pickle: bool) -> Any:
    """The pipeline on the CPU, ready for inference. FrameholdError when the files are of another one."""
    diffusers = diffusers_module()
    folder = found[""].folder
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    kind = getattr(diffusers, row.pipeline)
    if kind is diffusers.DiffusionPipeline:
        kind = getattr(diffusers, str(index.get("_class_name")), None)
        if kind is None:
            raise FrameholdError(f"{row.repo}: diffusers {diffusers.__version__} has no {index.get('_class_name')}")
    given: dict[str, Any] = {name: None for name in SKIPPED if name in inspect.signature(kind.__init__).parameters}
    if "safety_checker" in given:
        given["requires_safety_checker"] = False
    safe = {"use_safetensors": None if allow_pickle else True, "local_files_only": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pipelines that diffusers keeps but has stopped to tend
            for name, part in ((name, part) for name, part in row.parts.items() if name in found):
                dtype = _dtypes(row).get(name, _dtypes(row)["default"])
                given[name] = getattr(diffusers, part.kind).from_pretrained(found[name].folder, dtype=dtype, **safe)
            return kind.from_pretrained(folder, dtype=_dtypes(row), **given, **safe)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FrameholdError(f"{row.repo}: cannot be loaded as {kind.__name__}: {reason}") from error


def _dtypes(row: LocalModel) -> dict[str, Any]:
    import torch

    named = {"default": row.dtype, **row.dtypes}
    return {name: getattr(torch, dtype) for name, dtype in named.items()}
