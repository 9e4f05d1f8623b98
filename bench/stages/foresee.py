"""foresee: what of a distance can be known to fail before a single clip is looked at as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from bench.distances.estimate import LEAST, too_few
from bench.distances.resampling import half_size, numbered
from bench.extractors.features import ClipSource
from bench.records import FrameholdError, MissingClip, counted
from bench.stages.clip_sets import LEAST_CLIPS, ClipSet
from bench.video import probe


def refuse_empty_figure(first: tuple[str, Sequence[str]], second: tuple[str, Sequence[str]]) -> None:
    """A figure shows what the reference shows against itself; FrameholdError where there are too few clips for it."""
    half = half_size(numbered(second[1])) if second[1] else 0
    if reason := too_few(len(first[1]), half):
        raise FrameholdError(
            f"--figure: nothing to draw, {first[0]} has {counted(len(first[1]), 'clip')} and {second[0]} "
            f"{counted(len(second[1]), 'clip')} ({reason}): take {LEAST} and {2 * LEAST} or more, of several sources, "
            "or leave --figure out"
        )


def refuse_short(sets: tuple[ClipSet, ClipSet], span: int) -> None:
    """Where the clips' own headers say that a set has too few of that length, before any is looked at as a whole."""
    for one in sets:
        enough = 0
        for clip in one.clips:
            length = declared_frames(clip)
            enough += length is None or length >= span
            if enough == LEAST_CLIPS:
                break
        else:
            raise FrameholdError(
                f"--span {span}: {counted(enough, 'clip')} of {one.name} may have so many frames, a distance needs "
                f"{LEAST_CLIPS}: take less"
            )


def declared_frames(clip: ClipSource) -> int | None:
    """Frames by its header, 0 for a clip that cannot be read; None where it does not say."""
    try:
        return probe(clip.path).declared_frames if clip.path else None
    except MissingClip:
        return 0
