"""bench.video and bench.decode: every format, every way to be broken, what is written is what is read."""

from __future__ import annotations

import csv
import gc
import hashlib
import os
import re
import struct
import sys
import weakref
import zlib
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from bench import decode, video
from bench.decode import Clock, container_kind, measure
from bench.records import MissingClip, Picture
from bench.video import (
    AREA,
    Frame,
    VideoInfo,
    content_hash,
    encode_jpeg,
    frames_per_second,
    is_held,
    probe,
    read_frames,
    read_pictures,
    write_lossless,
    write_preview,
)
from tests.video_factory import (
    FORMATS,
    RED,
    VIDEO_FORMATS,
    gif_bytes,
    noise,
    number_of,
    pattern,
    write_clip,
    write_cover_art,
    write_video,
)

CLIPS = Path(os.environ.get("FRAMEHOLD_CLIPS", Path(__file__).parents[2] / "shared" / "clips"))
needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason="no shared clips here: set FRAMEHOLD_CLIPS")


def pictures_of(path: Path) -> list[Picture]:
    return [frame.picture for frame in read_frames(path)]


def times_of(path: Path) -> list[float]:
    return [frame.time_seconds for frame in read_frames(path)]


def refusal(path: Path) -> str:
    """The reason why a clip is missing."""
    with pytest.raises(MissingClip) as caught:
        list(read_frames(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


# ---- every format ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_its_frames_in_order_upright_and_in_colour(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, pattern(12))
    frames = list(read_frames(path, folder_fps=25))
    assert [frame.index for frame in frames] == list(range(12))
    assert [number_of(frame.picture) for frame in frames] == list(range(12))
    assert [frame.time_seconds for frame in frames] == pytest.approx([n / 25 for n in range(12)], abs=1e-12)
    for frame in frames:
        assert frame.picture.shape == (48, 64, 3)
        assert frame.picture.dtype == np.uint8
        assert frame.picture.flags["C_CONTIGUOUS"]
        np.testing.assert_allclose(frame.picture[4, 4], RED, atol=8)
        np.testing.assert_allclose(frame.picture[4, -4], 20 + 9 * frame.index, atol=4)


@pytest.mark.parametrize("name", FORMATS)
def test_probe_says_what_reading_finds(tmp_path: Path, name: str) -> None:
    info = probe(write_clip(tmp_path / name, pattern(6)))
    codec = {"libx264": "h264", "libx265": "hevc", "libvpx-vp9": "vp9", "libvpx": "vp8", "prores_ks": "prores"}
    encoder = VIDEO_FORMATS[name][0] if name in VIDEO_FORMATS else name.removeprefix("picture.").removesuffix("s")
    counts = not name.endswith((".mkv", ".webm"))  # Matroska declares no count
    rates = name not in ("picture.webp", "pngs", "jpgs")
    assert info == VideoInfo(64, 48, codec.get(encoder, encoder), 6 if counts else None, 25.0 if rates else None)


@pytest.mark.parametrize("name", FORMATS)
def test_a_single_frame_is_a_clip(tmp_path: Path, name: str) -> None:
    frames = list(read_frames(write_clip(tmp_path / name, pattern(1))))
    assert [(frame.index, frame.time_seconds) for frame in frames] == [(0, 0.0)]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 7), (7, 1), (33, 17)])
@pytest.mark.parametrize("name", ["h264.mov", "ffv1.mkv", "picture.gif", "picture.webp", "pngs"])
def test_small_and_odd_sizes(tmp_path: Path, name: str, width: int, height: int) -> None:
    path = write_clip(tmp_path / name, [np.full((height, width, 3), 40 * n, np.uint8) for n in range(1, 4)])
    found = pictures_of(path)
    assert [picture.shape for picture in found] == [(height, width, 3)] * 3
    np.testing.assert_allclose([picture.mean() for picture in found], [40, 80, 120], atol=2)


@pytest.mark.parametrize("name", ["concat:a|b.mp4", "100%03d?.mp4", "http:--x.mp4", "-i.mp4", "ein Hündchen 狗.mp4"])
def test_odd_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_clip(tmp_path / "h264.mp4", pattern(2)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(pictures_of(Path(name))) == 2
    write_lossless(Path(f"{name}.avi"), pattern(2), 8)
    assert len(pictures_of(tmp_path / f"{name}.avi")) == 2


def test_a_container_is_known_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "picture.gif", pattern(3)).rename(tmp_path / "clip.mp4")
    assert [number_of(picture) for picture in pictures_of(path)] == [0, 1, 2]


# ---- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_variable_frame_rates_keep_their_exact_times(tmp_path: Path, suffix: str) -> None:
    times = [0, 40, 120, 130, 400]
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    path = write_video(tmp_path / f"clip.{suffix}", pattern(5), codec, times_ms=times)
    assert times_of(path) == [time / 1000 for time in times]


def test_time_starts_with_the_first_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", pattern(3), times_ms=[5000, 5250, 5500])
    assert times_of(path) == [0.0, 0.25, 0.5]


def test_matroska_milliseconds_are_put_back_on_the_declared_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", pattern(8), fps=24)
    assert times_of(path) == [float(Fraction(n, 24)) for n in range(8)]


def test_gif_and_webp_durations(tmp_path: Path) -> None:
    images = [Image.fromarray(picture) for picture in pattern(4)]
    for suffix in ("gif", "webp"):
        path = tmp_path / f"clip.{suffix}"
        images[0].save(path, save_all=True, append_images=images[1:], duration=[40, 200, 70, 40])
        assert times_of(path) == [0.0, 0.04, 0.24, 0.31]


