"""Get a paid file whole: resumed where the server can, counted against its length, decoded to the last frame."""

from __future__ import annotations

import re
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.backends.hosted.answers import EXPIRED
from bench.backends.hosted.jobs import OutputExpired, Stopped, TryAgainLater
from bench.decode import container_kind
from bench.records import Clip, MissingClip, Picture
from bench.video import content_hash, natural_key, read_frames

Streamed = Callable[[Mapping[str, str]], AbstractContextManager[Any]]
"""Opens the download with those headers, as a response of httpx: status_code, headers, iter_raw()."""

SUFFIXES = {"mov": ".mp4", "matroska": ".webm", "avi": ".avi", "gif": ".gif", "webp": ".webp"}
LARGEST_BYTES = 8 << 30
MOST_FRAMES = 20_000
LARGEST_FRAME_BYTES = 256 << 20
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
CHECK_PIXELS = 64 * 64

_decoding = threading.Lock()  # a check takes a core: several at once would only slow each other


class Download:
    """One file on its way to `part`. What a dropped connection left is kept, and asked for from there on."""

    def __init__(self, part: Path, stop: threading.Event) -> None:
        self.part, self._stop = part, stop
        self._validator = ""
        part.unlink(missing_ok=True)  # of a process before this one: nobody knows what version of the file it was

    def start_over(self) -> None:
        """Forget what came so far."""
        self.part.unlink(missing_ok=True)
        self._validator = ""

    def attempt(self, streamed: Streamed) -> None:
        """One try. Raises OutputExpired for a dead url, TryAgainLater for anything short of the whole file."""
        had = self.part.stat().st_size if self._validator and self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if had:
            headers |= {"Range": f"bytes={had}-", "If-Range": self._validator}
        with streamed(headers) as response:
            total = self._total(response, had)
            with self.part.open("ab" if response.status_code == 206 else "wb") as file:
                for chunk in response.iter_raw():
                    if self._stop.is_set():
                        raise Stopped("stopped while downloading")
                    file.write(chunk)
                    if file.tell() > LARGEST_BYTES:
                        raise MissingClip(f"the file is larger than {LARGEST_BYTES >> 30} GB")
        got = self.part.stat().st_size
        if total is not None and got != total:
            raise TryAgainLater(f"the download ended after {got} of {total} bytes")

    def _total(self, response: Any, had: int) -> int | None:
        """How many bytes the whole file has, by the answer's headers; None where they do not say."""
        status, headers = response.status_code, response.headers
        if status in EXPIRED:
            raise OutputExpired(f"the download was answered with {status}")
        part_of = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        if status == 206 and not (part_of and had and int(part_of[1]) == had):
            self.start_over()
            raise TryAgainLater("the server sent another part of the file than was asked for")
        if status not in {200, 206}:
            self.start_over()
            raise TryAgainLater(f"the download was answered with {status}")
        tag = headers.get("etag", "")
        self._validator = "" if tag.startswith("W/") else tag
        if part_of:
            return int(part_of[2]) if part_of[2].isdigit() else None
        length = headers.get("content-length", "")
        return int(length) if length.isdigit() and not headers.get("content-encoding") else None


def open_url(
    outputs: Sequence[str], headers: Mapping[str, str], seconds: float, plain: bool
) -> AbstractContextManager[Any]:
    """Open the first of those urls, without any key. `plain` lets http through as well as https.

    Raises TryAgainLater when none is a web address.
    """
    import httpx

    schemes = {"https", "http"} if plain else {"https"}
    for url in outputs:
        if urlsplit(url).scheme in schemes:
            return httpx.stream("GET", url, headers=dict(headers), timeout=seconds, follow_redirects=True)
    raise TryAgainLater("the provider names no file of a job that it calls done")


def checked_clip(part: Path, seconds: float) -> tuple[Clip, Path]:
    """The clip in a downloaded file, and where it lies now: a video, or a zip of pictures. Every frame was decoded.

    Raises MissingClip when it is neither, or not whole.
    """
    with _decoding:
        if zipfile.is_zipfile(part):
            folder = part.with_suffix(".frames")
            count = unpack_frames(part, folder)
            for _ in read_frames(folder, max_pixels=CHECK_PIXELS):
                continue
            fps = float(max(1, round(count / seconds))) if seconds else 24.0
            return Clip(frames=_pictures(folder, fps), fps=fps, facts=_facts(part, count)), folder
        kind = container_kind(part)
        count = sum(1 for _ in read_frames(part, max_pixels=CHECK_PIXELS))
        path = part.with_suffix(SUFFIXES[kind])
        part.replace(path)
        return Clip(path=path, facts=_facts(path, count)), path


def unpack_frames(archive: Path, folder: Path) -> int:
    """Write the png files of a zip as 00000.png and so on, in the natural order of their names; return how many.

    Names from the archive never become paths. Raises MissingClip for a damaged, empty or unreasonable archive.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as pictures:
            members = [member for member in pictures.infolist() if member.filename.lower().endswith(".png")]
            members = [member for member in members if not member.filename.startswith("__MACOSX")]
            members.sort(key=lambda member: natural_key(member.filename))
            sizes = [member.file_size for member in members]
            if not members or len(members) > MOST_FRAMES or max(sizes) > LARGEST_FRAME_BYTES:
                raise MissingClip(f"the archive holds {len(members)} pictures of up to {max(sizes, default=0)} bytes")
            if sum(sizes) > LARGEST_BYTES:
                raise MissingClip(f"the archive unpacks to more than {LARGEST_BYTES >> 30} GB")
            for index, member in enumerate(members):
                with pictures.open(member) as source, (folder / f"{index:05}.png").open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise MissingClip(f"the archive of pictures is damaged: {error}") from error
    return len(members)


def _pictures(folder: Path, fps: float) -> Iterator[Picture]:
    return (frame.picture for frame in read_frames(folder, folder_fps=fps))


def _facts(path: Path, count: int) -> dict[str, Any]:
    return {"download_sha256": content_hash(path), "download_bytes": path.stat().st_size, "frames": count}
