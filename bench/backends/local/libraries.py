"""diffusers and transformers, imported when they are used, without their chatter."""

from __future__ import annotations

import importlib
import logging
from functools import cache
from typing import Any

from bench.networks import torchvision_module
from bench.records import FrameholdError

NEEDED = ("diffusers", "transformers", "accelerate")
LOG = logging.getLogger("framehold.local")


@cache
def diffusers_module() -> Any:
    """diffusers itself, silenced. Raises FrameholdError with the line that installs what is absent."""
    torchvision_module()  # transformers imports it, and beside a torch without CUDA that takes help
    modules = {}
    for name in NEEDED:
        try:
            modules[name] = importlib.import_module(name)
        except ImportError as error:
            raise FrameholdError(f'local models need {name}: pip install "framehold[diffusers]"') from error
    for name in ("diffusers", "transformers"):
        # Warnings there speak of what is chosen on purpose: pipelines that are deprecated, no safety checker.
        chatter = importlib.import_module(f"{name}.utils.logging")
        chatter.set_verbosity_error()
        chatter.disable_progress_bar()
    return modules["diffusers"]