def test_frames_without_a_duration_last_a_tenth_of_a_second_as_in_browsers(tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    path.write_bytes(gif_bytes((2, 2), [(0, 0, 2, 2, colour, 0, 0) for colour in (0, 1, 2)]))
    assert times_of(path) == [0.0, 0.1, 0.2]
    images = [Image.fromarray(picture) for picture in pattern(3)]
    images[0].save(tmp_path / "clip.webp", save_all=True, append_images=images[1:], duration=0)
    assert times_of(tmp_path / "clip.webp") == [0.0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("timestamps", "seconds"),
    [
        ([0, 4, 8, 12], [0, 0.4, 0.8, 1.2]),
        ([7, 11, 15], [0, 0.4, 0.8]),
        ([0, 4, 4, 12], [0, 0.4, 0.8, 1.2]),  # stands twice, then a gap: as cut by some tools
        ([0, 4, 2, 12], [0, 0.4, 0.8, 1.2]),  # runs backwards
        ([None, None, None], [0, 0.4, 0.8]),
        ([0, None, 8], [0, 0.4, 0.8]),
        ([0, 4, 4, 4, 4], [0, 0.4, 0.8, 1.2, 1.6]),
    ],
)
def test_times_increase_strictly_whatever_the_file_says(timestamps: list[int | None], seconds: list[float]) -> None:
    clock = Clock(Fraction(1, 10), Fraction(10, 4))
    assert [clock.seconds(timestamp) for timestamp in timestamps] == seconds


def test_a_folder_of_pictures_is_timed_by_the_caller(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "pngs", pattern(3))
    assert [frame.time_seconds for frame in read_frames(path, folder_fps=8)] == [0.0, 0.125, 0.25]
    assert times_of(path) == [0.0, 1 / 24, 2 / 24]
    with pytest.raises(ValueError, match="folder_fps: expected more than 0, got 0"):
        list(read_frames(path, folder_fps=0))


def test_frames_per_second() -> None:
    assert frames_per_second([0.0, 0.04, 0.12, 0.2]) == pytest.approx(15.0)
    for times in ([], [0.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="expected two or more growing times"):
            frames_per_second(times)


# ---- which way is up ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
def test_pictures_are_turned_and_flipped_as_a_player_shows_them(
    tmp_path: Path, suffix: str, turns: int, flips: tuple[bool, bool]
) -> None:
    path = write_video(tmp_path / f"clip.{suffix}", pattern(2), turned=(90 * turns, *flips))
    shown = np.rot90(pattern(1)[0], turns)  # counter-clockwise, then flipped
    shown = shown[:: -1 if flips[1] else 1, :: -1 if flips[0] else 1]
    found = pictures_of(path)[0]
    assert found.shape == shown.shape
    assert np.abs(found.astype(int) - shown).mean() < 6
    small = next(read_frames(path, max_pixels=48 * 64 // 16)).picture
    assert small.shape == (shown.shape[0] // 4, shown.shape[1] // 4, 3)
    assert (probe(path).width, probe(path).height) == (shown.shape[1], shown.shape[0])


def test_pictures_of_a_folder_are_turned_by_their_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    Image.fromarray(pattern(1)[0]).save(tmp_path / "0.jpg", exif=exif)
    found = pictures_of(tmp_path)[0]
    assert found.shape == (64, 48, 3)
    np.testing.assert_allclose(found[4, -4], RED, atol=12)


# ---- colour ------------------------------------------------------------------------------------------------------

SWATCHES = [(200, 30, 40), (20, 180, 60), (40, 50, 220), (128, 128, 128), (255, 255, 255), (0, 0, 0), (250, 240, 10)]


def swatches() -> Picture:
    row = np.array([SWATCHES], np.uint8)
    return np.ascontiguousarray(np.repeat(np.repeat(row, 32, axis=0), 32, axis=1))


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv422p10le"])
@pytest.mark.parametrize(
    ("matrix", "colour_range", "tags"),
    [
        (Colorspace.ITU601, ColorRange.MPEG, {}),  # says nothing: what most generated clips are
        (Colorspace.ITU601, ColorRange.MPEG, {"colorspace": "smpte170m", "color_range": "tv"}),
        (Colorspace.ITU601, ColorRange.JPEG, {"colorspace": "smpte170m", "color_range": "pc"}),
        (Colorspace.ITU709, ColorRange.MPEG, {"colorspace": "bt709", "color_range": "tv"}),
        (Colorspace.ITU709, ColorRange.JPEG, {"colorspace": "bt709", "color_range": "pc"}),
        (Colorspace.BT2020, ColorRange.MPEG, {"colorspace": "bt2020nc", "color_range": "tv"}),
    ],
)
def test_colours_follow_the_matrix_and_range_of_the_file(
    tmp_path: Path, pixel_format: str, matrix: Colorspace, colour_range: ColorRange, tags: dict[str, str]
) -> None:
    path = tmp_path / "clip.mp4"
    frame = VideoReformatter().reformat(
        av.VideoFrame.from_ndarray(swatches()),
        format=pixel_format,
        dst_colorspace=matrix,
        dst_color_range=colour_range,
        interpolation=AREA,
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "4", **tags})
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixel_format
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = pictures_of(path)[0][16, 16::32]
    np.testing.assert_allclose(found, SWATCHES, atol=4)


@pytest.mark.parametrize("pixel_format", ["bgra", "yuva444p", "yuva420p", "gray", "gray16le", "rgb48le"])
def test_alpha_grey_and_deep_pixels(tmp_path: Path, pixel_format: str) -> None:
    alpha = np.full((32, 32 * len(SWATCHES), 1), 128, np.uint8)
    frame = av.VideoFrame.from_ndarray(np.concatenate([swatches(), alpha], axis=2), format="rgba")
    frame = frame.reformat(format=pixel_format)
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixel_format
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = pictures_of(path)[0][16, 16::32].astype(float)
    expected = np.array(SWATCHES, float)
    if "a" in pixel_format.replace("gray", ""):
        expected *= 128 / 255  # on black
    if "gray" in pixel_format:
        expected = np.repeat(expected @ np.array([[0.299], [0.587], [0.114]]), 3, axis=1)
    np.testing.assert_allclose(found, expected, atol=3)


def test_pictures_of_every_mode(tmp_path: Path) -> None:
    grey16 = np.full((4, 4), 0x7F30, np.uint16)
    rgb16 = np.full((4, 4, 3), 0x1080, np.uint16) + np.array([0x4000, 0, 0x2000], np.uint16)  # cv2 writes B, G, R
    cv2.imwrite(str(tmp_path / "0.png"), grey16)
    cv2.imwrite(str(tmp_path / "1.png"), rgb16)
    Image.new("RGBA", (4, 4), (200, 100, 50, 128)).save(tmp_path / "2.png")
    Image.new("LA", (4, 4), (200, 51)).save(tmp_path / "3.png")
    Image.new("L", (4, 4), 77).save(tmp_path / "4.png")
    Image.new("RGB", (4, 4), (9, 8, 7)).convert("P", palette=Image.Palette.ADAPTIVE).save(
        tmp_path / "5.png", transparency=0
    )
    Image.new("1", (4, 4), 1).save(tmp_path / "6.png")
    Image.new("CMYK", (4, 4), (0, 0, 0, 0)).save(tmp_path / "7.jpg")
    found = [tuple(picture[2, 2].tolist()) for picture in pictures_of(tmp_path)]
    assert found == [
        (127, 127, 127),  # the upper 8 of 16 bits
        (0x30, 0x10, 0x50),
        (100, 50, 25),
        (40, 40, 40),
        (77, 77, 77),
        (0, 0, 0),
        (255, 255, 255),
        (255, 255, 255),
    ]


def test_gif_disposal_and_transparency(tmp_path: Path) -> None:
    black, white, red, green, clear = 0, 1, 2, 3, 4
    path = tmp_path / "clip.gif"
    path.write_bytes(
        gif_bytes(
            (4, 1),
            [
                (0, 0, 4, 1, white, 0, 10),  # WWWW, stays
                (0, 0, 2, 1, red, 1, 10),  # RRWW, stays
                (1, 0, 2, 1, green, 3, 10),  # RGGW, then as before
                (3, 0, 1, 1, green, 2, 10),  # RRWG, then its place is cleared to the background, black
                (0, 0, 4, 1, clear, 0, 10),  # RRW.
                (0, 0, 1, 1, black, 0, 10),  # .RW.
            ],
        )
    )
    letters = {(255, 255, 255): "W", (255, 0, 0): "R", (0, 255, 0): "G", (0, 0, 0): "."}
    found = ["".join(letters[tuple(pixel)] for pixel in picture[0].tolist()) for picture in pictures_of(path)]
    assert found == ["WWWW", "RRWW", "RGGW", "RRWG", "RRW.", ".RW."]


def test_webp_transparency_is_black(tmp_path: Path) -> None:
    frames = [Image.new("RGBA", (8, 8), (200, 100, 50, alpha)) for alpha in (255, 0)]
    frames[0].save(tmp_path / "clip.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    assert [picture[0, 0].tolist() for picture in pictures_of(tmp_path / "clip.webp")] == [[200, 100, 50], [0, 0, 0]]


# ---- size --------------------------------------------------------------------------------------------------------


def coverage(old: int, new: int) -> NDArray[np.float64]:
    """new x old: the share of every old pixel in each new one, by the definition of the area average."""
    rows = [[max(0.0, min((i + 1) * old / new, j + 1) - max(i * old / new, j)) for j in range(old)] for i in range(new)]
    return np.array(rows) * new / old


def area_average(picture: Picture, width: int, height: int) -> NDArray[np.float64]:
    down = np.tensordot(coverage(picture.shape[0], height), picture.astype(np.float64), axes=(1, 0))
    return np.array(np.tensordot(down, coverage(picture.shape[1], width), axes=(1, 1)).transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("width", "height", "most"), [(97, 61, 1000), (64, 64, 1024), (640, 360, 65_536), (300, 20, 400)]
)
def test_shrinking_is_an_area_average(tmp_path: Path, width: int, height: int, most: int) -> None:
    picture = cv2.GaussianBlur(noise(1, width, height)[0], (0, 0), 0.8)
    write_lossless(tmp_path / "clip.avi", [cast(Picture, picture)], 10)
    found = next(read_frames(tmp_path / "clip.avi", max_pixels=most)).picture
    assert 0.8 * most < found.shape[0] * found.shape[1] <= most
    assert found.shape[1] / found.shape[0] == pytest.approx(width / height, rel=0.12)
    expected = area_average(cast(Picture, picture), found.shape[1], found.shape[0])
    assert np.abs(found - expected).max() <= 1.5
    assert np.abs((found - expected).mean()) < 0.1


def test_pictures_are_never_enlarged(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "ffv1.mkv", pattern(1))
    for most in (64 * 48, 10**9, None):
        assert next(read_frames(path, max_pixels=most)).picture.shape == (48, 64, 3)
    with pytest.raises(ValueError, match="max_pixels: expected 1 or more, got 0"):
        list(read_frames(path, max_pixels=0))


@pytest.mark.parametrize(
    ("size", "most", "shape"),
    [
        ((10_000, 1), 100, (1, 100)),
        ((1, 10_000), 100, (100, 1)),
        ((1000, 900), 100, (9, 11)),
        ((1051, 951), 100, (10, 10)),
        ((5, 5), 1, (1, 1)),
    ],
)
def test_sides_stay_within_the_limit_and_above_zero(size: tuple[int, int], most: int, shape: tuple[int, int]) -> None:
    width, height = video._fit(*size, most)
    assert (height, width) == shape


def test_an_8k_frame(tmp_path: Path) -> None:
    Image.new("RGB", (7680, 4320), (10, 200, 30)).save(tmp_path / "0.png", compress_level=1)
    picture = next(read_frames(tmp_path, max_pixels=65_536)).picture
    assert picture.shape == (192, 341, 3)
    assert picture[100, 100].tolist() == [10, 200, 30]


def test_too_many_pixels_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    bomb = bytearray(gif_bytes((2, 2), [(0, 0, 2, 2, 1, 0, 5)]))
    bomb[6:10] = struct.pack("<HH", 16_000, 16_000)
    (tmp_path / "clip.gif").write_bytes(bomb)
    assert refusal(tmp_path / "clip.gif") == "16000 x 16000 is too large, the limit is 64 megapixels"
    folder = tmp_path / "pngs"
    folder.mkdir()
    for width, height in ((10_000, 9_000), (20_000, 20_000)):  # Pillow warns of the first and refuses the second
        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        (folder / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 10) + b"IDAT" + bytes(14))
        with pytest.raises(MissingClip, match=r"too large|decompression bomb"):
            list(read_frames(folder))


def test_the_decoder_refuses_frames_larger_than_their_header_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "h264.mp4", pattern(2))
    monkeypatch.setattr(decode, "_check_size", lambda path, width, height: None)  # as if the header had said less
    monkeypatch.setattr(decode, "MOST_PIXELS", 1000)
    assert refusal(path).startswith("corrupt after 0 of 2 frames: ")


# ---- not a clip --------------------------------------------------------------------------------------------------

AGAIN = "make or download it again"
NO_VIDEO = f"its content cannot be decoded as video (damaged or cut off?): {AGAIN}"


def test_what_is_not_a_clip_is_missing_and_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("A video of a dog.\n" * 50)
    assert refusal(tmp_path / "text.mp4").startswith(NO_VIDEO)
    (tmp_path / "empty.mp4").touch()
    assert refusal(tmp_path / "empty.mp4") == f"the file is empty: {AGAIN}"
    assert refusal(tmp_path / "absent.mp4") == "No such file or directory"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".hidden.png").write_bytes(b"")
    (tmp_path / "folder" / "notes.txt").write_text("no pictures")
    assert refusal(tmp_path / "folder") == "holds no frame"
    Image.new("RGB", (8, 8)).save(tmp_path / "still.mp4", format="PNG")
    assert refusal(tmp_path / "still.mp4").startswith(NO_VIDEO)
    for path in (tmp_path / "text.mp4", tmp_path / "absent.mp4", tmp_path / "folder"):
        with pytest.raises(MissingClip):
            probe(path)


@pytest.mark.parametrize("name", ["junk.mp4", "junk.mkv", "junk.gif", "junk.webp"])
def test_content_that_only_begins_like_a_video_is_not_called_of_no_kind(tmp_path: Path, name: str) -> None:
    """A whole file of the right first bytes: a decoder's own words for it would tell nobody what to do."""
    head = {
        "junk.mp4": u32(16) + b"ftypisom" + bytes(4),
        "junk.mkv": b"\x1a\x45\xdf\xa3\x82xx",
        "junk.gif": b"GIF89a" + b"xy" * 9,
        "junk.webp": b"RIFF\x08\0\0\0WEBPjunk",
    }
    (tmp_path / name).write_bytes(head[name])
    assert refusal(tmp_path / name) == NO_VIDEO


def test_a_playlist_cannot_make_other_files_be_read(tmp_path: Path) -> None:
    target = write_clip(tmp_path / "h264.mp4", pattern(3))
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n")
    assert refusal(tmp_path / "list.mp4").startswith(NO_VIDEO)
    (tmp_path / "concat.mkv").write_text(f"ffconcat version 1.0\nfile {target}\n")
    assert refusal(tmp_path / "concat.mkv").startswith(NO_VIDEO)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    assert refusal(write_cover_art(tmp_path / "song.mp4")) == "holds no video stream (cover art does not count)"


def test_an_unknown_codec_is_missing(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "h264.mp4", pattern(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    assert refusal(path) in ("no decoder for its codec", "holds no video stream (cover art does not count)")


def test_pictures_of_unequal_size_are_no_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "pngs", pattern(4))
    Image.new("RGB", (64, 50)).save(path / "frame2.png")
    assert refusal(path) == "frame 2 is not of the size of the frames before it"


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "pngs", noise(4, 64, 48))
    whole = (path / "frame2.png").read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:20], b"", b"not a picture at all"):
        (path / "frame2.png").write_bytes(broken)
        assert refusal(path).startswith("corrupt after 2 of 4 frames: frame2.png: ")


