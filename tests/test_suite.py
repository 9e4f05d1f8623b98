"""Suites: what a user writes is loaded as written, hashed by content, and every mistake is named with its way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import suite as suites
from bench.records import FrameholdError, Prompt, Suite
from bench.suite import (
    load_suite,
    near_duplicates,
    shipped_suites,
    subset,
    suite_from_dict,
    suite_hash,
    suite_to_dict,
)

MINIMAL = """
name = "mine"
version = 1

[[prompt]]
id = "one"
text = "A man walks"
seeds = [3, 1]

[[prompt]]
id = "two"
text = "A dog runs"
category = "animals"
moves = "none"
difficulty = "hard"
"""


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_suite_is_read_as_written(tmp_path: Path) -> None:
    suite = load_suite(written(tmp_path, MINIMAL))
    assert (suite.name, suite.version, suite.horizon, suite.description) == ("mine", 1, None, "")
    one, two = suite.prompts
    assert (one.id, one.text, one.seeds, one.moves, one.difficulty) == (
        "one",
        "A man walks",
        (3, 1),
        "subject",
        "medium",
    )
    assert (two.category, two.moves, two.difficulty, two.seeds) == ("animals", "none", "hard", (0,))


def test_quick_begins_with_a_man_walking_on_a_beach_and_stays_what_it_was() -> None:
    suite = load_suite("quick-v1")
    assert suite.prompts[0].text == "A man in a red shirt walks along a beach"
    assert len(suite.prompts) == 12
    assert {prompt.moves for prompt in suite.prompts} == {"subject", "scene", "camera"}
    # A change here is a change of what is measured: it belongs into quick-v2.
    assert suite.sha256 == "d331d83ffa2f1dd2109747a10a5a68e62f10391ca01ff1ea7c0a7858d35d14a3"


def test_shipped_suites_fit_their_file_names() -> None:
    assert "quick-v1" in shipped_suites()
    for name in shipped_suites():
        suite = load_suite(name)
        assert f"{suite.name}-v{suite.version}" == name


def test_the_name_alone_is_the_newest_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (1, 9, 10):  # as text, 9 would be the newest
        written(tmp_path, MINIMAL.replace("version = 1", f"version = {version}"), f"mine-v{version}.toml")
    monkeypatch.setattr(suites, "SUITE_FOLDERS", (tmp_path,))
    assert load_suite("mine").version == 10
    assert load_suite("mine-v9").version == 9
    assert shipped_suites() == ("mine-v1", "mine-v9", "mine-v10")


def test_suites_are_found_in_a_wheel_and_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, checkout = tmp_path / "bench" / "prompts", tmp_path / "prompts"
    monkeypatch.setattr(suites, "SUITE_FOLDERS", (wheel, checkout))
    checkout.mkdir()
    written(checkout, MINIMAL, "mine-v1.toml")
    assert load_suite("mine").description == ""
    wheel.mkdir(parents=True)
    written(wheel, 'description = "from the wheel"\n' + MINIMAL, "mine-v1.toml")
    assert load_suite("mine").description == "from the wheel"
    package = Path(suites.__file__).parent
    monkeypatch.undo()
    assert (package / "prompts", package.parent / "prompts") == suites.SUITE_FOLDERS


def test_a_plain_list_of_lines_is_a_suite(tmp_path: Path) -> None:
    lines = "# my prompts\n\nA man walks: slowly!\n  A dog runs  \nA man walks, slowly\n"
    suite = load_suite(written(tmp_path, lines, "My list.txt"))
    assert suite.name == "my-list"
    assert [prompt.text for prompt in suite.prompts] == ["A man walks: slowly!", "A dog runs", "A man walks, slowly"]
    assert [prompt.id for prompt in suite.prompts] == ["a-man-walks-slowly", "a-dog-runs", "a-man-walks-slowly-2"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (('id = "one"', 'id = "one"\ncolour = "red"'), ("prompt 1 (one)", "unknown key 'colour'", "difficulty")),
        (("version = 1", "version = 1\nhorizons = 3"), ("unknown key 'horizons'", "horizon")),
        (('id = "two"', 'id = "one"'), ("prompts 1 and 2 share the id 'one'", "rename")),
        (("A dog runs", "A man walks"), ("'one' and 'two' have the same text", "remove one")),
        (('"A man walks"', '"  "'), ("prompt 1 (one)", "text is empty", "write the prompt")),
        (('id = "one"', 'id = "One Man"'), ("prompt 1 (One Man)", "id is 'One Man'", "'one-man'")),
        (('id = "one"\n', ""), ("prompt 1:", "key 'id' is missing", "add it")),
        (("[3, 1]", "[3, 3]"), ("prompt 1 (one)", "seed 3 stands twice")),
        (("[3, 1]", "[3, -1]"), ("prompt 1 (one)", "seeds[1] is -1", "greater than or equal to 0")),
        (("[3, 1]", "[]"), ("prompt 1 (one)", "seeds is empty")),
        (("[3, 1]", '["3"]'), ("prompt 1 (one)", "seeds[0] is '3'", "integer")),
        (("[3, 1]", "[true]"), ("prompt 1 (one)", "seeds[0] is True")),
        (
            ('"none"', '"sometimes"'),
            ("prompt 2 (two)", "moves is 'sometimes'", "'subject', 'camera', 'scene' or 'none'"),
        ),
        (("version = 1", "version = 0"), ("version is 0",)),
        (("version = 1", "version = 1\nhorizon = 0"), ("horizon is 0",)),
        (('name = "mine"', 'name = "my suite"'), ("name is 'my suite'", "'my-suite'")),
        (('"A man walks"', '"A man walks'), ("not valid TOML", "line 7")),
        (("[3, 1]", "3"), ("prompt 1 (one)", "seeds is 3", "write a list")),
        (('"A man walks"', '"A \\u001b[31mman"'), ("prompt 1 (one)", "text holds U+001B", "remove it")),
        (('"A man walks"', '"A \\u202eman"'), ("prompt 1 (one)", "text holds U+202E", "remove it")),
        (("version = 1", 'version = 1\ndescription = "\\u0007"'), ("description holds U+0007",)),
        (('id = "one"', 'id = "one\\ntwo"'), ("prompt 1: id is 'one\\ntwo'",)),
        (('id = "one"', f"id = {['x' * 200]}"), ("prompt 1: id is ['xxx", "...: input should be a valid string")),
    ],
)
def test_every_mistake_is_one_line_that_names_it(
    tmp_path: Path, change: tuple[str, str], parts: tuple[str, ...]
) -> None:
    assert change[0] in MINIMAL
    path = written(tmp_path, MINIMAL.replace(*change, 1))
    with pytest.raises(FrameholdError) as caught:
        load_suite(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "pydantic" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("prompts", "part"),
    [
        ('prompt = ["A man walks"]', "prompt 1: 'A man walks' is no prompt: write a [[prompt]] table"),
        ('[prompt]\nid = "one"', "write [[prompt]], with two brackets"),
    ],
)
def test_prompts_that_are_no_tables_are_named(tmp_path: Path, prompts: str, part: str) -> None:
    with pytest.raises(FrameholdError) as caught:
        load_suite(written(tmp_path, f'name = "mine"\nversion = 1\n{prompts}\n'))
    assert part in str(caught.value)


def test_a_text_over_several_lines_is_one_line(tmp_path: Path) -> None:
    broken = MINIMAL.replace('"A man walks"', '"""\nA man\n  walks\t"""')
    assert load_suite(written(tmp_path, broken)) == load_suite(written(tmp_path, MINIMAL, "plain.toml"))


def test_near_duplicates_are_found_whatever_their_case_and_points() -> None:
    texts = ("A dog runs", "Water boils", "a DOG runs!", "A dog rests", "?")
    suite = Suite("dogs", 1, tuple(Prompt(text[:3] + str(number), text) for number, text in enumerate(texts)))
    # Words a, dog, runs and pairs a-dog, dog-runs: all five shared with the third, three of seven with the fourth.
    assert near_duplicates(suite, 0.4) == [("A d0", "a D2", 1.0), ("A d0", "A d3", 3 / 7), ("a D2", "A d3", 3 / 7)]
    assert near_duplicates(suite) == [("A d0", "a D2", 1.0)]


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("version = 1", 'version = "1"').replace("[3, 1]", "[-3, -1]"))
    with pytest.raises(FrameholdError, match=r"and 2 more"):
        load_suite(path)


@pytest.mark.parametrize(("name", "text"), [("none.toml", 'name = "mine"\nversion = 1\n'), ("none.txt", "# nothing\n")])
def test_no_prompts_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(FrameholdError, match="no prompts: add at least one"):
        load_suite(written(tmp_path, text, name))


@pytest.mark.parametrize("name", ["nowhere.toml", "quick-v99", "core-of-the-matter", ""])
def test_a_missing_suite_lists_those_there_are(name: str) -> None:
    with pytest.raises(FrameholdError, match="quick-v1"):
        load_suite(name)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bytes.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(FrameholdError, match=r"bytes\.toml: not UTF-8 text at byte 8"):
        load_suite(str(path))


def test_the_hash_is_of_the_content_not_of_the_file(tmp_path: Path) -> None:
    plain = load_suite(written(tmp_path, MINIMAL)).sha256
    dressed = "# a comment\n" + MINIMAL.replace("version = 1", 'version   =   1\ndescription = "words"').replace(
        "\n\n", "\n\n\n"
    )
    assert load_suite(written(tmp_path, dressed, "other.toml")).sha256 == plain


@pytest.mark.parametrize(
    "change",
    [
        ('"mine"', '"ours"'),
        ("version = 1", "version = 2"),
        ("version = 1", "version = 1\nhorizon = 48"),
        ("A man walks", "A man walks."),
        ("[3, 1]", "[1, 3]"),
        ('"animals"', '"dogs"'),
        ('"none"', '"scene"'),
        ('"hard"', '"easy"'),
        ('id = "two"', 'id = "three"'),
    ],
)
def test_the_hash_changes_with_whatever_is_measured(tmp_path: Path, change: tuple[str, str]) -> None:
    assert (
        load_suite(written(tmp_path, MINIMAL)).sha256
        != load_suite(written(tmp_path, MINIMAL.replace(*change, 1))).sha256
    )


def test_the_order_of_prompts_is_part_of_the_hash(tmp_path: Path) -> None:
    head, one, two = MINIMAL.split("[[prompt]]")
    turned = load_suite(written(tmp_path, "[[prompt]]".join((head, two, one))))
    assert turned.sha256 != load_suite(written(tmp_path, MINIMAL)).sha256


def test_a_suite_survives_json(tmp_path: Path) -> None:
    suite = load_suite(
        written(tmp_path, MINIMAL.replace("version = 1", 'version = 1\nhorizon = 24\ndescription = "d"'))
    )
    assert suite.sha256 == suite_hash(suite)
    assert suite_from_dict(json.loads(json.dumps(suite_to_dict(suite)))) == suite


def test_a_stored_suite_that_was_edited_is_refused() -> None:
    stored = suite_to_dict(load_suite("quick"))
    stored["prompt"][0]["text"] = "A man in a blue shirt walks along a beach"
    with pytest.raises(FrameholdError, match=r"spec\.json: the prompts do not fit their sha256"):
        suite_from_dict(stored, "spec.json")


def test_a_subset_keeps_the_order_and_has_its_own_hash() -> None:
    suite = load_suite("quick")
    few = subset(suite, ("wave-boat", "beach-walk", "park-dog"), first=2)
    assert [prompt.id for prompt in few.prompts] == ["beach-walk", "park-dog"]
    assert few.sha256 not in {"", suite.sha256}
    assert few.sha256 == subset(suite, first=2).sha256
    assert subset(suite) == suite


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"prompt_ids": ("beach-wolk",)}, "no prompt 'beach-wolk'"),
        ({"first": 0}, "first is 0"),
        ({"prompt_ids": ()}, "no prompt"),
    ],
)
def test_a_subset_of_nothing_is_an_error(arguments: dict[str, object], part: str) -> None:
    with pytest.raises(FrameholdError, match=part):
        subset(load_suite("quick"), **arguments)  # type: ignore[arg-type]
