"""align: which CLIP sees the prompt of a run, and what its loss of alignment must exceed to end a hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.calibration import own_level
from bench.networks import EMBEDDED_CLIP, EMBEDDED_SHA256, EMBEDDED_WEIGHTS, EXAMPLE_CLIP, unknown_words
from bench.records import AlignmentThreshold, Calibration, FrameholdError, Source, Suite, first_few
from bench.signals import about

SIGNAL = "alignment_loss"
THRESHOLD_FILE = "alignment-embedded.json"
SWITCHED_OFF = "none"  # as in --clip none
DRAWN_BY = "procedural"  # the backend whose pictures the embedded CLIP knows
INSTEAD = f"pass a pretrained one, for example --clip {EXAMPLE_CLIP}"


def default_clip(suite: Suite, sources: Sequence[Source]) -> str | None:
    """The embedded CLIP where it knows the pictures and every word of a prompt; None where it would only guess."""
    return None if why_no_default(suite, sources) else EMBEDDED_CLIP


def why_no_default(suite: Suite, sources: Sequence[Source]) -> str | None:
    """Why the embedded CLIP has nothing to say of any prompt, and what to do; None where it has."""
    if not suite.prompts or any(source.backend != DRAWN_BY for source in sources):
        return f"the embedded CLIP knows only what the {DRAWN_BY} backend draws: {INSTEAD}"
    return _why_no_prompt(suite)


def check_asked(clip_model: str, suite: Suite) -> None:
    """Raises FrameholdError where the embedded CLIP, asked for by name, knows no prompt of the suite in full."""
    if clip_model == EMBEDDED_CLIP and (why := _why_no_prompt(suite)):
        raise FrameholdError(f"--clip {EMBEDDED_CLIP}: no prompt of suite {suite.name} can be scored: {why}")


def can_read(clip_model: str, prompt: str) -> bool:
    """Whether that CLIP has something to say of a prompt: the embedded one where it was taught every word of it."""
    return clip_model != EMBEDDED_CLIP or not unknown_words(prompt)


def never_taught(prompts: Iterable[str]) -> str | None:
    """One reason with the words of all prompts that the embedded CLIP was never taught; None where there are none."""
    words = list(dict.fromkeys(repr(word) for prompt in prompts for word in unknown_words(prompt)))
    return f"the embedded CLIP was never taught {first_few(words)}: {INSTEAD}" if words else None


def _why_no_prompt(suite: Suite) -> str | None:
    if any(can_read(EMBEDDED_CLIP, prompt.text) for prompt in suite.prompts):
        return None
    return never_taught(prompt.text for prompt in suite.prompts)


def with_alignment(calibration: Calibration, clip_model: str | None) -> Calibration:
    """The calibration with alignment as one more detector; as it was for a CLIP that nobody calibrated."""
    if clip_model != EMBEDDED_CLIP:
        return calibration
    learnt, known = alignment_threshold(), about(SIGNAL)
    detector = own_level(SIGNAL, known.floor, learnt.threshold, learnt.least_seconds)
    classes = (replace(rate, detectors=(*rate.detectors, detector)) for rate in calibration.classes)
    return replace(calibration, classes=tuple(classes))


def about_alignment(clip_model: str | None) -> dict[str, Any]:
    """What a reader should know of the threshold: its level and clips; nothing where alignment ends no hold."""
    if clip_model != EMBEDDED_CLIP:
        return {}
    learnt = alignment_threshold()
    told = {"clip": learnt.clip, "alpha": learnt.alpha, "threshold": learnt.threshold, "clips": len(learnt.scores)}
    return {"alignment": told | {"least_seconds": learnt.least_seconds}}


@lru_cache(maxsize=1)
def alignment_threshold() -> AlignmentThreshold:
    """The shipped one. Raises FrameholdError when it is damaged, or was not made for the CLIP that is shipped."""
    place = files("bench") / "assets" / "calibrations" / THRESHOLD_FILE
    name = f"bench/assets/calibrations/{THRESHOLD_FILE}"
    try:
        learnt = TypeAdapter(AlignmentThreshold).validate_json(place.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise FrameholdError(f"{name}: not the file it should be: install framehold again") from error
    if (learnt.clip, learnt.clip_sha256) != (EMBEDDED_CLIP, EMBEDDED_SHA256[EMBEDDED_WEIGHTS]):
        raise FrameholdError(
            f"{name}: made for another CLIP ({learnt.clip_sha256[:12]}): make it again with "
            "`python -m tools.calibrate_alignment`"
        )
    return learnt
