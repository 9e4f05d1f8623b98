"""Prompt suites: find, load, validate, hash, subset, compare. A suite is a file a person can read and diff."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from bench.records import FrameholdError, Json, Moves, Prompt, Suite, fingerprint, slug

# In a wheel the suites sit inside the package, in a checkout beside it.
SUITE_FOLDERS = (Path(__file__).parent / "prompts", Path(__file__).parent.parent / "prompts")
LARGEST_SEED = 2**32 - 1  # what every generator backend accepts

SHIPPED_NAME = re.compile(r"(?P<name>[a-z0-9-]+)-v(?P<version>[0-9]+)")
SLUG_LENGTH = 60
NEAR_DUPLICATE = 0.5  # of the words and word pairs of two prompts; changing one word of ten leaves about 0.7
LONGEST_QUOTE = 60  # characters of a wrong value that an error repeats
# Control characters, and those that turn the direction of writing: a terminal or a page would show another text.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _one_line(text: str) -> str:
    """The text with single spaces. Raises what pydantic reports as `unseen` where it holds a character of `UNSEEN`."""
    if found := UNSEEN.search(text):
        raise PydanticCustomError("unseen", "holds U+{code}", {"code": f"{ord(found[0]):04X}"})
    return " ".join(text.split())


Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
Line = Annotated[str, AfterValidator(_one_line)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_one_line)]


class PromptEntry(BaseModel):
    """A [[prompt]] table of a suite file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Identifier
    text: Text
    category: Identifier = "uncategorised"
    moves: Moves = "subject"
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    seeds: list[Annotated[int, Field(ge=0, le=LARGEST_SEED)]] = Field(default=[0], min_length=1)


