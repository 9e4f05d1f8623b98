"""Clips -> features, window by window: streamed, batched, kept in a cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.extractors import Extractor, features_fingerprint
from bench.extractors.cache import ClipFeatures, Cutting, FeatureCache
from bench.extractors.stream import in_order
from bench.records import MissingClip, Picture, counted
from bench.video import DEFAULT_FPS, content_hash, frames_per_second, read_frames

AHEAD = 4  # windows that may wait for the network, for each thread
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ClipSource:
    """A clip on disk or in memory (frames, height, width, 3; uint8 RGB), by a name for people."""

    name: str
    path: Path | None = None
    pictures: NDArray[np.uint8] | None = None
    fps: float | None = None
    """Only where the clip itself cannot say: a folder of pictures."""


def extract(
    clips: Sequence[ClipSource],
    extractor: Extractor,
    cutting: Cutting,
    *,
    batch: int = 1,
    threads: int = 2,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[ClipFeatures]:
    """Features of every clip, in their order. One that cannot be read or is too short says so in `missing`.

    A window's features depend on `batch` in their last bits at most, and on `threads` not at all.
    """
    kept = FeatureCache(cache, features_fingerprint(extractor.about, cutting.frames, cutting.step)) if cache else None
    found, contents = _kept(clips, cutting, kept)
    todo = [number for number in range(len(clips)) if number not in found]
    done = len(found)
    if progress:
        progress(done, len(clips))
    with one_opencv_thread():
        for place, features, ended in _made([clips[n] for n in todo], extractor, cutting, batch, threads):
            number = todo[place]
            found[number] = features
            if kept and contents[number] and not features.missing:
                kept.write(contents[number], features, ended)
            done += 1
            if progress:
                progress(done, len(clips))
    return [found[number] for number in range(len(clips))]


def _kept(
    clips: Sequence[ClipSource], cutting: Cutting, cache: FeatureCache | None
) -> tuple[dict[int, ClipFeatures], list[str]]:
    """What the cache holds, by number of the clip, and the hash of every clip's content (empty where there is none)."""
    found: dict[int, ClipFeatures] = {}
    contents = [""] * len(clips)
    for number, clip in enumerate(clips):
        if cache is None or clip.path is None:
            continue
        try:
            contents[number] = content_hash(clip.path)
        except MissingClip:
            continue  # reading it will say why
        features = cache.read(contents[number], cutting, clip.name)
        if features and len(features.windows):
            found[number] = features
    return found, contents


class _Cut:
    """One clip as it is cut: what it was is known when its windows are all made."""

    def __init__(self, clip: ClipSource) -> None:
        self.clip = clip
        self.frames = 0
        self.fps = 0.0
        self.ended = False
        self.missing: str | None = None

    def windows(self, extractor: Extractor, cutting: Cutting) -> Iterator[Any]:
        """Preprocessed windows; no more frames are held than one window has."""
        held: deque[Any] = deque(maxlen=cutting.frames)
        times: list[float] = []
        try:
            for seconds, picture in frames_of(self.clip):
                if cutting.span is not None and self.frames >= cutting.span:
                    break
                held.append(extractor.frame(picture))
                times = [*times[:1], seconds]
                self.frames += 1
                past = self.frames - cutting.frames
                if past >= 0 and past % cutting.step == 0:
                    yield extractor.window(tuple(held))
            else:
                self.ended = True
        except MissingClip as error:
            self.missing = str(error)
        if len(times) > 1 and self.clip.path is not None:
            self.fps = frames_per_second(times) * (self.frames - 1)

    def features(self, rows: Sequence[NDArray[np.float32]], cutting: Cutting) -> ClipFeatures:
        """What became of it, from the features of its windows."""
        missing = self.missing
        if not rows and missing is None:
            missing = f"{counted(self.frames, 'frame')}, fewer than the {cutting.frames} of a window"
        windows = np.stack(rows) if rows and not missing else np.empty((0, 0), np.float32)
        return ClipFeatures(self.clip.name, windows, self.frames, self.fps, missing)


def frames_of(clip: ClipSource) -> Iterator[tuple[float, Picture]]:
    """(seconds, picture) one by one; of an array the seconds are its indices. Raises MissingClip as reading does."""
    if clip.path is not None:
        for frame in read_frames(clip.path, folder_fps=clip.fps or DEFAULT_FPS):
            yield frame.time_seconds, frame.picture
    elif clip.pictures is not None:
        for index, picture in enumerate(clip.pictures):
            yield float(index), picture


def _made(
    clips: Sequence[ClipSource], extractor: Extractor, cutting: Cutting, batch: int, threads: int
) -> Iterator[tuple[int, ClipFeatures, bool]]:
    """(number, features, whether the clip was read to its end) of each clip when its last window is embedded."""
    cuts = [_Cut(clip) for clip in clips]
    rows: list[list[NDArray[np.float32]]] = [[] for _ in clips]
    waiting: list[tuple[int, Any]] = []
    ended: list[int] = []
    for piece in in_order(lambda cut: cut.windows(extractor, cutting), cuts, threads, AHEAD):
        if piece.item is None:
            ended.append(piece.source)
        else:
            waiting.append((piece.source, piece.item))
        if len(waiting) == batch or (waiting and ended and ended[-1] == len(clips) - 1):
            embedded = extractor.embed([window for _, window in waiting])
            for (number, _), row in zip(waiting, embedded, strict=True):
                rows[number].append(row)
            waiting.clear()
        while ended and not any(number == ended[0] for number, _ in waiting):
            number = ended.pop(0)
            yield number, cuts[number].features(rows[number], cutting), cuts[number].ended
            rows[number] = []


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """OpenCV on one thread: its flow depends on how a picture is split among threads."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
