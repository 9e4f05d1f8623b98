"""The curves and the clips of the page: what is drawn lies where the holds say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.records import Region
from bench.report import filmstrips, write_report
from bench.report.filmstrips import jpeg_size
from bench.run_folder import read_rows, replace_rows
from bench.video import encode_jpeg
from tests.factory import flat
from tests.report.html_tree import read_page
from tests.report.run_factory import (
    CLIPS,
    STILL,
    Made,
    broken,
    cards_of,
    held,
    only_card,
    page_of,
    strip_content,
    write_run,
)

# ---- the survival curves


def test_survival_line_band_and_marks_by_hand(tmp_path: Path) -> None:
    holds = [broken(3), broken(6), held(9), held(12)]
    clips = [Made("m", str(k), hold, frames=hold.held_frames if not hold.broke else 12) for k, hold in enumerate(holds)]
    panel = page_of(tmp_path, clips).one("figure", "panel")
    (line,) = panel.all("path", "line")
    assert line.attributes["d"] == "M0 0H25V25H50V50H100"  # 4 at risk, then 3: 3/4 and 1/2 remain
    assert [tick.attributes["d"] for tick in panel.all("path", "tick")] == ["M75.0 45.0v10", "M100.0 45.0v10"]
    band = panel.one("path", "band").attributes["d"]
    assert band.startswith("M0 0H25V")
    assert band.endswith("H0Z")
    assert "50% after 6 frames" in panel.one("div", "plot").attributes["aria-label"]


def test_a_break_at_the_horizon_held_to_the_end(tmp_path: Path) -> None:
    clips = [Made("m", "a", broken(12), frames=20), Made("m", "b", held(20), frames=20)]
    panel = page_of(tmp_path, clips).one("figure", "panel")
    assert panel.one("path", "line").attributes["d"] == "M0 0H100"
    assert "top:0.0%" in panel.all("i", "dot")[0].attributes["style"]


def test_a_curve_ends_where_its_last_clip_was_seen(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Made("short", "a", held(6), frames=6), Made("long", "a", held(12))])
    assert [panel.one("path", "line").attributes["d"] for panel in page.all("figure", "panel")] == [
        "M0 0H100",
        "M0 0H50",
    ]


# ---- the clips


@pytest.mark.parametrize(
    ("clip", "state", "verdict"),
    [
        (Made("m", "a", broken(5)), "broke", "broke at frame 5 (0.21 s): local warping error"),
        (Made("m", "a", broken(5, alarm=7)), "broke", "broke at frame 5 (0.21 s): local warping error, alarm at 7"),
        (Made("m", "a", broken(5, "my_own")), "broke", "broke at frame 5 (0.21 s): my own"),
        (Made("m", "a", held(12)), "held", "held all 12 frames"),
        (Made("m", "a", held(1), frames=1, fps=0.0, points=()), "held", "held its only frame"),
        (Made("m", "a", STILL), "static", "never moved: held 1 frame"),
        (Made("m", "a", missing="refused"), "missing", "missing: refused"),
    ],
)
def test_verdicts(tmp_path: Path, clip: Made, state: str, verdict: str) -> None:
    card = only_card(tmp_path, clip)
    assert (card.attributes["data-state"], card.one("h3").text) == (state, verdict)


def test_a_clip_of_one_frame_has_a_strip_of_one_picture_and_no_time(tmp_path: Path) -> None:
    card = only_card(tmp_path, Made("m", "a", held(1), frames=1, fps=0.0, points=((0, 0.4, "standstill"),)))
    assert [picture.text for picture in card.all("div", "picture")] == ["0"]
    assert card.one("p", "meta").text == "seed 0 1 frame file"
    assert card.one("path", "line").attributes["d"] == "M0 84h0"  # 0.4 of 2.5 from below


def test_earliest_break_first_then_held_then_missing(tmp_path: Path) -> None:
    page = page_of(tmp_path, CLIPS)
    order = [card.attributes["aria-label"] for card in cards_of(page, "melts")]
    assert order == [f"melts, {prompt}, seed 0" for prompt in ("dog", "walk", "car", "boat")]
    groups = [group.one("bdi", "name").text for group in page.all("details", "group")]
    assert groups == ["steady", "melts", "still", "gone"]


def test_strip_numbers_border_and_region(tmp_path: Path) -> None:
    card = only_card(tmp_path, Made("m", "a", broken(5, region=Region(0.25, 0.5, 0.125, 0.75))))
    pictures = card.all("div", "picture")
    assert [picture.text for picture in pictures] == ["0", "3", "4", "5 break", "6", "7", "11"]
    assert ["onset" in picture.classes for picture in pictures] == [False] * 3 + [True] + [False] * 3
    (box,) = card.all("i", "box")
    assert box in pictures[3].all("i")
    assert box.attributes["style"] == "left:25.00%;top:50.00%;width:12.50%;height:50.00%"  # cut at the picture's edge
    strip = card.one("figure", "strip").attributes["style"]
    assert strip.startswith("--strip:url(data:image/jpeg;base64,/9j/")
    assert "--aspect:1.3333;--pictures:7" in strip
    assert "background-position:50.000% 0" in pictures[3].one("div", "frame").attributes["style"]
    assert card.one("div", "pictures").attributes["aria-label"].startswith("Frames 0, 3, 4, 5, 6, 7, 11 of the clip")


def test_a_static_clip_has_no_break_marked(tmp_path: Path) -> None:
    card = only_card(tmp_path, Made("m", "a", STILL))
    assert card.one("p", "detail").text == "its subject moved 0.020 picture sizes a second"
    assert not card.all("div", "onset")
    assert not card.all("path", "onset")


def test_evidence_by_hand(tmp_path: Path) -> None:
    points = ((1, 0.5, "noise_drift"), (5, 1.25, "residual_local"), (11, 20.0, "standstill"))
    card = only_card(tmp_path, Made("m", "a", broken(5, alarm=6), points=points, facts={"true_break_frame": 11}))
    assert card.one("path", "line").attributes["d"] == "M9.09 80L45.45 50L100 0"  # 2.5 thresholds high, 11 steps wide
    assert card.one("path", "threshold").attributes["d"] == "M0 60H100"
    assert card.one("path", "onset").attributes["d"] == "M45.45 0V100"
    assert card.one("path", "true").attributes["d"] == "M100.0 0V100"
    assert card.one("i", "alarm").attributes["style"] == "left:54.55%;top:60%"
    assert card.one("span", "peak").text == "20.0"


def test_long_clips_keep_their_peaks(tmp_path: Path) -> None:
    points = tuple((frame, 2.5 if frame == 1234 else 0.25, "noise_drift") for frame in range(5000))
    line = only_card(tmp_path, Made("m", "a", held(5000), frames=5000, points=points)).one("path", "line")
    assert line.attributes["d"].count("L") < 400
    assert "L24.68 0L" in line.attributes["d"]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"true_break_frame": 5}, ["true break: frame 5"]),
        ({"true_break_frame": None}, ["true break: none"]),
        ({"true_break_frame": True}, []),
        ({"true_break_frame": "<b>"}, []),
        ({}, []),
    ],
)
def test_a_true_break_is_told_where_it_is_known(tmp_path: Path, facts: dict[str, Any], told: list[str]) -> None:
    card = only_card(tmp_path, Made("m", "a", broken(5), facts=facts))
    assert [span.text for span in card.all("span", "truth")] == told


# ---- filmstrips


def test_only_so_many_strips_are_in_the_page_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filmstrips, "MOST_STRIPS", 4)
    page = page_of(tmp_path, CLIPS)
    shown = {card.attributes["aria-label"] for card in page.all("article") if card.all("figure", "strip")}
    first = {
        "steady, dog",
        "melts, dog",
        "still, dog",
        "steady, walk",
    }  # of every model the first, then the second ones
    assert shown == {f"{clip}, seed 0" for clip in first}
    assert "filmstrips of 4 of 7 clips" in page.one("section", id="clips").text
    linked = [card for card in page.all("article") if "filmstrip" in [link.text for link in card.all("a")]]
    assert len(linked) == 3
    assert len(page.all("article")) == len(CLIPS)


def test_strips_stop_before_the_page_grows_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filmstrips, "MOST_BYTES", 2 * len(strip_content(7)))
    assert len(page_of(tmp_path, CLIPS).all("figure", "strip")) == 2


def test_absent_damaged_and_foreign_strips_leave_the_card(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", CLIPS[:4])
    (tmp_path / "secret.jpg").write_bytes(strip_content(7))
    rows = read_rows(run.strips_path)
    (run.root / rows[0]["file"]).unlink()
    (run.root / rows[1]["file"]).write_bytes(b"no picture")
    replace_rows(run.strips_path, [*rows[:2], {**rows[2], "file": "../secret.jpg"}, rows[3]])
    page = read_page(write_report(run))
    assert [bool(card.all("figure", "strip")) for card in page.all("article")] == [False, False, True, False]


def test_jpeg_size_is_read_from_its_header() -> None:
    content = encode_jpeg(flat((1, 2, 3), height=30, width=41))
    assert jpeg_size(content) == (41, 30)
    assert jpeg_size(content[:20]) is None
    assert jpeg_size(b"GIF89a") is None