def test_pictures_are_ordered_as_people_count(tmp_path: Path) -> None:
    for number, picture in enumerate(pattern(12)):
        Image.fromarray(picture).save(tmp_path / f"shot1_{number}.{'PNG' if number % 2 else 'jpeg'}")
    (tmp_path / "notes.txt").write_text("ignored")
    (tmp_path / "._shot1_3.png").write_bytes(b"ignored")
    assert [number_of(picture) for picture in pictures_of(tmp_path)] == list(range(12))


# ---- truncated and corrupt ---------------------------------------------------------------------------------------

CUT = ("fast.mp4", "h264.mp4", "pieces.mp4", "h264.mov", "vp9.webm", "live.webm", "ffv1.mkv", "mjpeg.avi", "mpeg4.avi")


def write_to_cut(path: Path, pictures: list[Picture]) -> Path:
    """The usual formats, and three ways to lay out a file: header first, in pieces, and without lengths."""
    if path.name == "fast.mp4":
        return write_video(path, pictures, container_options={"movflags": "+faststart"})
    if path.name == "pieces.mp4":
        options = {"movflags": "frag_keyframe+empty_moov"}
        return write_video(path, pictures, codec_options={"g": "4"}, container_options=options)
    if path.name == "live.webm":
        codec_options = VIDEO_FORMATS["vp9.webm"][2]
        path = write_video(path, pictures, "libvpx-vp9", codec_options=codec_options, container_options={"live": "1"})
        data = bytearray(path.read_bytes())
        start = (
            data.index(b"\x1f\x43\xb6\x75") + 4
        )  # Segment is left open already, leave Cluster open too as browsers do
        width = 9 - data[start].bit_length()
        data[start : start + width] = ((1 << 7 * width + 1) - 1).to_bytes(width, "big")
        path.write_bytes(data)
        return path
    return write_clip(path, pictures)


