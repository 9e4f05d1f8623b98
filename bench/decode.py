"""What `bench.video` stands on: the frames of any container as they come, and a MissingClip for whatever goes wrong.

Decoders end a cut Matroska or GIF file in silence, so each container's own headers are asked whether all the bytes they
announce are there. One decoder thread: on clips of this length a second one is no faster.
"""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from bench.records import MissingClip, Picture, counted

Kind = Literal["mov", "matroska", "avi", "gif", "webp"]  # ffmpeg's names of the demuxers
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
MOST_PIXELS = 64 * 2**20  # of a frame; 8K has 33 million. More is a decompression bomb, not a clip
DEFAULT_FPS = 24.0  # only for frames that come with neither a time nor a rate
UNDECODABLE = "its content cannot be decoded as video (damaged or cut off?)"
AGAIN = "make or download it again"
CONTAINERS = "mp4, mov, webm, mkv, avi, gif, webp, or a folder of png or jpg"
PICTURE_ERRORS = (OSError, SyntaxError, EOFError, Image.DecompressionBombError)  # Pillow's, for a broken file


class DamagedError(Exception):
    """The rest of this clip cannot be read."""


class Reading:
    """One clip being read. Whatever goes wrong becomes a MissingClip that says after how many frames."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self.declared, self.whole = path, 0, 0, True

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (DamagedError, av.FFmpegError, *PICTURE_ERRORS)):
            raise MissingClip(f"{self.path}: {self._complaint(error)}") from error

    def end(self) -> None:
        """To be called after the last frame. Raises if frames are missing."""
        # A file may lack bytes and yet hold all its frames (a cut index or sound track): where declared, frames decide.
        if not self.whole and not 0 < self.declared <= self.count:
            raise DamagedError("the file ends early")
        if not self.count:
            raise DamagedError("holds no frame")

    def _complaint(self, error: BaseException) -> str:
        frames = f"{self.count} of {self.declared} frames" if self.declared else counted(self.count, "frame")
        if not self.whole:
            return f"truncated: {frames} can be read, the file is cut off: {AGAIN}"
        reason = getattr(error, "strerror", None) or str(error)
        if self.count or self.declared:
            return f"corrupt after {frames}: {reason}"
        return f"{UNDECODABLE}: {AGAIN}" if isinstance(error, av.FFmpegError | UnidentifiedImageError) else reason


# ---- frames ------------------------------------------------------------------------------------------------------


def open_frames(reading: Reading, folder_fps: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """The frames of a clip as decoded, with their seconds after the first."""
    if reading.path.is_dir():
        return _folder_frames(reading, folder_fps)
    kind = container_kind(reading.path)
    reading.whole, pictures = measure(reading.path, kind)
    return _webp_frames(reading) if kind == "webp" else _video_frames(reading, kind, pictures)


def container_kind(path: Path) -> Kind:
    """By its first bytes, whatever it is called. MissingClip for anything that is not a known container."""
    with path.open("rb") as file:
        head = file.read(12)
    kind = sniff(head)
    if kind is None:
        reason = f"{UNDECODABLE}: {AGAIN}, as {CONTAINERS}" if head else f"the file is empty: {AGAIN}"
        raise MissingClip(f"{path}: {reason}")
    return kind


def _video_frames(reading: Reading, kind: Kind, pictures: int | None) -> Iterator[tuple[float, av.VideoFrame]]:
    with open_container(reading.path, kind) as (container, stream):
        # ffmpeg counts, and decodes, the half picture at the end of a cut gif
        reading.declared = stream.frames if reading.whole or pictures is None else 0
        clock = Clock(stream.time_base, stream.average_rate, snap=kind == "matroska")
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise DamagedError("the file holds less than its index says")
            for frame in packet.decode():
                if not reading.whole and reading.count == pictures:
                    raise DamagedError("the file ends within a picture")
                if frame.is_corrupt:  # concealed by the decoder: it would pass for a break that the model made
                    raise DamagedError("a frame is damaged")
                yield clock.seconds(frame.pts), frame


@contextmanager
def open_container(path: Path, kind: Kind) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A file and its first stream of moving pictures. The demuxer is given, so no file can make ffmpeg open others."""
    with av.open(str(path.absolute()), format=kind, metadata_errors="replace") as container:
        still = Disposition.attached_pic | Disposition.timed_thumbnails
        streams = [stream for stream in container.streams.video if not stream.disposition & still]
        if not streams:
            raise DamagedError("holds no video stream (cover art does not count)")
        codec = streams[0].codec_context
        if codec is None:
            raise DamagedError("no decoder for its codec")
        _check_size(path, codec.width, codec.height)
        codec.thread_count = 1
        codec.options = {"max_pixels": str(MOST_PIXELS)}
        yield container, streams[0]


