"""Features of clips from Python: arrays or paths in, an array out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.extractors import open_extractor
from bench.extractors.cache import Cutting
from bench.extractors.features import ClipSource, extract, frames_of
from bench.records import FrameholdError, MissingClip, counted


def video_features(
    clips: Any,
    extractor: str,
    weights: str | Path | None = None,
    mode: str | None = None,
    *,
    span: int | None = None,
    offline: bool = False,
    batch: int = 1,
    device: str = "auto",
) -> NDArray[np.float64]:
    """Features (n, d) of clips: uint8 RGB (n, frames, height, width, 3), or paths. All must have the same length.

    An extractor that takes any length sees the whole clip at once, others its consecutive windows, averaged; `span` is
    how many opening frames are looked at. Raises FrameholdError naming a clip that is too short or cannot be read,
    ValueError for arguments of another form.
    """
    for argument, value in (("span", span), ("batch", batch)):
        if value is not None and value < 1:
            raise ValueError(f"{argument}: expected 1 or more, got {value}")
    sources = as_sources(clips)
    opened = open_extractor(extractor, mode, weights, offline, device)
    frames, least = opened.about.frames, opened.about.least_frames
    if opened.about.any_length:
        first = sources[0]
        frames = span or (_count(first) if first.pictures is None else len(first.pictures))
        if frames < least:
            seen = counted(frames, "frame")
            raise FrameholdError(f"{first.name}: {seen}, fewer than the {least} that {extractor} takes")
    found = extract(sources, opened, Cutting(frames, frames, span), batch=batch)
    for clip in found:
        if clip.missing:
            raise FrameholdError(f"{clip.name}: {clip.missing.removeprefix(f'{clip.name}: ')} ({extractor})")
        if clip.frames != found[0].frames:
            raise FrameholdError(
                f"{clip.name} has {counted(clip.frames, 'frame')}, {found[0].name} {found[0].frames}: features of "
                "different lengths cannot be compared; pass span, the number of opening frames to look at"
            )
    return np.stack([clip.windows.astype(np.float64).mean(axis=0) for clip in found])


def as_sources(clips: Any) -> list[ClipSource]:
    """Clips as given by a caller: one array, a sequence of arrays, or a sequence of paths. ValueError for none."""
    if isinstance(clips, str | Path):
        raise ValueError(f"expected several clips, got the single path {clips}")
    if not isinstance(clips, Iterable):
        raise ValueError(f"expected clips (n, frames, height, width, 3) or paths, got {type(clips).__name__}")
    sources = []
    for number, clip in enumerate(clips):
        if isinstance(clip, str | Path):
            sources.append(ClipSource(str(clip), path=Path(clip)))
            continue
        pictures = np.asarray(clip)
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or not pictures.size:
            raise ValueError(
                f"clip {number}: expected uint8 (frames, height, width, 3), got {pictures.dtype} {pictures.shape}"
            )
        sources.append(ClipSource(f"clip {number}", pictures=pictures))
    if not sources:
        raise ValueError("expected clips, got none")
    return sources


def _count(clip: ClipSource) -> int:
    try:
        return sum(1 for _ in frames_of(clip))
    except MissingClip as error:
        raise FrameholdError(str(error)) from error
