"""Downloads: resumed, counted, decoded; archives that mean harm."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.backends.hosted import download as module
from bench.backends.hosted.download import Download, checked_clip, open_url, unpack_frames
from bench.backends.hosted.jobs import OutputExpired, Stopped, TryAgainLater
from bench.records import MissingClip
from tests.backends.hosted.stand_in import FRAMES, movie, pictures

WHOLE = bytes(range(256)) * 40


class Server:
    """Answers by a list of functions, and keeps the headers it was asked with."""

    def __init__(self, *answers: Callable[[Mapping[str, str]], httpx.Response]) -> None:
        self.answers, self.asked = list(answers), list[dict[str, str]]()

    @contextmanager
    def __call__(self, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        self.asked.append(dict(headers))
        response = self.answers.pop(0)(headers)
        response.request = httpx.Request("GET", "https://x.org")
        yield response


def whole(headers: Mapping[str, str]) -> httpx.Response:
    start = int(headers.get("Range", "bytes=0-")[6:-1])
    named = {"ETag": '"v1"', "Content-Length": str(len(WHOLE) - start)}
    if start:
        named["Content-Range"] = f"bytes {start}-{len(WHOLE) - 1}/{len(WHOLE)}"
    return httpx.Response(206 if start else 200, headers=named, content=iter([WHOLE[start:]]))


def cut(length: int, **headers: str) -> Callable[[Mapping[str, str]], httpx.Response]:
    named = {"ETag": '"v1"', "Content-Length": str(len(WHOLE))} | {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda _: httpx.Response(200, headers=named, content=iter([WHOLE[:length]]))


def answer(status: int, **headers: str) -> Callable[[Mapping[str, str]], httpx.Response]:
    return lambda _: httpx.Response(status, headers={k.replace("_", "-"): v for k, v in headers.items()}, content=b"x")


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "clip.part"


def fetched(part: Path, server: Server, tries: int) -> list[str]:
    """What each try said, until one succeeds."""
    job, said = Download(part, threading.Event()), []
    for _ in range(tries):
        try:
            job.attempt(server)
        except (TryAgainLater, OutputExpired) as error:
            said.append(str(error))
        else:
            break
    return said


def test_a_dropped_download_goes_on_where_it_broke_off(part: Path) -> None:
    server = Server(cut(4000), whole)
    assert fetched(part, server, 2) == ["the download ended after 4000 of 10240 bytes"]
    assert server.asked[1] == {"Accept-Encoding": "identity", "Range": "bytes=4000-", "If-Range": '"v1"'}
    assert part.read_bytes() == WHOLE


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_tag_it_starts_over(part: Path, tag: str) -> None:
    server = Server(cut(4000, ETag=tag), whole)
    fetched(part, server, 2)
    assert "Range" not in server.asked[1]
    assert part.read_bytes() == WHOLE


def test_a_server_without_ranges_sends_it_all_again(part: Path) -> None:
    server = Server(cut(4000), lambda _: whole({}))
    fetched(part, server, 2)
    assert part.read_bytes() == WHOLE


def test_another_part_than_was_asked_for_is_not_joined(part: Path) -> None:
    wrong = answer(206, Content_Range="bytes 9-9/10240", Content_Length="1")
    said = fetched(part, Server(cut(4000), wrong, whole), 3)
    assert "another part" in said[1]
    assert part.read_bytes() == WHOLE


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_dead_url_asks_for_a_fresh_one(part: Path, status: int) -> None:
    with pytest.raises(OutputExpired, match=str(status)):
        Download(part, threading.Event()).attempt(Server(answer(status)))


@pytest.mark.parametrize("status", [416, 429, 500, 503])
def test_other_answers_are_tried_again(part: Path, status: int) -> None:
    with pytest.raises(TryAgainLater, match=str(status)):
        Download(part, threading.Event()).attempt(Server(answer(status)))


def test_what_another_process_left_is_not_trusted(part: Path) -> None:
    part.write_bytes(b"of some other version")
    server = Server(whole)
    fetched(part, server, 1)
    assert "Range" not in server.asked[0]
    assert part.read_bytes() == WHOLE


def test_it_stops_within_a_file(part: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        Download(part, stop).attempt(Server(whole))


def test_a_file_without_end_is_left(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BYTES", 1000)
    with pytest.raises(MissingClip, match="larger than"):
        Download(part, threading.Event()).attempt(Server(whole))


@pytest.mark.parametrize("urls", [[], ["file:///etc/passwd"], ["http://169.254.169.254/"], ["ftp://x.org/a.mp4"]])
def test_only_web_addresses_are_opened(urls: list[str]) -> None:
    with pytest.raises(TryAgainLater, match="names no file"):
        open_url(urls, {}, 1.0, plain=False)


# ---- decoding ------------------------------------------------------------------------------------------------------


def test_a_video_is_decoded_to_its_last_frame(part: Path) -> None:
    part.write_bytes(movie(0))
    clip, path = checked_clip(part, 1.0)
    assert (clip.path, path.suffix, clip.facts["frames"]) == (path, ".mp4", FRAMES)
    assert path.read_bytes() == movie(0)


@pytest.mark.parametrize("content", [b"", b"<html>", bytes(5000), movie(0)[:-200], movie(0)[: len(movie(0)) // 2]])
def test_what_is_not_whole_is_no_clip(part: Path, content: bytes) -> None:
    part.write_bytes(content)
    with pytest.raises(MissingClip):
        checked_clip(part, 1.0)


def test_pictures_are_put_in_order_and_timed(part: Path) -> None:
    part.write_bytes(pictures(0))
    clip, folder = checked_clip(part, 2.0)
    assert (clip.fps, clip.facts["frames"]) == (8.0, 16)
    assert clip.frames is not None
    shown = [picture.tobytes() for picture in clip.frames]
    with zipfile.ZipFile(io.BytesIO(pictures(0))) as archive:
        second = archive.read("frames/frame2.png")
    assert (folder / "00002.png").read_bytes() == second  # frame10 comes after frame2
    assert len(set(shown)) == 16
    assert {path.name for path in folder.parent.rglob("*.txt")} == set()  # nor was ../../evil.txt written


def archive(path: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_archives_that_mean_harm(part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingClip, match="holds 0 pictures"):
        unpack_frames(archive(part, {"readme.txt": "hello"}), tmp_path / "a")
    unpack_frames(archive(part, {"../../up.png": b"1", "/etc/root.png": b"2"}), tmp_path / "b")
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["00000.png", "00001.png"]
    monkeypatch.setattr(module, "LARGEST_FRAME_BYTES", 1000)
    with pytest.raises(MissingClip, match="up to 2000 bytes"):
        unpack_frames(archive(part, {"a.png": bytes(2000)}), tmp_path / "c")
    monkeypatch.setattr(module, "LARGEST_BYTES", 1500)
    with pytest.raises(MissingClip, match="unpacks to more"):
        unpack_frames(archive(part, {"a.png": bytes(900), "b.png": bytes(900)}), tmp_path / "d")
    damaged = archive(part, {"a.png": b"abcdefgh" * 50}).read_bytes()
    part.write_bytes(damaged.replace(damaged[40:44], b"\xff\xff\xff\xff", 1))
    with pytest.raises(MissingClip, match="damaged"):
        unpack_frames(part, tmp_path / "e")