@pytest.mark.parametrize("name", [*CUT, "picture.gif", "picture.webp"])
def test_a_cut_file_is_truncated_and_what_came_before_is_right(tmp_path: Path, name: str) -> None:
    path = write_to_cut(tmp_path / name, noise(12, 64, 48))
    whole, data = pictures_of(path), path.read_bytes()
    assert len(whole) == 12
    most = 0
    for share in (0.03, 0.2, 0.5, 0.77, 0.93, 0.97):
        path.write_bytes(data[: int(share * len(data))])
        frames = list(read_until_missing(path))
        assert refusal(path).startswith(f"truncated: {len(frames)} ")
        assert len(frames) < 12
        for frame in frames:
            np.testing.assert_array_equal(frame.picture, whole[frame.index])
        most = max(most, len(frames))
    assert most >= (0 if name in ("h264.mp4", "h264.mov", "picture.webp") else 6)  # these keep their index at the end


def read_until_missing(path: Path) -> Iterator[Frame]:
    try:
        yield from read_frames(path)
    except MissingClip:
        return


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("kind", "data", "whole"),
    [
        ("mov", u32(16) + b"ftyp" + bytes(8) + u32(12) + b"mdat" + bytes(4), True),
        ("mov", u32(16) + b"ftyp" + bytes(8) + u32(12) + b"mdat" + bytes(3), False),
        ("mov", u32(1) + b"mdat" + u32(0) + u32(20) + bytes(4), True),  # 8 bytes of length
        ("mov", u32(1) + b"mdat" + u32(0) + u32(20) + bytes(3), False),
        ("mov", u32(16) + b"ftyp" + bytes(8) + u32(0) + b"mdat" + bytes(4), True),  # up to the end
        ("avi", b"RIFF\x06\0\0\0AVI xx", True),
        ("avi", b"RIFF\x07\0\0\0AVI xx", False),
        ("avi", b"RIFF\x05\0\0\0AVI x\0RIFF\x05\0\0\0AVIXx\0", True),  # two chunks, each padded to even
        ("avi", b"RIFF\x05\0\0\0AVI x\0RIFF\x06\0\0\0AVIXx", False),
        ("avi", b"RIFF\0\0\0\0AVI xx", True),  # never finished
        ("webp", b"RIFF\xff\xff\xff\xffWEBPxx", True),
        ("matroska", b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x81x", True),
        ("matroska", b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x82x", False),
        ("matroska", b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67", False),
        ("matroska", b"\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xa3\x82xx", True),  # Segment and Cluster left open
        ("matroska", b"\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xa3\x82x", False),
    ],
)
def test_containers_say_whether_they_are_whole(tmp_path: Path, kind: decode.Kind, data: bytes, whole: bool) -> None:
    (tmp_path / "clip").write_bytes(data)
    assert measure(tmp_path / "clip", kind) == (whole, None)


def test_the_half_picture_of_a_cut_gif_does_not_count(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "picture.gif", noise(6, 64, 48))
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(path) == f"truncated: 5 frames can be read, the file is cut off: {AGAIN}"
    assert measure(path, "gif") == (False, 5)


def test_a_truncated_file_says_how_many_frames_of_how_many(tmp_path: Path) -> None:
    path = write_to_cut(tmp_path / "fast.mp4", noise(12, 64, 48))
    path.write_bytes(path.read_bytes()[:-2000])
    count = len(list(read_until_missing(path)))
    assert 0 < count < 12
    assert refusal(path) == f"truncated: {count} of 12 frames can be read, the file is cut off: {AGAIN}"


@pytest.mark.parametrize("name", [*CUT, "picture.gif", "picture.webp"])
def test_bytes_behind_the_end_do_no_harm(tmp_path: Path, name: str) -> None:
    path = write_to_cut(tmp_path / name, pattern(6))
    path.write_bytes(path.read_bytes() + bytes(1000))
    assert [number_of(picture) for picture in pictures_of(path)] == list(range(6))


@pytest.mark.parametrize("name", ["mjpeg.avi", "h264.mp4"])
def test_a_file_that_lacks_bytes_but_no_frame_is_read(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, pattern(6))
    path.write_bytes(path.read_bytes()[:-2])  # of the index, or of the encoder's name
    assert not measure(path, container_kind(path)).whole
    assert len(pictures_of(path)) == 6


def test_a_gif_without_its_last_byte_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "picture.gif", pattern(6))
    path.write_bytes(path.read_bytes()[:-1])
    assert len(pictures_of(path)) == 6


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi"])
def test_damage_that_the_decoder_conceals_is_not_shown_as_a_frame(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, noise(8, 64, 48))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = noise(1, 64, 1)[0].tobytes()[:64]
    path.write_bytes(data)
    reason = refusal(path)
    assert reason.startswith("corrupt after ")
    assert " of 8 frames: " in reason


def test_nothing_is_printed_of_broken_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in CUT:
        path = write_to_cut(tmp_path / name, noise(4, 64, 48))
        path.write_bytes(path.read_bytes()[:-3000])
        assert len(list(read_until_missing(path))) < 4
    assert capfd.readouterr() == ("", "")


# ---- a stream ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["h264.mp4", "picture.gif", "picture.webp", "pngs"])
def test_frames_are_decoded_only_as_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = write_clip(tmp_path / name, [np.full((8, 8, 3), number % 250, np.uint8) for number in range(300)])
    decoded = []
    turned = video._turned

    def counted(picture: Picture, frame: av.VideoFrame) -> Picture:
        decoded.append(frame)
        return turned(picture, frame)

    monkeypatch.setattr(video, "_turned", counted)
    unpacked = []

    def noted(image: Image.Image) -> Picture:
        unpacked.append(image)
        return np.array(image.convert("RGB"))

    monkeypatch.setattr(decode, "_rgb", noted)
    frames = read_frames(path)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    assert len(decoded) == 3
    assert len(unpacked) <= 3


def test_frames_are_not_kept(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "ffv1.mkv", noise(20, 64, 48))
    seen: list[weakref.ref[Picture]] = []
    for frame in read_frames(path):
        seen.append(weakref.ref(frame.picture))
        assert sum(reference() is not None for reference in seen) <= 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts open files in /proc")
@pytest.mark.parametrize("name", ["h264.mp4", "picture.gif", "picture.webp", "pngs"])
def test_files_are_closed_when_reading_stops_half_way(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, pattern(6))

    def opened() -> int:
        return sum(
            os.path.realpath(f"/proc/self/fd/{fd}").startswith(str(tmp_path)) for fd in os.listdir("/proc/self/fd")
        )

    frames = read_frames(path)
    next(frames)
    del frames
    gc.collect()
    assert opened() == 0
    list(read_frames(path))
    assert opened() == 0


def test_read_pictures_gives_the_wanted_frames_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "h264.mp4", pattern(12))
    found = read_pictures(path, [7, 2, 2], max_pixels=48)
    assert {index: number_of(picture) for index, picture in found.items()} == {2: 2, 7: 7}
    assert found[2].shape == (6, 8, 3)
    assert read_pictures(path, []) == {}
    for wrong in ([12], [3, -1]):
        with pytest.raises(ValueError, match=r"expected frames of 0 to \d+, got \[(12|-1)\]"):
            read_pictures(path, wrong)
    path = write_to_cut(tmp_path / "fast.mp4", noise(12, 64, 48))
    path.write_bytes(path.read_bytes()[:-2000])
    assert list(read_pictures(path, [1])) == [1]  # the missing end was not asked for


