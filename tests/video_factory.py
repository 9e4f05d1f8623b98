"""Small clips with a known pattern, written in every format, for the tests of whatever reads clips."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

from bench.records import Picture

RED = (230, 20, 30)
VIDEO_FORMATS = {
    # file name: codec, pixel format, options of the codec
    "h264.mp4": ("libx264", "yuv420p", {"crf": "8"}),
    "h264.m4v": ("libx264", "yuv420p", {"crf": "8"}),
    "h264.mov": ("libx264", "yuv444p", {"crf": "8"}),
    "h264.mkv": ("libx264", "yuv420p", {"crf": "8"}),
    "h264-10-bit.mp4": ("libx264", "yuv420p10le", {"crf": "8"}),
    # Without B-frames: x265 now and then gives a clip of one frame a time that no container takes.
    "h265.mp4": ("libx265", "yuv420p", {"x265-params": "log-level=none:crf=8:bframes=0:pools=none:frame-threads=1"}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"crf": "8", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
    "vp8.webm": ("libvpx", "yuv420p", {"b": "4M", "deadline": "realtime", "cpu-used": "8"}),
    "ffv1.mkv": ("ffv1", "bgr0", {"level": "1"}),
    "mjpeg.avi": ("mjpeg", "yuvj444p", {"qmin": "1", "qmax": "2"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"qmin": "1", "qmax": "2"}),
}
FORMATS = (*VIDEO_FORMATS, "picture.gif", "picture.webp", "pngs", "jpgs")


def pattern(count: int, width: int = 64, height: int = 48) -> list[Picture]:
    """Grey pictures whose level tells their number (20 + 9 n) and whose red corner, top left, tells which way is up."""
    pictures = []
    for number in range(count):
        picture = np.full((height, width, 3), 20 + 9 * number, np.uint8)
        picture[: height // 3, : width // 4] = RED
        pictures.append(picture)
    return pictures


def number_of(picture: Picture) -> int:
    """The number of a picture of `pattern`, by the level at its right lower corner."""
    return round((float(picture[-1, -1].mean()) - 20) / 9)


def noise(count: int, width: int, height: int, seed: int = 0) -> list[Picture]:
    """Pictures that no lossy codec keeps."""
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def write_clip(path: Path, pictures: Sequence[Picture], fps: int = 25) -> Path:
    """`pictures` in the format that the name of `path` stands for (a key of FORMATS)."""
    if path.name in VIDEO_FORMATS:
        codec, pixel_format, options = VIDEO_FORMATS[path.name]
        return write_video(path, pictures, codec, pixel_format, fps=fps, codec_options=options)
    images = [Image.fromarray(picture) for picture in pictures]
    if path.suffix:
        options_by_suffix: dict[str, dict[str, Any]] = {".gif": {}, ".webp": {"lossless": True}}
        duration = 1000 // fps
        images[0].save(
            path, save_all=True, append_images=images[1:], duration=duration, **options_by_suffix[path.suffix]
        )
        return path
    path.mkdir()
    for number, image in enumerate(images):
        image.save(path / f"frame{number}.{path.name[:3]}")
    return path


def write_video(
    path: Path,
    pictures: Sequence[Picture],
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    *,
    fps: int = 25,
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    times_ms: Sequence[int] | None = None,
    turned: tuple[int, bool, bool] = (0, False, False),
) -> Path:
    """In any codec ffmpeg has. `turned`: show it by so many degrees counter-clockwise, flipped left-right, up-down."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=fps, options=codec_options or {}))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixel_format
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if any(turned):
            cast(Any, stream).set_display_rotation(*turned)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture)
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_cover_art(path: Path) -> Path:
    """Sound with a cover picture, which ffmpeg shows as a video stream of one frame."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "yuvj420p"
        cast(Any, cover).disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8))))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def gif_bytes(size: tuple[int, int], images: Sequence[tuple[int, int, int, int, int, int, int]]) -> bytes:
    """A GIF by hand, palette black, white, red, green. Images: x, y, width, height, colour, disposal, 1/100 s.

    Colour 4 stands for transparent. Each image is of one colour.
    """
    data = b"GIF89a" + struct.pack("<HHBBB", *size, 0xF1, 0, 0) + bytes((0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0))
    for x, y, width, height, colour, disposal, duration in images:
        clear = colour == 4
        data += b"\x21\xf9\x04" + struct.pack("<BHBB", disposal << 2 | clear, duration, 3, 0)
        data += b"\x2c" + struct.pack("<HHHHB", x, y, width, height, 0) + b"\x02"
        codes = [code for _ in range(width * height) for code in (4, 3 if clear else colour)] + [5]
        packed = sum(code << 3 * position for position, code in enumerate(codes))
        raw = packed.to_bytes((3 * len(codes) + 7) // 8, "little")
        for start in range(0, len(raw), 255):
            block = raw[start : start + 255]
            data += bytes((len(block),)) + block
        data += b"\x00"
    return data + b"\x3b"
