"""Plain words for the names that tables hold."""

from __future__ import annotations

CAUSES = {
    "residual_local": "local warping error",
    "residual_global": "warping error",
    "residual_lagged": "warping error over four frames",
    "unmatched": "parts without counterpart",
    "exposure_drift": "exposure drift",
    "colour_drift": "colour drift",
    "sharpness_drift": "sharpness drift",
    "noise_drift": "noise drift",
    "surface_colour": "surfaces change colour",
    "surface_texture": "surfaces change texture",
    "raft_residual_local": "local warping error (RAFT)",
    "raft_residual_global": "warping error (RAFT)",
    "raft_unmatched": "parts without counterpart (RAFT)",
    "patch_first": "surfaces left their first look",
    "patch_usual": "surfaces left their usual look",
    "patch_lagged": "surfaces changed within a few frames",
    "continuation": "does not go on as it was",
    "standstill": "froze",
    "going_back": "went back in time",
    "alignment_loss": "left the prompt",
    "embedding_drift": "left its opening",
    "static": "never moved",
    "false alarm": "false alarm",
}


def cause_label(cause: str) -> str:
    """What broke a clip, in plain words; a plug-in's signal keeps its own name."""
    return CAUSES.get(cause, cause.replace("_", " "))