def _webp_frames(reading: Reading) -> Iterator[tuple[float, av.VideoFrame]]:
    """By Pillow: ffmpeg does not decode animated WebP."""
    with open_picture(reading.path, "WEBP") as image:
        reading.declared = getattr(image, "n_frames", 1)
        clock = Clock(Fraction(1, 1000), Fraction(10))  # a frame without a duration is shown for 0.1 s, as in browsers
        for index in range(reading.declared):
            image.seek(index)
            picture = _rgb(image)
            yield clock.seconds(image.info.get("timestamp", 0)), av.VideoFrame.from_ndarray(picture)


def _folder_frames(reading: Reading, fps: float) -> Iterator[tuple[float, av.VideoFrame]]:
    if not fps > 0:
        raise ValueError(f"folder_fps: expected more than 0, got {fps}")
    files = picture_files(reading.path)
    reading.declared = len(files)
    for index, file in enumerate(files):
        try:
            with open_picture(file, "PNG", "JPEG") as image:
                picture = _rgb(ImageOps.exif_transpose(image))
        except (*PICTURE_ERRORS, ValueError) as error:
            raise DamagedError(f"{file.name}: {error}") from error
        yield index / fps, av.VideoFrame.from_ndarray(picture)


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder of frames, frame2 before frame10. Hidden files and files of other kinds are left out."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != ".")
    return sorted(files, key=lambda file: natural_key(file.name))


def natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """Sorts numbers within names by their value.

    >>> sorted(["frame10.png", "frame2.png"], key=natural_key)
    ['frame2.png', 'frame10.png']
    """
    return [(text, int(number or -1)) for text, number in re.findall(r"([^0-9]*)([0-9]*)", name.lower())], name


