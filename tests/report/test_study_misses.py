"""The page of a study's misses: what each card says, what it shows, and that it stays small and safe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.report import miss_sheet
from bench.report.study_misses import study_misses_page
from bench.video import encode_jpeg
from tests.report.html_tree import Node, read_page

HOSTILE = '"><script>alert(1)</script>\x00.mp4'


def picture(clip: str, frame: int, place: int, region: list[float] | None = None) -> dict[str, Any]:
    return {"clip": clip, "frame": frame, "place": place, "region": region}


PAIRS = [
    picture("untouched", 19, 0),
    picture("laid", 19, 0),
    picture("untouched", 20, 1),
    picture("laid", 20, 2, [0.25, 0.5, 0.25, 0.25]),
]


def miss(**fields: Any) -> dict[str, Any]:
    done = {"how": "missed", "name": "local_melt", "kind": "gradual", "severity": "strong", "share": 0.1}
    clip = {"clip": "walk.mp4", "frames": 48, "onset": 20, "visibility": 61.4}
    said = {"held_frames": 48, "evidence": 0.432, "alarm": None, "named": None, "cause": None}
    drawn = {"peak": [31, "surface_texture"], "strip": "misses/a.jpg", "pictures": PAIRS, "undrawn": None}
    return done | clip | said | drawn | fields


def section(name: str, *shown: dict[str, Any], trials: int = 9, misses: int | None = None) -> dict[str, Any]:
    return {"name": name, "trials": trials, "misses": len(shown) if misses is None else misses, "shown": shown}


def write_strip(root: Path, name: str, pictures: int, seed: int = 0) -> int:
    (root / "misses").mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (30, 40 * pictures, 3), dtype=np.uint8)
    return (root / "misses" / name).write_bytes(encode_jpeg(noise))


def page_of(root: Path, *sections: dict[str, Any]) -> Node:
    study = {"clips": 79, "sources": 67, "trials": 378, "thresholds": "those of <b>", "misses": sections}
    path = root / "misses.html"
    path.write_text(study_misses_page(json.loads(json.dumps(study)), root), encoding="utf-8")
    return read_page(path)


def test_a_card_says_what_was_done_what_was_said_and_shows_pairs(tmp_path: Path) -> None:
    write_strip(tmp_path, "a.jpg", 3)
    page = page_of(tmp_path, section("local_melt", miss(), misses=5), section("cut"))
    assert page.one("h2").text == "Local melt"
    assert page.one("p", "section-told").text == "5 of 9 missed, or their onset named wrongly; the worst is shown."
    assert any("nothing went wrong: cut" in each.text for each in page.all("p", "explain"))
    card = page.one("article")
    assert card.one("h3").text == "local melt, strong, 10% of the picture"
    assert [line.text for line in card.all("p", "said")] == [
        "Begins at frame 20 of 48, visible by 61 grey levels.",
        "framehold: no alarm, all frames held. Evidence 43% of the threshold, most at frame 31 (surfaces change "
        "texture).",
    ]
    assert card.one("bdi").text == "walk.mp4"
    figure = card.one("figure", "paired")
    assert [cell.text for cell in figure.all("div", "picture")] == [
        "19 untouched", "19 broken", "20 untouched", "20 broken begins"
    ]  # fmt: skip
    places = [frame.attributes["style"] for frame in figure.all("div", "frame")]
    assert places == [f"background-position:{place}% 0" for place in ("0.000", "0.000", "50.000", "100.000")]
    assert figure.one("i", "box").attributes["style"] == "left:25.00%;top:50.00%;width:25.00%;height:25.00%"
    assert "--aspect:1.3333;--pictures:3" in figure.attributes["style"]


def test_alarms_are_told_with_how_late_they_are(tmp_path: Path) -> None:
    write_strip(tmp_path, "a.jpg", 3)
    alone = [picture("laid", 29, 0), picture("laid", 30, 1), picture("laid", 33, 2)]
    alarm: dict[str, Any] = {"alarm": 33, "named": 30, "cause": "standstill", "evidence": 2.44, "pictures": alone}
    clean: dict[str, Any] = {"name": "", "kind": "clean", "severity": "", "share": 0.0, "onset": 48, "visibility": 0.0}
    page = page_of(
        tmp_path,
        section("local_melt", miss(**alarm)),
        section("false alarms", miss(**alarm, **clean)),
        section("clips made to please", miss(**clean | {"name": "two_frames", "kind": "adversary", "peak": None})),
    )
    late, false, posed = page.all("article")
    assert late.all("p", "said")[1].text == (
        "framehold: broke at frame 30, 10 frames late, froze; alarm at frame 33. Evidence 2.4 times the threshold."
    )
    assert false.one("h3").text == "unbroken"
    assert false.all("p", "said")[1].text == (
        "framehold: broke at frame 30, froze; alarm at frame 33. Evidence 2.4 times the threshold."
    )
    assert [cell.text for cell in false.all("div", "picture")] == ["29", "30 break", "33 alarm"]
    assert not false.all("figure", "paired")
    assert [line.text for line in posed.all("p", "said")] == [
        "48 frames.", "framehold: no alarm, all frames held. Evidence 43% of the threshold."
    ]  # fmt: skip


def test_names_are_escaped_and_nothing_is_fetched_or_run(tmp_path: Path) -> None:
    write_strip(tmp_path, "a.jpg", 3)
    page = page_of(tmp_path, section("local_melt", miss(clip=HOSTILE, undrawn=HOSTILE, strip="../a.jpg"), miss()))
    assert not page.all("script")
    assert not page.all("img")
    first, second = page.all("article")
    assert first.one("bdi").text == HOSTILE.replace("\x00", "\ufffd")
    assert not first.all("figure")  # a strip outside the folder is not read
    assert first.all("p", "said")[-1].text == f"No pictures: {HOSTILE.replace(chr(0), chr(0xFFFD))}."
    assert second.one("figure").attributes["style"].startswith("--strip:url(data:image/jpeg;base64,")
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    assert "url(" not in page.one("style").text


def test_the_page_holds_no_more_pictures_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = write_strip(tmp_path, "a.jpg", 3)
    monkeypatch.setattr(miss_sheet, "MOST_BYTES", 3 * size)
    page = page_of(tmp_path, section("cut", miss(), miss()), section("freeze", miss(), miss()))
    shown = [bool(card.all("figure")) for card in page.all("article")]
    assert shown == [True, True, True, False]  # the first of both, then the second of the first
    assert any(each.text == "1 card without pictures: this page holds no more of them." for each in page.all("p"))


def test_a_section_says_how_many_are_shown(tmp_path: Path) -> None:
    early, none = section("premature alarms", misses=3), section("cut", misses=2)
    page = page_of(tmp_path, section("blur", miss(), miss(), misses=5), section("freeze", miss()), early, none)
    assert [each.text for each in page.all("p", "section-told")] == [
        "5 of 9 missed, or their onset named wrongly; the worst 2 are shown.",
        "1 of 9 missed, or their onset named wrongly.",
        "3 of 9 alarms before the failure began: the unbroken clips raise the same ones, see false alarms.",
        "2 of 9 missed, or their onset named wrongly; none is shown.",
    ]


def test_a_damaged_or_absent_strip_leaves_the_card(tmp_path: Path) -> None:
    (tmp_path / "misses").mkdir()
    (tmp_path / "misses" / "a.jpg").write_bytes(b"no picture")
    page = page_of(tmp_path, section("cut", miss(), miss(strip="misses/none.jpg")))
    damaged, absent = page.all("article")
    assert not damaged.all("figure")
    assert absent.all("p", "said")[-1].text == "No pictures: the strip is not in the folder of the study."


def test_a_study_of_before_has_an_empty_page(tmp_path: Path) -> None:
    study = {"clips": 79, "sources": 67, "trials": 378, "thresholds": "x"}
    assert "79 clips of 67 sources" in study_misses_page(study, tmp_path)
