"""Keys: where they come from, who may read them, and that they are never told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.backends.hosted import keys
from bench.backends.hosted.keys import HIDDEN, check_private, find_key, one_line, scrub, scrubbed
from bench.records import FrameholdError

NAMES = ("RUNWAYML_API_SECRET",)
SECRET = "s3cr3t/with+marks=="


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "keys.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path, 'RUNWAYML_API_SECRET = "from-the-file"\n')
    monkeypatch.setenv(keys.KEY_FILE_VARIABLE, str(path))
    monkeypatch.setenv(NAMES[0], "from-the-environment\n")
    assert find_key(NAMES, "runway") == "from-the-environment"
    monkeypatch.delenv(NAMES[0])
    assert find_key(NAMES, "runway") == "from-the-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    path = key_file(tmp_path, f'RUNWAYML_API_SECRET = "{SECRET}"\n', mode)
    monkeypatch.setenv(keys.KEY_FILE_VARIABLE, str(path))
    monkeypatch.delenv(NAMES[0])
    with pytest.raises(FrameholdError, match=f"chmod 600 {path}") as caught:
        find_key(NAMES, "runway")
    assert SECRET not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path, "")
    os.chown(path, 12345, 12345)
    with pytest.raises(FrameholdError, match="another user"):
        check_private(path)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match="plain file"):
        check_private(tmp_path)


@pytest.mark.parametrize("text", [f"RUNWAYML_API_SECRET = {SECRET}", "RUNWAYML_API_SECRET = 7", '\x00\xff"'])
def test_a_damaged_file_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(keys.KEY_FILE_VARIABLE, str(key_file(tmp_path, text)))
    monkeypatch.delenv(NAMES[0])
    with pytest.raises(FrameholdError, match="expected lines such as") as caught:
        find_key(NAMES, "runway")
    assert SECRET not in f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.KEY_FILE_VARIABLE, "/nonexistent/keys.toml")
    with pytest.raises(FrameholdError, match="no such file"):
        find_key(NAMES, "runway")


@pytest.mark.parametrize("value", ["short", "has a space in it", "line\nbreak-in-it", "kéy-with-an-accent"])
def test_what_no_header_can_carry_is_refused_unquoted(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAMES[0], value)
    with pytest.raises(FrameholdError, match="that is no key") as caught:
        find_key(NAMES, "runway")
    assert value not in str(caught.value)


def test_no_key_names_the_variable_and_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMES[0])
    with pytest.raises(FrameholdError, match=r"set RUNWAYML_API_SECRET, or write it into .*keys.toml \(chmod 600\)"):
        find_key(NAMES, "runway")


def test_a_known_key_is_hidden_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMES[0], SECRET)
    find_key(NAMES, "runway")
    assert scrub(f"no: {SECRET}!") == f"no: {HIDDEN}!"
    assert scrub("at ?q=s3cr3t%2Fwith%2Bmarks%3D%3D") == f"at ?q={HIDDEN}"
    hidden = scrubbed({SECRET: [SECRET, 7, None], "url": "https://x.y/z.mp4?sig=1"})
    assert hidden == {HIDDEN: [HIDDEN, 7, None], "url": "https://x.y/z.mp4"}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer ya29.a0AfH6SMBx-9", f"Authorization: Bearer {HIDDEN}"),
        ("Key 0123-4567:89abcdef", f"Key {HIDDEN}"),
        ("GET /v1?alt=media&key=AIzaSyD-9tSrke72", f"GET /v1?alt=media&key={HIDDEN}"),
        ("the monkey is a bearer of news", "the monkey is a bearer of news"),
        ("Key lighting on a dog, Key features: 3", "Key lighting on a dog, Key features: 3"),
    ],
)
def test_what_looks_like_a_token_is_hidden_too(text: str, hidden: str) -> None:
    assert scrub(text) == hidden


def test_foreign_words_become_one_short_line() -> None:
    assert one_line("a\n\x1b[31mb\u202e c") == "a [31mb c"
    assert len(one_line("x" * 10_000)) < 310
