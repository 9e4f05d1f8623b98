"""Clips to features: order, batches, threads, windows, cache, and clips that cannot be used."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.extractors import About
from bench.extractors.cache import Cutting
from bench.extractors.features import ClipSource, extract
from bench.extractors.stream import in_order
from bench.extractors.video_features import as_sources, video_features
from bench.records import FrameholdError, Picture
from tests.video_factory import number_of, pattern, write_clip


class Levels:
    """Features are the numbers of a window's pictures; notes how many windows a forward had."""

    def __init__(self, version: int = 1) -> None:
        self.about = About("levels", "plain", version, 4, 1, False, "none", libraries=("numpy",))
        self.batches: list[int] = []
        self.prepared = 0

    def frame(self, picture: Picture) -> int:
        self.prepared += 1
        return number_of(picture)

    def window(self, frames: Sequence[int]) -> NDArray[np.float32]:
        return np.array(frames, np.float32)

    def embed(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        self.batches.append(len(windows))
        return np.stack(list(windows))


def clips(*lengths: int) -> list[ClipSource]:
    return [ClipSource(f"clip {n}", pictures=np.array(pattern(length))) for n, length in enumerate(lengths)]


def windows_of(found: Any) -> list[list[list[int]]]:
    return [clip.windows.astype(int).tolist() for clip in found]


# ---- windows and batches -----------------------------------------------------------------------------------------


def test_windows_lie_where_they_are_asked_for() -> None:
    apart, overlapping = Cutting(4, 4), Cutting(4, 2)
    assert windows_of(extract(clips(10), Levels(), apart)) == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert windows_of(extract(clips(8), Levels(), overlapping)) == [[[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]]


def test_a_span_ends_the_reading() -> None:
    extractor = Levels()
    found = extract(clips(12), extractor, Cutting(4, 4, 8))
    assert windows_of(found) == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert extractor.prepared == found[0].frames == 8


@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (3, 2), (100, 4)])
def test_neither_batches_nor_threads_change_features(batch: int, threads: int) -> None:
    extractor = Levels()
    found = extract(clips(9, 3, 8, 4, 17), extractor, Cutting(4, 4), batch=batch, threads=threads)
    assert windows_of(found) == windows_of(extract(clips(9, 3, 8, 4, 17), Levels(), Cutting(4, 4)))
    assert [len(clip.windows) for clip in found] == [2, 0, 2, 1, 4]
    assert sum(extractor.batches) == 9
    assert max(extractor.batches) == min(batch, 9)


def test_short_clips_are_named_with_their_length() -> None:
    found = extract(clips(8, 3), Levels(), Cutting(4, 4))
    assert found[0].missing is None
    assert (found[1].name, found[1].missing) == ("clip 1", "3 frames, fewer than the 4 of a window")


def test_files_are_read_and_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "h264.mp4", pattern(8))
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    sources = [
        ClipSource("good", good),
        ClipSource("bad", tmp_path / "bad.mp4"),
        ClipSource("gone", tmp_path / "x.mp4"),
    ]
    found = extract(sources, Levels(), Cutting(4, 4))
    assert windows_of(found[:1]) == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert found[0].fps == pytest.approx(25)
    assert all(clip.missing and clip.missing.startswith(str(tmp_path)) for clip in found[1:])


# ---- cache -------------------------------------------------------------------------------------------------------


def test_features_are_kept_by_content_and_by_what_made_them(tmp_path: Path) -> None:
    source = ClipSource("one", write_clip(tmp_path / "h264.mp4", pattern(8)))
    copy = ClipSource("two", Path(tmp_path / "copy.mp4"))
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "h264.mp4").read_bytes())
    first, second, other = Levels(), Levels(), Levels(version=2)
    made = extract([source], first, Cutting(4, 4), cache=tmp_path / "cache")
    again = extract([copy], second, Cutting(4, 4), cache=tmp_path / "cache")
    assert (first.prepared, second.prepared) == (8, 0)
    assert windows_of(again) == windows_of(made)
    assert (again[0].name, again[0].fps, again[0].frames) == ("two", made[0].fps, 8)
    extract([source], other, Cutting(4, 4), cache=tmp_path / "cache")
    assert other.prepared == 8