# ---- held frames -------------------------------------------------------------------------------------------------


def eight_bits(levels: NDArray[Any]) -> Picture:
    return np.array(np.clip(levels, 0, 255), np.uint8)


def scene(shift: float = 0.0, width: int = 320, height: int = 204) -> Picture:
    """A textured picture; `shift` moves it to the right by that many pixels."""
    y, x = np.mgrid[:height, :width].astype(float)
    x = x - shift
    waves = np.sin(x / 7) * np.cos(y / 9) + 0.5 * np.sin((x + 2 * y) / 3) + 0.3 * np.sin(x * 1.3)
    return eight_bits(np.stack([128 + 50 * waves, 120 + 40 * np.roll(waves, 5, 0), 128 - 45 * waves], axis=2))


def test_equal_pictures_are_held_and_others_are_not() -> None:
    assert is_held(scene(), scene())
    assert not is_held(scene(), scene(30))
    assert not is_held(scene(), 255 - scene())
    with pytest.raises(ValueError, match="expected two pictures of one size"):
        is_held(scene(), scene()[1:])


def test_small_traces_of_coding_are_held() -> None:
    dithered = scene()
    dithered[::40, ::40] ^= 32  # a pixel here and there, as GIF dithering leaves
    assert is_held(scene(), dithered)
    retouched = scene().astype(int)
    retouched[40:56, 80:96] += 3  # a macroblock coded a little better
    assert is_held(scene(), eight_bits(retouched))