@contextmanager
def open_picture(path: Path, *formats: str) -> Iterator[ImageFile]:
    """A still or animated picture of one of those formats, by Pillow's names. Raises PICTURE_ERRORS or MissingClip."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is the lower one
        image = Image.open(path, formats=formats)
    with image:
        _check_size(path, image.width, image.height)
        yield image


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise MissingClip(f"{path}: {width} x {height} is too large, the limit is {MOST_PIXELS >> 20} megapixels")


def _rgb(image: Image.Image) -> Picture:
    """8-bit RGB of a Pillow picture of any mode: of 16 bits the upper 8, what is transparent on black."""
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(levels[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        return on_black(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def on_black(rgba: NDArray[np.uint8]) -> Picture:
    """height x width x 4 -> height x width x 3."""
    return ((rgba[..., :3].astype(np.uint16) * rgba[..., 3:] + 127) // 255).astype(np.uint8)


class Clock:
    """Timestamps of a container -> seconds after the first frame, exact and strictly increasing."""

    def __init__(self, tick: Fraction | None, rate: Fraction | None, *, snap: bool = False) -> None:
        self._tick = tick or Fraction(1, 1000)
        self._step = 1 / (rate or Fraction(DEFAULT_FPS))
        self._snap = snap  # Matroska rounds to whole ms: a frame within 1 ms of the declared rate's grid lies on it
        self._start: int | None = None
        self._index, self._last = 0, Fraction(0)

    def seconds(self, timestamp: int | None) -> float:
        """Of the next frame. A timestamp that is missing or does not increase counts as one step of the mean rate."""
        if self._start is None:
            self._start = timestamp
        if self._index:
            now = Fraction(0) if timestamp is None or self._start is None else (timestamp - self._start) * self._tick
            grid = self._index * self._step
            if self._snap and abs(now - grid) <= self._tick:
                now = grid
            self._last = now if now > self._last else self._last + self._step
        self._index += 1
        return float(self._last)


# ---- is the whole file there? ------------------------------------------------------------------------------------


class Extent(NamedTuple):
    """Whether a file has all its bytes. `pictures` counts the whole ones where that needs no decoder (gif)."""

    whole: bool
    pictures: int | None = None


def sniff(head: bytes) -> Kind | None:
    """The container by its first 12 bytes; None for anything else.

    >>> sniff(b"GIF89a" + bytes(6)), sniff(b"Dear reader,")
    ('gif', None)
    """
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"):
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"WEBP"):
        return "avi" if head[8:12] == b"AVI " else "webp"
    return "gif" if head[:6] in (b"GIF87a", b"GIF89a") else None


def measure(path: Path, kind: Kind) -> Extent:
    """Whether `path` ends before its own headers say so. What comes after the end is nobody's business."""
    walk = {"mov": _boxes, "matroska": _elements, "avi": _chunks, "webp": _chunks, "gif": _blocks}[kind]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return walk(data)


def _boxes(data: mmap.mmap) -> Extent:
    """mp4, mov: boxes of a 4-byte length and a name; length 1 means that 8 bytes of length follow the name."""
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length < 8:  # 0: to the end of the file. Anything else: padding behind the last box
            return Extent(whole=True)
        position += length
    return Extent(whole=position <= len(data))


def _chunks(data: mmap.mmap) -> Extent:
    """avi, webp: one RIFF chunk, several in a large file. Headers never finished say 0 or 2**32 - 1."""
    position = 0
    while data[position : position + 4] == b"RIFF":
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if length in (0, 0xFFFFFFFF):
            return Extent(whole=True)
        if position + 8 + length > len(data):
            return Extent(whole=False)
        position += 8 + length + length % 2
    return Extent(whole=True)


def _elements(data: mmap.mmap) -> Extent:
    """mkv, webm: elements of an id and a length. A live recording leaves lengths open, so look inside those."""
    position = 0
    while position < len(data):
        id_length = _number_length(data[position])
        if not 1 <= id_length <= 4:
            return Extent(whole=True)  # no element starts so: padding behind the last one
        body = position + id_length
        if body >= len(data):
            return Extent(whole=False)
        width = _number_length(data[body])
        bits = (1 << 7 * width) - 1
        length = int.from_bytes(data[body : body + width], "big") & bits
        body += width
        is_open = length == bits and data[position : position + id_length] in (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75")
        position = body if is_open else body + length  # open: Segment and Cluster only
    return Extent(whole=position == len(data))


def _number_length(first: int) -> int:
    """Bytes of an EBML number by its first: one more than its leading zero bits, 0 where there is none.

    >>> _number_length(0x80), _number_length(0x1A), _number_length(0)
    (1, 4, 0)
    """
    return 9 - first.bit_length() if first else 0


def _blocks(data: mmap.mmap) -> Extent:
    """gif: blocks up to the trailer. A missing trailer alone is forgiven, half a picture is not."""
    position = 13 + _colour_table(data[10]) if len(data) > 10 else 13
    pictures = 0
    while position < len(data) and data[position] in b"\x21\x2c":
        is_picture = data[position] == 0x2C
        if is_picture:  # descriptor, colours, size of the codes
            position += 11 + (_colour_table(data[position + 9]) if position + 9 < len(data) else 0)
        else:
            position += 2
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
        pictures += is_picture and position <= len(data)
    return Extent(position <= len(data), pictures)


def _colour_table(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0