class SuiteFile(BaseModel):
    """A whole suite file. `horizon` is in frames."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Identifier
    version: Annotated[int, Field(ge=1)]
    description: Line = ""
    horizon: Annotated[int, Field(ge=1)] | None = None
    prompt: list[PromptEntry] = Field(min_length=1)


def load_suite(name_or_path: str) -> Suite:
    """The suite of that name (`quick`: the newest version, `quick-v1`: that one) or in that .toml or .txt file."""
    path = _find(name_or_path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FrameholdError(f"{path}: not UTF-8 text at byte {error.start}; save the file as UTF-8") from error
    except OSError as error:
        raise FrameholdError(f"{path}: cannot be read ({error.strerror or error})") from error
    if path.suffix.lower() == ".txt":
        return _from_lines(text, path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FrameholdError(f"{path}: not valid TOML: {error}") from error
    return _validated(content, str(path))


def shipped_suites() -> tuple[str, ...]:
    """Names of the suites that come with framehold, as `name-vN`, by name and then by version."""
    return tuple(f"{name}-v{version}" for name, version in sorted(_shipped()))


def suite_hash(suite: Suite) -> str:
    """sha256 of what is measured: name, version, horizon and the prompts in order, but not the description."""
    content = suite_to_dict(suite)
    del content["description"], content["sha256"]
    return fingerprint(content)


def subset(suite: Suite, prompt_ids: Iterable[str] | None = None, first: int | None = None) -> Suite:
    """Those prompts of the suite, in its own order, then the first so many. The subset has a hash of its own."""
    prompts = suite.prompts
    if prompt_ids is not None:
        wanted = set(prompt_ids)
        if unknown := sorted(wanted - {prompt.id for prompt in prompts}):
            known = ", ".join(prompt.id for prompt in prompts)
            raise FrameholdError(f"suite {suite.name!r} has no prompt {unknown[0]!r}: it has {known}")
        prompts = tuple(prompt for prompt in prompts if prompt.id in wanted)
    if first is not None and first < 1:
        raise FrameholdError(f"first is {first}: keep at least 1 prompt of suite {suite.name!r}")
    prompts = prompts[:first]
    if not prompts:
        raise FrameholdError(f"no prompt of suite {suite.name!r} is left: name at least one of its prompts")
    return _hashed(replace(suite, prompts=prompts))


def near_duplicates(suite: Suite, likeness: float = NEAR_DUPLICATE) -> list[tuple[str, str, float]]:
    """Pairs of prompt ids with the share of words and word pairs that their texts have in common, the most alike first.

    Jaccard's index, 0 to 1; pairs below `likeness` are left out.

    >>> red, blue = Prompt("a", "A man in a red shirt walks along"), Prompt("b", "A man in a blue shirt walks along")
    >>> [(first, second, round(share, 2)) for first, second, share in near_duplicates(Suite("shirts", 1, (red, blue)))]
    [('a', 'b', 0.65)]
    """
    grams = [(prompt.id, _grams(prompt.text)) for prompt in suite.prompts]
    pairs = [
        (first, second, len(one & other) / max(1, len(one | other)))
        for (first, one), (second, other) in combinations(grams, 2)
    ]
    return sorted((pair for pair in pairs if pair[2] >= likeness), key=lambda pair: -pair[2])


def suite_to_dict(suite: Suite) -> dict[str, Any]:
    """JSON-able content of the suite, hash included; `suite_from_dict` reads it back."""
    return {
        "name": suite.name,
        "version": suite.version,
        "description": suite.description,
        "horizon": suite.horizon,
        "prompt": [
            {
                "id": prompt.id,
                "text": prompt.text,
                "category": prompt.category,
                "moves": prompt.moves,
                "difficulty": prompt.difficulty,
                "seeds": list(prompt.seeds),
            }
            for prompt in suite.prompts
        ],
        "sha256": suite.sha256,
    }


def suite_from_dict(content: Json, source: str = "suite") -> Suite:
    """The suite that `suite_to_dict` wrote. `source` names it in errors; a stored hash that does not fit is one."""
    fields = dict(content)
    stored = fields.pop("sha256", "")
    suite = _validated(fields, source)
    if stored and stored != suite.sha256:
        raise FrameholdError(
            f"{source}: the prompts do not fit their sha256 {str(stored)[:12]}: undo the edit, or start a new run"
        )
    return suite


# ---- finding -----------------------------------------------------------------------------------------------------


def _shipped() -> dict[tuple[str, int], Path]:
    """(name, version) -> file, from the first folder that has it."""
    found: dict[tuple[str, int], Path] = {}
    for folder in SUITE_FOLDERS:
        for path in sorted(folder.glob("*.toml")):
            if match := SHIPPED_NAME.fullmatch(path.stem):
                found.setdefault((match["name"], int(match["version"])), path)
    return found


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    shipped = _shipped()
    if path.suffix.lower() in {".toml", ".txt"}:
        if path.is_file():
            return path
        raise FrameholdError(f"{path}: no such suite file; shipped suites: {_listing()}")
    if match := SHIPPED_NAME.fullmatch(name_or_path):
        exact = shipped.get((match["name"], int(match["version"])))
        if exact:
            return exact
    versions = [version for name, version in shipped if name == name_or_path]
    if versions:
        return shipped[name_or_path, max(versions)]
    raise FrameholdError(f"no suite {name_or_path!r}: shipped suites: {_listing()}; or give a .toml or .txt file")


def _listing() -> str:
    return ", ".join(shipped_suites()) or "none (reinstall framehold)"


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.casefold())
    return {*zip(words, strict=False), *pairwise(words)}


# ---- reading and checking ------------------------------------------------------------------------------------------


def _from_lines(text: str, path: Path) -> Suite:
    """A plain list: one prompt a line, `#` starts a comment line, ids made from the words."""
    lines = [line.strip() for line in text.splitlines()]
    prompts: list[Prompt] = []
    taken: Counter[str] = Counter()
    for line in lines:
        if not line or line.startswith("#"):
            continue
        name = slug(line, SLUG_LENGTH)
        taken[name] += 1
        prompts.append(Prompt(name if taken[name] == 1 else f"{name}-{taken[name]}", line))
    content = suite_to_dict(Suite(slug(path.stem), 1, tuple(prompts)))
    del content["sha256"]
    return _validated(content, str(path))


def _validated(content: dict[str, Any], source: str) -> Suite:
    """The suite, checked and hashed. Raises FrameholdError naming the source, the prompt and the key."""
    try:
        file = SuiteFile.model_validate(content)
    except ValidationError as error:
        raise FrameholdError(f"{source}: {_explain(error, content)}") from None
    _refuse_repeats(file, source)
    prompts = tuple(
        Prompt(entry.id, entry.text, entry.category, entry.moves, entry.difficulty, tuple(entry.seeds))
        for entry in file.prompt
    )
    return _hashed(Suite(file.name, file.version, prompts, file.description, file.horizon))


def _hashed(suite: Suite) -> Suite:
    return replace(suite, sha256=suite_hash(suite))


def _refuse_repeats(file: SuiteFile, source: str) -> None:
    ids: dict[str, int] = {}
    texts: dict[str, str] = {}
    for number, entry in enumerate(file.prompt, start=1):
        if entry.id in ids:
            raise FrameholdError(
                f"{source}: prompts {ids[entry.id]} and {number} share the id {entry.id!r}: rename one"
            )
        if entry.text in texts:
            first = texts[entry.text]
            raise FrameholdError(
                f"{source}: prompts {first!r} and {entry.id!r} have the same text: remove one, or use seeds"
            )
        if len(set(entry.seeds)) < len(entry.seeds):
            twice = Counter(entry.seeds).most_common(1)[0][0]
            raise FrameholdError(f"{source}: prompt {number} ({entry.id}): seed {twice} stands twice: remove one")
        ids[entry.id] = number
        texts[entry.text] = entry.id


def _explain(error: ValidationError, content: dict[str, Any]) -> str:
    """The first fault in one line: where it is, what is wrong, what to do."""
    faults = error.errors(include_url=False)
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    where = [str(part) if isinstance(part, str) else f"[{part}]" for part in first["loc"]]
    allowed: type[BaseModel] = SuiteFile
    prefix = ""
    if len(first["loc"]) > 1 and first["loc"][0] == "prompt":
        index = int(first["loc"][1])
        entry = content["prompt"][index]
        given_id = entry.get("id") if isinstance(entry, dict) else None
        name = f" ({given_id})" if isinstance(given_id, str) and given_id.isprintable() else ""
        prefix = f"prompt {index + 1}{name}: "
        where = where[2:]
        allowed = PromptEntry
    return prefix + _fault("".join(where) or "entry", first["type"], first["msg"], first.get("input"), allowed) + more


def _fault(key: str, kind: str, message: str, given: object, allowed: type[BaseModel]) -> str:
    """One fault in plain words. `kind` and `message` are pydantic's."""
    quoted = repr(given)
    if len(quoted) > LONGEST_QUOTE:
        quoted = quoted[:LONGEST_QUOTE] + "..."
    no_prompts = "no prompts: add at least one [[prompt]] with id and text"
    plain = {
        "extra_forbidden": f"unknown key {key!r}: remove it, or use one of {', '.join(allowed.model_fields)}",
        "missing": no_prompts if key == "prompt" else f"key {key!r} is missing: add it",
        "too_short": no_prompts if key == "prompt" else f"{key} is empty: give at least one",
        "string_too_short": f"{key} is empty: write the prompt",
        "unseen": f"{key} {message}, a character that nobody sees: remove it",
        "model_type": f"{quoted} is no prompt: write a [[prompt]] table with id and text",
        "list_type": f"{key} is {quoted}: "
        + (
            "write [[prompt]], with two brackets, above each prompt" if key == "prompt" else "write a list, such as [1]"
        ),
        "string_pattern_mismatch": f"{key} is {quoted}: use lower-case letters, digits and dashes only, "
        f"such as {slug(str(given))!r}",
    }
    return plain.get(kind, f"{key} is {quoted}: {message[0].lower()}{message[1:]}")
