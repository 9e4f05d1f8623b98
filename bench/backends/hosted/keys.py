"""Keys of providers: from the environment or a file that nobody else can read, and never in anything written."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.records import FrameholdError

KEY_FILE_VARIABLE = "FRAMEHOLD_KEYS"
DEFAULT_KEY_FILE = Path("~/.config/framehold/keys.toml")
HIDDEN = "[key]"
SHORTEST_KEY = 8
LONGEST_LINE = 300
# A bearer token or a key in a url, whoever put it there: providers like to quote the request in their errors.
# Of other words beginning with "Key" it is told by its length and a digit in it.
TOKENS = re.compile(
    r"(\b(?:Bearer|Key)\s+(?=\S*\d)(?=[\w.~+/:-]{16})|[?&](?:key|api_key|token|access_token)=(?=[\w.~+/:-]{8}))[\w.~+/:-]+=*"
)

_known: set[str] = set()


def find_key(names: Sequence[str], backend: str) -> str:
    """The first of those environment variables that is set, else that name in the key file.

    Raises FrameholdError naming the variables, never a value.
    """
    filed = _from_file()
    for name in names:
        value = (os.environ.get(name) or filed.get(name) or "").strip()
        if value:
            return remember(value, name)
    raise FrameholdError(
        f"the {backend} backend needs a key: set {' or '.join(names)}, "
        f'or write it into {key_file()} (chmod 600) as {names[0]} = "..."'
    )


def remember(value: str, name: str) -> str:
    """Check a secret and hide it from now on. Raises FrameholdError naming where it came from."""
    if len(value) < SHORTEST_KEY or not value.isascii() or not value.isprintable() or " " in value:
        raise FrameholdError(
            f"{name}: that is no key: expected {SHORTEST_KEY} or more printable ASCII characters without spaces"
        )
    _known.update({value, quote(value, safe="")})
    return value


def key_file() -> Path:
    """Where the key file is, or would be."""
    return Path(os.environ.get(KEY_FILE_VARIABLE) or DEFAULT_KEY_FILE).expanduser()


def check_private(path: Path) -> None:
    """Raises FrameholdError when others can read the file, or it belongs to somebody else."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise FrameholdError(f"{path}: a key file must be a plain file")
    if os.name == "posix" and status.st_uid not in {os.getuid(), 0}:
        raise FrameholdError(f"{path}: belongs to another user: keys in it could be anybody's; make a file of your own")
    if os.name == "posix" and status.st_mode & 0o077:
        raise FrameholdError(f"{path}: other users can read the keys in it: chmod 600 {path}")


def scrub(text: str) -> str:
    """The text without any key that was found, and without what looks like a bearer token.

    >>> scrub("401: Authorization: Bearer abcdefgh12345678 is wrong")
    '401: Authorization: Bearer [key] is wrong'
    """
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    return TOKENS.sub(rf"\g<1>{HIDDEN}", text)


def one_line(text: str) -> str:
    """What somebody else wrote, fit for a row or an error: one line without secrets, of bounded length.

    >>> one_line("no\\n  such model")
    'no such model'
    """
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in scrub(text)).split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def scrubbed(content: Any) -> Any:
    """JSON-able content with every text in it scrubbed, keys included, and urls without their signatures."""
    if isinstance(content, str):
        return _unsigned(scrub(content))
    if isinstance(content, dict):
        return {scrub(str(key)): scrubbed(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [scrubbed(value) for value in content]
    return content


def _unsigned(text: str) -> str:
    """A url without its query, which is a key to the file for as long as it lives."""
    return text.partition("?")[0] if text.startswith(("http://", "https://")) else text


def _from_file() -> dict[str, str]:
    path = key_file()
    if not path.exists():
        if os.environ.get(KEY_FILE_VARIABLE):
            raise FrameholdError(f"{path}: no such file, though {KEY_FILE_VARIABLE} names it")
        return {}
    check_private(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        content = None
    if content is None or not all(isinstance(value, str) for value in content.values()):
        raise FrameholdError(f'{path}: expected lines such as RUNWAYML_API_SECRET = "..."')  # and not a word of it
    return {str(name): str(value) for name, value in content.items()}
