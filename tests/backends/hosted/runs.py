"""Runs against stand-ins: a spec of made-up prompts, generated into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.records import ClipRow, Prompt, Source, Spec, Suite
from bench.run_folder import RunFolder
from bench.stages import Crew
from bench.stages.generate import generate
from tests.backends.hosted.stand_in import StandIn, options_of

ENVIRONMENT = ("RUNWAYML_API_SECRET", "OPENAI_API_KEY", "GEMINI_API_KEY", "FAL_KEY")


def prompts_of(count: int) -> tuple[str, ...]:
    """Texts that differ."""
    return tuple(f"A dog runs, take {index}" for index in range(count))


def spec_for(stand_in: StandIn, prompts: tuple[str, ...], **options: Any) -> Spec:
    """A request of those prompts from the stand-in."""
    backend = stand_in.model.partition("/")[0]
    suite = Suite("made-up", 1, tuple(Prompt(f"p{index}", text) for index, text in enumerate(prompts)))
    return Spec(suite, (Source(backend, options_of(stand_in, **options), (stand_in.model,)),))


def run_of(root: Path, spec: Spec, cap_usd: float = 1e6) -> list[ClipRow]:
    """Begin or go on with that run."""
    folder = RunFolder(root)
    folder.begin(spec)
    with folder.locked():
        return generate(folder, Crew(), cap_usd)


def ledger_of(root: Path) -> Ledger:
    """The run's ledger as it lies on disk."""
    return Ledger(root / FILE_NAME)