@pytest.mark.parametrize("top", [0, 3, 101, 200])
@pytest.mark.parametrize("left", [0, 5, 150, 316])
def test_a_blink_in_a_still_picture_is_not_held(top: int, left: int) -> None:
    blink = scene()
    blink[top : top + 4, left : left + 8] = 255 - blink[top : top + 4, left : left + 8] // 2
    assert not is_held(scene(), blink)


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.5, 4.0])
def test_a_still_scene_with_sensor_noise_is_not_held(sigma: float) -> None:
    generator = np.random.default_rng(0)
    first, second = (eight_bits(scene() + generator.normal(0, sigma, scene().shape)) for _ in range(2))
    assert not is_held(first, second)


def test_a_slow_pan_is_not_held() -> None:
    assert not is_held(scene(), scene(0.2))


def test_a_slow_drift_adds_up_against_the_last_distinct_frame() -> None:
    drift = [scene().astype(int) for _ in range(12)]
    for number, picture in enumerate(drift):
        picture[80:120, 100:160] += number
    pictures = [eight_bits(picture) for picture in drift]
    assert all(is_held(one, other) for one, other in pairwise(pictures))
    last, distinct = pictures[0], 1
    for picture in pictures[1:]:
        if not is_held(last, picture):
            last, distinct = picture, distinct + 1
    assert distinct == 2


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (9, 1), (8, 8), (13, 21)])
def test_held_at_any_size(size: tuple[int, int]) -> None:
    picture = noise(1, *size)[0]
    assert is_held(picture, picture)
    assert not is_held(picture, 255 - picture)


