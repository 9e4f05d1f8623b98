"""The page of a run says what the tables say, to anyone, whatever stands in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.records import FrameholdError
from bench.report import write_report
from tests.report.html_tree import Node, read_page
from tests.report.run_factory import CLIPS, Made, broken, cards_of, held, only_card, page_of, write_run

EVIL = "<script>alert(1)</script>\"'& </details></style>"
EVIL_MODEL = "a\"b'<i>\nnew line \u202eRTL\u202c \u0007"


def row_of(page: Node, model: str) -> Node:
    rows = page.one("table", "ranking").all("tr")
    (row,) = [row for row in rows if re.split(" the | first ", row.all("th")[0].text)[0] == model]
    return row


def cell(row: Node, label: str) -> str:
    return row.one("td", data_label=label).text


# ---- the table


def test_every_row_says_what_the_summary_says(tmp_path: Path) -> None:
    run = write_run(tmp_path, CLIPS)
    page = read_page(write_report(run))
    summary = run.summary()
    for model, block in {**summary["models"], **summary["reference"]}.items():
        row = row_of(page, model)
        for count in ("clips", "broke", "censored", "missing", "static"):
            assert cell(row, count) == str(block[count])
        if model == "gone":
            continue
        frames, end = block["frames_held"], block["held_to_end"]
        assert cell(row, "frames held") == f"{frames['value']:.1f} {frames['low']:.1f}– to {frames['high']:.1f}"
        assert cell(row, "seconds held").startswith(f"{block['seconds_held']['value']:.2f} s ")
        assert cell(row, "held to the end").startswith(f"{100 * end['value']:.0f}% ")


def test_numbers_worked_out_by_hand(tmp_path: Path) -> None:
    row = row_of(page_of(tmp_path, CLIPS), "melts")
    assert cell(row, "frames held").startswith("7.0 ")  # (6 + 3 + 12) / 3
    assert cell(row, "seconds held").startswith("0.29 s")  # 7 / 24
    assert cell(row, "held to the end") == "33% 1– to 91%"  # Clopper-Pearson, 1 of 3
    assert [cause.text for cause in row.all("span", "cause")] == ["local warping error 33%", "froze 33%"]
    assert "width:58.33%" in row.one("i", "fill").attributes["style"]  # 7 of 12
    assert "working pixels of motion missed" in row.all("span", "cause")[1].attributes["title"]


def test_longest_hold_first_then_seconds_then_name_and_the_missing_last(tmp_path: Path) -> None:
    fast = Made("fast", "walk", held(12), fps=48.0)  # as many frames as the others, in half the time
    also = Made("also", "walk", held(12))
    page = page_of(tmp_path, [Made("gone", "walk", missing="lost"), *CLIPS[4:0:-1], fast, also])
    names = [row.one("th").text for row in page.one("table", "ranking").all("tr", "model")]
    assert names == ["also", "steady", "fast", "melts", "gone"]


def test_reference_rows_stand_apart_at_the_end(tmp_path: Path) -> None:
    table = page_of(tmp_path, CLIPS).one("table", "ranking")
    apart = table.one("tbody", "references")
    assert [row.one("th").text for row in apart.all("tr")] == ["real footage the ceiling", "frozen frame the floor"]
    assert table.all("tbody")[-1] is apart


def test_what_is_not_known_is_a_dash_with_its_reason_and_never_zero(tmp_path: Path) -> None:
    page = page_of(tmp_path, [*CLIPS, Made("lone", "walk", broken(6))])
    for label in ("frames held", "seconds held", "held to the end"):
        gone = row_of(page, "gone").one("td", data_label=label)
        assert gone.one("span", "dash").attributes["title"] == "no number: all clips are missing"
        assert not re.search(r"\d", gone.text)
    lone = row_of(page, "lone").one("td", data_label="frames held")
    assert lone.one("span", "value").text == "6.0"
    assert "only one" in lone.one("span", "dash").attributes["title"]
    assert not lone.all("i", "whisker")


def test_missing_clips_are_counted_and_their_reasons_told(tmp_path: Path) -> None:
    page = page_of(tmp_path, CLIPS)
    assert [item.text for item in page.one("ul", "missing").all("li")] == [
        "melts, 1 of 4: refused by the provider",
        "gone, 2 of 2: 2 × not a video",
    ]
    assert page.one("dl", "facts").all("dd")[0].text == "10"
    assert [card.one("h3").text for card in cards_of(page, "gone")] == ["missing: not a video"] * 2


def test_a_model_watched_for_less_than_the_horizon_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Made("short", "walk", held(6), frames=6), Made("long", "walk", held(12))])
    assert row_of(page, "short").one("th").text == "short first 6 frames"
    assert "width:50.0%" in row_of(page, "short").one("i", "track").attributes["style"]
    assert row_of(page, "long").one("th").text == "long"


def test_real_footage_that_ends_before_the_horizon_says_so_and_marks_no_end(tmp_path: Path) -> None:
    """It is known over 12 frames: of the other 8 nobody has seen whether it holds."""
    page = page_of(tmp_path, [Made("long", "walk", held(20), frames=20)], horizon=20)
    row = row_of(page, "real footage")
    assert row.one("th").text == "real footage the ceiling, first 12 frames"
    assert "width:60.0%" in row.one("i", "track").attributes["style"]
    assert not page.all("i", "real")
    assert row_of(page, "frozen frame").one("th").text == "frozen frame the floor"


def test_what_is_truly_held_stands_beside_what_was_measured(tmp_path: Path) -> None:
    clips = [Made("drawn", "walk", held(12)), Made("mine", "walk", held(12))]
    page = page_of(tmp_path, clips, truly={"drawn": 9.0})
    assert row_of(page, "drawn").one("span", "truly").text == "truly 9.0"
    assert row_of(page, "drawn").one("i", "truth").attributes["style"] == "left:75.0%"
    assert len(page.all("span", "truly")) == len(page.all("i", "truth")) == 1


def test_a_break_after_the_horizon_is_counted_but_no_cause_of_a_lost_frame(tmp_path: Path) -> None:
    row = row_of(
        page_of(tmp_path, [Made("m", "walk", broken(15), frames=20), Made("m", "dog", held(20), frames=20)]), "m"
    )
    assert (cell(row, "broke"), cell(row, "what broke it")) == ("1", "nothing before the horizon")


def test_all_clips_missing_is_a_page_too(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Made("gone", "walk", missing="lost")], notes=["A note <b>."])
    assert not page.all("figure", "panel")
    assert [item.text for item in page.all("ul", "notes")[1].all("li")] == ["A note <b>."]


# ---- safety


def evil_clips() -> list[Made]:
    return [
        Made(EVIL_MODEL, "p", broken(5, EVIL), prompt=EVIL, facts={EVIL: EVIL}, file="clips/a b#c?.mp4"),
        Made(
            EVIL_MODEL, "q", held(12), prompt=EVIL + "x" * 2000, file="javascript:alert(1)", preview="//evil.example/x"
        ),
        Made(EVIL_MODEL, "r", held(12), file="../../secret", preview="https://evil.example/x"),
        Made(EVIL, EVIL, missing=EVIL),
    ]


def test_nothing_that_a_table_holds_becomes_markup(tmp_path: Path) -> None:
    page = page_of(tmp_path, evil_clips(), notes=[EVIL])  # read_page refuses tags that do not nest
    assert (len(page.all("script")), len(page.all("style"))) == (1, 1)
    assert not [name for node in page.walk() for name in node.attributes if name.startswith("on")]
    names = [bdi.raw() for bdi in page.all("bdi")]
    assert EVIL_MODEL.replace("\u0007", "\ufffd") in names
    assert {EVIL, EVIL + "x" * 2000, f"missing: {EVIL}"} <= set(names)
    assert page.all("ul", "notes")[-1].one("li").raw() == EVIL


def test_no_address_leads_out_of_the_folder(tmp_path: Path) -> None:
    page = page_of(tmp_path, evil_clips())
    links = [node.attributes[name] for node in page.walk() for name in ("href", "src") if name in node.attributes]
    assert {"clips/a%20b%23c%3F.mp4", "javascript%3Aalert%281%29", "https%3A//evil.example/x"} <= set(links)
    assert not [link for link in links if re.match(r"[a-zA-Z][\w+.-]*:|//|/", link) or ".." in link]
    assert not [node for node in page.walk() if node.tag in {"link", "iframe", "object", "base", "form", "img"}]
    styles = page.one("style").raw() + "".join(node.attributes.get("style", "") for node in page.walk())
    assert all(address.startswith("data:image/jpeg;base64,") for address in re.findall(r"url\(([^)]*)", styles))
    assert not re.search(r"@import|https?:|fetch\(|XMLHttpRequest", styles + page.one("script").raw())
    assert "default-src 'none'" in page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]


def test_long_prompts_are_folded(tmp_path: Path) -> None:
    prompt = only_card(tmp_path, Made("m", "a", held(12), prompt="word " * 400)).one("details", "prompt")
    assert len(prompt.one("summary").text) <= 160
    assert prompt.all("bdi")[-1].text == ("word " * 400).strip()


# ---- the file


def test_equal_tables_give_equal_bytes_and_nothing_unspeakable(tmp_path: Path) -> None:
    run = write_run(tmp_path / "one", CLIPS)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    assert write_report(write_run(tmp_path / "two", CLIPS)).read_bytes() == first
    assert not re.search(r"\b(nan|None|inf)\b", read_page(run.report_path).one("main").raw())


def test_links_lead_somewhere_and_the_page_is_for_everyone(tmp_path: Path) -> None:
    page = page_of(tmp_path, CLIPS)
    ids = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    wanted = {link.attributes["href"][1:] for link in page.all() if link.attributes.get("href", "").startswith("#")}
    assert wanted <= set(ids)
    assert page.one("html").attributes["lang"] == "en"
    assert "width=device-width" in page.one("meta", name="viewport").attributes["content"]
    assert all(header.attributes.get("scope") in {"col", "row"} for header in page.all("th"))
    assert all(picture.attributes["aria-label"] for picture in page.all(role="img"))
    assert page.one("h1").text == "tiny version 3"


def test_what_has_not_run_yet_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, CLIPS)
    run.evidence_path.unlink()
    with pytest.raises(FrameholdError, match=r"evidence\.parquet is not there: run `framehold"):
        write_report(run)
    run.summary_path.unlink()
    with pytest.raises(FrameholdError, match="run `framehold summarize"):
        write_report(run)
    assert not run.report_path.exists()
