"""Decode, encode, hash: with `bench.decode` the only code that touches a codec.

A clip is a video file or a folder of numbered pictures. Colours are read by the file's own matrix and range; where it
names none, BT.601 and limited range, which is what the usual writers of generated clips leave unsaid. What is
transparent is shown on black, pixels are taken as square, and a picture is turned as a player would turn it.
"""

from __future__ import annotations

import hashlib
import io
import math
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bench.decode import (
    DEFAULT_FPS,
    IMAGE_SUFFIXES,
    MOST_PIXELS,
    Reading,
    container_kind,
    natural_key,
    on_black,
    open_container,
    open_frames,
    open_picture,
    picture_files,
)
from bench.records import MissingClip, Picture

__all__ = [
    "DEFAULT_FPS",
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "VideoInfo",
    "codecs",
    "content_hash",
    "encode_jpeg",
    "frames_per_second",
    "is_held",
    "natural_key",
    "picture_files",
    "probe",
    "read_frames",
    "read_pictures",
    "write_lossless",
    "write_preview",
]

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".webp"})

# So flagged, swscale's area filter lies within 0.6 levels of the exact area average, the same on every machine; by its
# defaults it is 1 to 2 levels too dark, not everywhere alike. It takes half the time of cv2.INTER_AREA.
AREA = (
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
)

# Measured on 130 clips at 65 536 pixels. In a held frame, dithering and lossy codecs change one block of 8 x 8 by up to
# 5 levels and most blocks by none. A blink or a far plane in a still picture changes one block by 6 or more, sensor
# noise most blocks by 0.3 or more.
HELD_BLOCK = 8
HELD_LARGEST = 5.0
HELD_MEDIAN = 0.1


class Frame(NamedTuple):
    """One frame: container frame from 0, seconds after the first frame (strictly increasing), RGB as shown."""

    index: int  # type: ignore[assignment]  # a word of ours, though tuples have a method of that name
    time_seconds: float
    picture: Picture


@dataclass(frozen=True)
class VideoInfo:
    """What a clip says of itself; width and height as shown (after rotation), None where it does not say."""

    width: int
    height: int
    codec: str
    declared_frames: int | None
    declared_fps: float | None


# ---- read --------------------------------------------------------------------------------------------------------


def read_frames(path: Path, *, max_pixels: int | None = None, folder_fps: float = DEFAULT_FPS) -> Iterator[Frame]:
    """The frames one by one, area-averaged down to at most `max_pixels`; `folder_fps` times a folder of pictures.

    Raises MissingClip, also in mid-stream: not a video, no frame, truncated, corrupt, too large, unsupported codec.
    """
    shrink = _Shrinker(max_pixels)
    with Reading(path) as reading:
        for seconds, frame in open_frames(reading, folder_fps):
            picture = shrink(frame)
            if picture is None:
                raise MissingClip(f"{path}: frame {reading.count} is not of the size of the frames before it")
            yield Frame(reading.count, seconds, picture)
            reading.count += 1
        reading.end()


def read_pictures(path: Path, indices: Collection[int], *, max_pixels: int | None = None) -> dict[int, Picture]:
    """The frames of those indices, decoding no further than the last. ValueError for one the clip does not have."""
    wanted, pictures, count = set(indices), dict[int, Picture](), 0
    for frame in read_frames(path, max_pixels=max_pixels) if wanted else ():
        count += 1
        if frame.index in wanted:
            pictures[frame.index] = frame.picture
        if frame.index >= max(wanted):
            break
    if len(pictures) < len(wanted):
        raise ValueError(f"{path}: expected frames of 0 to {count - 1}, got {sorted(wanted - pictures.keys())}")
    return pictures


def probe(path: Path) -> VideoInfo:
    """Size as shown and what the header declares. Decodes the first frame, which alone knows of its rotation."""
    height, width = read_pictures(path, [0])[0].shape[:2]
    with Reading(path):
        if path.is_dir():
            files = picture_files(path)
            return VideoInfo(width, height, files[0].suffix.lower().lstrip("."), len(files), None)
        kind = container_kind(path)
        if kind == "webp":
            with open_picture(path, "WEBP") as image:
                return VideoInfo(width, height, "webp", getattr(image, "n_frames", 1), None)
        with open_container(path, kind) as (_, stream):
            rate = stream.average_rate
            name = stream.codec_context.name
            return VideoInfo(width, height, name, stream.frames or None, float(rate) if rate else None)


def no_video(path: Path) -> str | None:
    """Why a file is none by its first bytes; None where it may be one, which takes decoding to know."""
    try:
        with Reading(path):
            if not path.is_dir():
                container_kind(path)
    except MissingClip as error:
        return str(error)
    return None