def test_a_shorter_span_is_served_and_a_longer_one_made_anew(tmp_path: Path) -> None:
    source = [ClipSource("one", write_clip(tmp_path / "h264.mp4", pattern(12)))]
    extractor = Levels()
    counts = []
    for span in (8, 4, 12, None, 8):
        found = extract(source, extractor, Cutting(4, 4, span), cache=tmp_path / "cache")
        counts.append((len(found[0].windows), extractor.prepared))
    assert counts == [(2, 8), (1, 8), (3, 20), (3, 20), (2, 20)]


def test_a_damaged_file_of_the_cache_is_made_anew(tmp_path: Path) -> None:
    source = [ClipSource("one", write_clip(tmp_path / "h264.mp4", pattern(8)))]
    whole = extract(source, Levels(), Cutting(4, 4), cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:50])
    assert windows_of(extract(source, Levels(), Cutting(4, 4), cache=tmp_path / "cache")) == windows_of(whole)
    assert len(list((tmp_path / "cache").rglob("*"))) == 2  # the folder and the file, nothing half written


# ---- threads -----------------------------------------------------------------------------------------------------


def test_items_come_source_by_source_whoever_is_done_first() -> None:
    def make(source: int) -> Iterator[int]:
        time.sleep(0.02 if source == 0 else 0)
        yield from range(10 * source, 10 * source + 3)

    items = [piece.item for piece in in_order(make, [0, 1, 2], threads=3, waiting=1)]
    assert items == [0, 1, 2, None, 10, 11, 12, None, 20, 21, 22, None]


def test_no_more_wait_than_there_is_room_for() -> None:
    made = 0

    def make(_: int) -> Iterator[int]:
        nonlocal made
        for item in range(1000):
            made += 1
            yield item

    pieces = in_order(make, [0, 1], threads=1, waiting=3)
    with closing(cast(Generator[Any, None, None], pieces)):
        for _ in range(5):
            next(pieces)
        time.sleep(0.05)
        assert made <= 5 + 3 + 1  # used, waiting, and the one in hand


def test_an_error_reaches_whoever_uses_the_items_and_the_threads_end() -> None:
    def make(source: int) -> Iterator[int]:
        yield source
        if source == 1:
            raise KeyError("broken")

    before = threading.active_count()
    with pytest.raises(KeyError, match="broken"):
        list(in_order(make, range(50), threads=4, waiting=1))
    assert threading.active_count() == before


# ---- the public function -----------------------------------------------------------------------------------------


def test_clips_come_as_one_array_as_several_or_as_paths(tmp_path: Path) -> None:
    pictures = pattern(12)
    path = write_clip(tmp_path / "pngs", pictures)
    array = np.array([pictures])
    found = video_features(array, "embedded")
    assert np.array_equal(video_features([np.array(pictures)], "embedded"), found)
    assert np.array_equal(video_features([path], "embedded"), found)
    assert np.array_equal(video_features([str(path)], "embedded"), found)


def test_clips_of_unequal_length_are_not_compared_in_silence() -> None:
    unequal = [np.array(pattern(12)), np.array(pattern(14))]
    with pytest.raises(FrameholdError, match=r"clip 1 has 14 frames, clip 0 12: .* pass span"):
        video_features(unequal, "embedded")
    assert video_features(unequal, "embedded", span=12).shape[0] == 2


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (np.zeros((1, 12, 8, 8, 3)), r"clip 0: expected uint8 \(frames, height, width, 3\), got float64"),
        (np.zeros((1, 12, 8, 8), np.uint8), "clip 0: expected uint8"),
        (np.zeros((0, 12, 8, 8, 3), np.uint8), "expected clips, got none"),
        ("clip.mp4", "several clips, got the single path clip.mp4"),
    ],
)
def test_what_are_no_clips_is_refused(given: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        as_sources(given)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"clips": None}, r"expected clips \(n, frames, height, width, 3\) or paths, got NoneType"),
        ({"span": 0}, "span: expected 1 or more, got 0"),
        ({"batch": -1}, "batch: expected 1 or more, got -1"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(options: dict[str, Any], complaint: str) -> None:
    arguments: dict[str, Any] = {"clips": np.array([pattern(12)]), "extractor": "embedded"}
    with pytest.raises(ValueError, match=complaint):
        video_features(**(arguments | options))


def test_an_extractor_without_a_name_is_refused() -> None:
    with pytest.raises(FrameholdError, match=r"expected the name of an extractor \(clip, embedded, .*got None"):
        video_features(np.array([pattern(12)]), cast(Any, None))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(FrameholdError, match=r"bad\.mp4: "):
        video_features([tmp_path / "bad.mp4"], "embedded")