@pytest.mark.parametrize(("crf", "suffix"), [("18", "mp4"), ("23", "mp4"), ("23", "mkv")])
def test_frames_held_before_a_lossy_codec_are_found_after_it(tmp_path: Path, crf: str, suffix: str) -> None:
    pictures = [eight_bits(cv2.GaussianBlur(scene(9.0 * (number // 3)), (0, 0), 1.5)) for number in range(15)]
    path = write_video(tmp_path / f"clip.{suffix}", pictures, codec_options={"crf": crf})
    found = pictures_of(path)
    held = [is_held(one, other) for one, other in pairwise(found)]
    assert held == [number % 3 != 2 for number in range(14)]


# ---- hash --------------------------------------------------------------------------------------------------------


def test_content_hash_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"any bytes")
    assert content_hash(tmp_path / "clip.mp4") == hashlib.sha256(b"any bytes").hexdigest()
    with pytest.raises(MissingClip, match=r"absent\.mp4: No such file"):
        content_hash(tmp_path / "absent.mp4")


def test_content_hash_of_a_folder_depends_on_names_and_bytes_of_its_pictures_alone(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, bytes]) -> str:
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
        return content_hash(tmp_path / name)

    one = folder("one", {"a.png": b"1", "b.png": b"2"})
    assert folder("same", {"b.png": b"2", "a.png": b"1", "notes.txt": b"x", ".DS_Store": b"y"}) == one
    others = [
        folder("swapped", {"a.png": b"2", "b.png": b"1"}),
        folder("renamed", {"a.png": b"1", "c.png": b"2"}),
        folder("joined", {"a.png": b"12", "b.png": b""}),
        folder("fewer", {"a.png": b"1"}),
    ]
    assert len({one, *others}) == 5


# ---- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(64, 48), (53, 37), (1, 1), (1, 7), (7, 1), (320, 200)])
def test_lossless_pictures_come_back_bit_for_bit(tmp_path: Path, width: int, height: int) -> None:
    pictures = noise(5, width, height)
    pictures[2] = pictures[2][::-1, ::-1]  # a view, as models hand them over
    assert write_lossless(tmp_path / "clip.avi", iter(pictures), 24) == 5
    frames = list(read_frames(tmp_path / "clip.avi"))
    np.testing.assert_array_equal([frame.picture for frame in frames], pictures)
    assert [frame.time_seconds for frame in frames] == [n / 24 for n in range(5)]
    assert probe(tmp_path / "clip.avi").codec == "utvideo"


@pytest.mark.parametrize("fps", [1.0, 7.96, 8.0, 12.5, 23.976, 29.97, 30000 / 1001, 60.0])
def test_the_rate_survives(tmp_path: Path, fps: float) -> None:
    write_lossless(tmp_path / "clip.avi", pattern(9), fps)
    write_preview(tmp_path / "clip.mp4", pattern(9), fps)
    assert frames_per_second(times_of(tmp_path / "clip.avi")) == pytest.approx(fps, rel=1e-6)
    assert frames_per_second(times_of(tmp_path / "clip.mp4")) == pytest.approx(fps, rel=1e-4)


@pytest.mark.parametrize(("write", "name"), [(write_lossless, "clip.avi"), (write_preview, "clip.mp4")])
def test_equal_frames_make_equal_bytes(tmp_path: Path, write: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        write(folder / name, noise(6, 100, 60), 25)
    contents = [(folder / name).read_bytes() for folder in folders]
    assert contents[0] == contents[1]
    assert not re.search(rb"Lav[fc]\d", contents[0])  # the version of the writer would change them
    write(folders[0] / name, noise(6, 100, 60, seed=1), 25)
    assert (folders[0] / name).read_bytes() != contents[0]


@pytest.mark.parametrize(("write", "name"), [(write_lossless, "clip.avi"), (write_preview, "clip.mp4")])
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, write: Any, name: str) -> None:
    def failing() -> Iterator[Picture]:
        yield from pattern(3)
        raise RuntimeError("the model gave up")

    (tmp_path / name).write_bytes(b"what was there")
    with pytest.raises(RuntimeError, match="the model gave up"):
        write(tmp_path / name, failing(), 25)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"what was there"


@pytest.mark.parametrize(("write", "name"), [(write_lossless, "clip.avi"), (write_preview, "clip.mp4")])
@pytest.mark.parametrize(
    ("frames", "fps", "complaint"),
    [
        ([], 25, "expected frames, got none"),
        ([*pattern(2), *pattern(1, 32, 32)], 25, r"expected frame 2 as uint8 \(48, 64, 3\), got uint8 \(32, 32, 3\)"),
        ([pattern(1)[0].astype(np.float32)], 25, "expected frame 0 as uint8 .*, got float32"),
        ([pattern(1)[0][:, :, 0]], 25, r"expected frame 0 as uint8 \(48, 64, 3\), got uint8 \(48, 64\)"),
        ([np.zeros((48, 64, 4), np.uint8)], 25, r"got uint8 \(48, 64, 4\)"),
        ([np.zeros((0, 0, 3), np.uint8)], 25, r"got uint8 \(0, 0, 3\)"),
        (pattern(2), 0, "expected a rate over 0 and up to 1000 frames a second, got 0"),
        (pattern(2), -1, "got -1"),
        (pattern(2), float("nan"), "got nan"),
        (pattern(2), float("inf"), "got inf"),
    ],
)
def test_what_cannot_be_written_is_refused(
    *, tmp_path: Path, write: Any, name: str, frames: list[Picture], fps: float, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        write(tmp_path / name, iter(frames), fps)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "shown"),
    [((64, 48), (64, 48)), ((63, 47), (64, 48)), ((1, 1), (2, 2)), ((640, 360), (320, 180)), ((100, 2000), (16, 320))],
)
def test_previews_play_everywhere(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    path = tmp_path / "clip.mp4"
    write_preview(path, pattern(14, *size), 25)
    info = probe(path)
    assert (info.width, info.height, info.codec, info.declared_frames) == (*shown, "h264", 14)
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        assert codec.pix_fmt == "yuv420p"
        assert (codec.colorspace, codec.color_range) == (1, 1)  # BT.709 and limited range, and says so
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [packet.pts for packet in packets] == [packet.dts for packet in packets]  # no frame waits for a later one
    keys = [packet.is_keyframe for packet in packets]
    assert keys[0]
    assert all(any(keys[start : start + 12]) for start in range(3))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays before all of it has come
    assert [number_of(picture) for picture in pictures_of(path)] == list(range(14))
    np.testing.assert_allclose(pictures_of(path)[3][-1, -1], 20 + 9 * 3, atol=4)


def test_previews_obey_their_longest_side(tmp_path: Path) -> None:
    write_preview(tmp_path / "clip.mp4", pattern(2, 400, 100), 10, max_side=101)
    assert (probe(tmp_path / "clip.mp4").width, probe(tmp_path / "clip.mp4").height) == (100, 26)
    with pytest.raises(ValueError, match="max_side: expected 2 or more, got 1"):
        write_preview(tmp_path / "clip.mp4", pattern(2), 10, max_side=1)


def test_encode_jpeg(tmp_path: Path) -> None:
    picture = pattern(1)[0]
    data = encode_jpeg(picture)
    (tmp_path / "0.jpg").write_bytes(data)
    np.testing.assert_allclose(pictures_of(tmp_path)[0][30:], picture[30:], atol=4)
    assert encode_jpeg(picture) == data
    assert len(encode_jpeg(noise(1, 64, 48)[0], quality=20)) < len(encode_jpeg(noise(1, 64, 48)[0]))


# ---- the shared clips --------------------------------------------------------------------------------------------


def clips(every: int) -> list[Path]:
    paths = sorted(path for path in CLIPS.glob("*/*") if path.suffix in video.VIDEO_SUFFIXES) if CLIPS.is_dir() else []
    return paths[::every]


@needs_clips
def test_all_healthy_files_are_whole() -> None:
    assert [path.name for path in clips(1) if not measure(path, container_kind(path)).whole] == []
    assert clips(1)


@needs_clips
@pytest.mark.parametrize("path", clips(12), ids=lambda path: path.name)
def test_healthy_files_are_read_to_the_end(path: Path) -> None:
    frames = list(read_frames(path, max_pixels=1024))
    assert len(frames) == probe(path).declared_frames
    times = [frame.time_seconds for frame in frames]
    assert all(later > earlier for earlier, later in pairwise(times))


@needs_clips
def test_held_frames_of_known_clips() -> None:
    with (CLIPS / "generated" / "labels.csv").open(newline="") as file:
        expected = {row["file"]: row["distinct_frames_est"] for row in csv.DictReader(file)}
    for name in ("ad_model_01_01.gif", "vphy_vc2_plastic_frisbee_lands_on_a.gif", "ad_compare_old_0.gif"):
        last, distinct = None, 0
        for frame in read_frames(CLIPS / "generated" / name, max_pixels=65_536):
            if last is None or not is_held(last, frame.picture):
                last, distinct = frame.picture, distinct + 1
        assert distinct == int(expected[name])


@needs_clips
def test_a_still_road_under_sensor_noise_is_not_held() -> None:
    frames = read_frames(CLIPS / "real" / "int_car_1.mp4", max_pixels=65_536)
    found = [frame.picture for frame in islice(frames, 24)]  # then comes a car
    assert not any(is_held(one, other) for one, other in pairwise(found))