def codecs() -> dict[str, bool]:
    """Whether this PyAV can read what clips come in and write what a run folder holds, by a name for people."""
    read = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "gif")
    written = {"utvideo for lossless clips": LOSSLESS.codec, "h264 for previews": PREVIEW.codec}
    found = {f"reads {name}": _has_codec(name, "r") for name in read}
    return found | {f"writes {name}": _has_codec(codec, "w") for name, codec in written.items()}


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        av.Codec(name, mode)
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def frames_per_second(times: Sequence[float]) -> float:
    """Steps over seconds, from exact times. ValueError for fewer than two frames: a single one has no rate.

    >>> frames_per_second([0.0, 0.125, 0.25])
    8.0
    """
    if len(times) < 2 or times[-1] <= times[0]:
        raise ValueError(f"expected two or more growing times, got {len(times)}: {list(times[:3])}")
    return (len(times) - 1) / (times[-1] - times[0])


class _Shrinker:
    """Frames as decoded -> RGB pictures as shown. One a clip: it keeps the scaler and the size of the first frame."""

    def __init__(self, max_pixels: int | None) -> None:
        if max_pixels is not None and max_pixels < 1:
            raise ValueError(f"max_pixels: expected 1 or more, got {max_pixels}")
        self._max_pixels = max_pixels or MOST_PIXELS
        self._scaler = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> Picture | None:
        """None if the frame is not of the size of the first."""
        self._size = self._size or (frame.width, frame.height)
        if self._size != (frame.width, frame.height):
            return None
        opaque = self._opaque(frame) if _has_alpha(frame.format.name) else frame
        width, height = _fit(*self._size, self._max_pixels)
        rgb = self._scaler.reformat(opaque, width, height, "rgb24", interpolation=AREA, threads=1)
        return np.ascontiguousarray(_turned(_array(rgb), frame))

    def _opaque(self, frame: av.VideoFrame) -> av.VideoFrame:
        rgba = _array(self._scaler.reformat(frame, format="rgba", interpolation=AREA, threads=1))
        return frame if rgba[..., 3].min() == 255 else av.VideoFrame.from_ndarray(on_black(rgba))


def _array(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(), np.uint8)


@cache
def _has_alpha(pixel_format: str) -> bool:
    return any(component.is_alpha for component in av.VideoFormat(pixel_format).components)


