"""align: which CLIP sees the prompt of a run, and what its loss of alignment must exceed to end a hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.calibration import own_level
from bench.networks import EMBEDDED_CLIP, EMBEDDED_SHA256, EMBEDDED_WEIGHTS, EXAMPLE_CLIP, unknown_words
from bench.records import AlignmentThreshold, Calibration, FrameholdError, Source, Suite
from bench.signals import about

SIGNAL = "alignment_loss"
THRESHOLD_FILE = "alignment-embedded.json"
SWITCHED_OFF = "none"  # as in --clip none
DRAWN_BY = "procedural"  # the backend whose pictures the embedded CLIP knows
NAMED = 3  # unknown words that are named


def default_clip(suite: Suite, sources: Sequence[Source]) -> str | None:
    """The embedded CLIP where it knows the pictures and every word of the prompts; None where it would guess."""
    return None if why_no_default(suite, sources) else EMBEDDED_CLIP


def why_no_default(suite: Suite, sources: Sequence[Source]) -> str | None:
    """Why the embedded CLIP has nothing to say, and what to do; None where it has."""
    wanted = f"pass a pretrained one, for example --clip {EXAMPLE_CLIP}"
    if not suite.prompts or any(source.backend != DRAWN_BY for source in sources):
        return f"the embedded CLIP knows only what the {DRAWN_BY} backend draws: {wanted}"
    words = list(dict.fromkeys(word for prompt in suite.prompts for word in unknown_words(prompt.text)))
    if words:
        named = ", ".join(map(repr, words[:NAMED])) + (f" and {len(words) - NAMED} more" * (len(words) > NAMED))
        return f"the embedded CLIP was never taught {named}: {wanted}"
    return None


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