def _fit(width: int, height: int, most: int) -> tuple[int, int]:
    """The largest size of the same shape with at most that many pixels, sides rounded.

    >>> _fit(1920, 1080, 65_536), _fit(320, 200, 65_536)
    ((341, 192), (320, 200))
    """
    if width * height <= most:
        return width, height
    scale = math.sqrt(most / (width * height))
    small_height = min(max(1, round(height * scale)), most)
    return min(max(1, round(width * scale)), most // small_height), small_height


def _turned(picture: NDArray[np.uint8], frame: av.VideoFrame) -> NDArray[np.uint8]:
    """By the display matrix: x' = a x + c y, y' = b x + d y, taken to the nearest of its eight right-angled forms."""
    side_data: Any = frame.side_data  # typed as something else than it is
    if SideData.DISPLAYMATRIX not in side_data:
        return picture
    a, b, _, c, d = np.frombuffer(bytes(side_data[SideData.DISPLAYMATRIX]), np.int32)[:5].tolist()
    if abs(b) > abs(a):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


# ---- compare and hash --------------------------------------------------------------------------------------------


def is_held(previous: Picture, current: Picture) -> bool:
    """Is `current` a repeat of `previous`? Both of about 65 536 pixels; ValueError if they differ in size.

    Compare with the last distinct frame, so that a slow drift adds up. Looks at the block that changed most (a blink is
    a change) and at what most blocks do (sensor noise and slow pans change nearly all of them, a repeat nearly none).
    """
    if previous.shape != current.shape:
        raise ValueError(f"expected two pictures of one size, got {previous.shape} and {current.shape}")
    changes = _block_changes(previous, current)
    return bool(changes.max() <= HELD_LARGEST and np.median(changes) <= HELD_MEDIAN)


def _block_changes(previous: Picture, current: Picture) -> NDArray[np.float64]:
    """Mean absolute difference of every block, in levels, blocks half overlapping. Exact, by an integral image."""
    height, width = previous.shape[:2]
    tall, wide = min(HELD_BLOCK, height), min(HELD_BLOCK, width)
    sums = cv2.integral(cv2.absdiff(previous, current).reshape(height, width * 3))
    tops = np.append(np.arange(0, height - tall, HELD_BLOCK // 2), height - tall)
    lefts = 3 * np.append(np.arange(0, width - wide, HELD_BLOCK // 2), width - wide)
    strips = sums[tops + tall] - sums[tops]
    changes: NDArray[np.float64] = (strips[:, lefts + 3 * wide] - strips[:, lefts]) / (3 * tall * wide)
    return changes


def content_hash(path: Path) -> str:
    """sha256 of a file's bytes; of a folder of pictures, of the sha256 and name of each, sorted by name."""
    with Reading(path):
        if path.is_dir():
            files = sorted(picture_files(path), key=lambda file: file.name)
            return hashlib.sha256("".join(f"{_sha256(file)}  {file.name}\n" for file in files).encode()).hexdigest()
        return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- write -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Format:
    container: str
    container_options: dict[str, str]
    codec: str
    codec_options: dict[str, str]
    conversion: dict[str, Any]


# Of the lossless RGB codecs that take any size, Ut Video reads four times as fast as FFV1 and is 15% larger.
LOSSLESS = _Format("avi", {"fflags": "+bitexact"}, "utvideo", {"pred": "left"}, {"format": "gbrp"})
# No B-frames and a key frame in every 12: a page seeks to the frame of the break. No mbtree: with it, beside a decoder
# at work in the same process, 1 in 100 previews of a small clip had other bytes; without it none of 6 000.
PREVIEW = _Format(
    "mp4",
    {"fflags": "+bitexact", "movflags": "+faststart"},
    "libx264",
    {"preset": "medium", "crf": "26", "g": "12", "bf": "0", "mbtree": "0", "colorspace": "bt709", "color_range": "tv"}
    | {"color_primaries": "bt709", "color_trc": "bt709"},
    {"format": "yuv420p", "dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG},
)


def write_lossless(path: Path, frames: Iterable[Picture], fps: float) -> int:
    """Ut Video in AVI; `read_frames` gives back the same pictures, bit for bit. Returns how many were written.

    Atomic; equal frames make equal bytes. ValueError for no frame, unequal sizes, or not height x width x 3 of uint8.
    """
    return _write(path, _checked(path, frames), fps, LOSSLESS)


def write_preview(path: Path, frames: Iterable[Picture], fps: float, *, max_side: int = 320) -> None:
    """A small H.264 mp4 that every browser plays, sides at most `max_side` and even. Else as `write_lossless`."""
    if max_side < 2:
        raise ValueError(f"max_side: expected 2 or more, got {max_side}")
    _write(path, _reduced(_checked(path, frames), max_side), fps, PREVIEW)


def encode_jpeg(picture: Picture, quality: int = 85) -> bytes:
    """JPEG bytes of a height x width x 3 picture."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _checked(path: Path, frames: Iterable[Picture]) -> Iterator[Picture]:
    expected: tuple[int, ...] | None = None
    for index, picture in enumerate(frames):
        expected = expected or (*picture.shape[:2], 3)
        if picture.dtype != np.uint8 or picture.shape != expected or not picture.size:
            raise ValueError(f"{path}: expected frame {index} as uint8 {expected}, got {picture.dtype} {picture.shape}")
        yield np.ascontiguousarray(picture)
    if expected is None:
        raise ValueError(f"{path}: expected frames, got none")


def _reduced(pictures: Iterator[Picture], max_side: int) -> Iterator[Picture]:
    """Area-averaged down to fit; an odd side gets its last row or column twice, as yuv420p has none."""
    scaler = VideoReformatter()
    longest = max_side - max_side % 2
    for picture in pictures:
        height, width = picture.shape[:2]
        scale = min(1.0, longest / max(height, width))
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        frame = scaler.reformat(av.VideoFrame.from_ndarray(picture), width, height, interpolation=AREA, threads=1)
        yield np.pad(_array(frame), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write(path: Path, pictures: Iterator[Picture], fps: float, form: _Format) -> int:
    """Encodes beside `path` under a hidden name and renames in the end; after an error nothing is left behind."""
    rate = Fraction(fps).limit_denominator(1001) if math.isfinite(fps) else Fraction(0)
    if not 0 < rate <= 1000:
        raise ValueError(f"{path}: expected a rate over 0 and up to 1000 frames a second, got {fps}")
    temporary = path.absolute().with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    scaler, count = VideoReformatter(), 0
    try:
        with av.open(str(temporary), "w", format=form.container, options=form.container_options) as container:
            stream = cast(VideoStream, container.add_stream(form.codec, rate=rate, options=form.codec_options))
            stream.pix_fmt = form.conversion["format"]
            stream.codec_context.thread_count = 1  # more threads cut the picture into other slices: other bytes
            for picture in pictures:
                if not count:
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(picture)
                container.mux(stream.encode(scaler.reformat(frame, interpolation=AREA, threads=1, **form.conversion)))
                count += 1
            container.mux(stream.encode(None))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count
