"""Clips that exist already: a folder of clips, a folder a model, or a clips.csv that says what is what.

A clip is a video file, or a folder of pictures without videos or folders in it. Everything else is ignored, and with a
clips.csv so is what it does not list.
Without a clips.csv the name of a file stands for its prompt, so that equal names pair models with each other.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.records import (
    Clip,
    ClipKey,
    ClipRequest,
    FrameholdError,
    MissingClip,
    Moves,
    Plan,
    Prompt,
    Suite,
    fingerprint,
    slug,
)
from bench.video import DEFAULT_FPS, IMAGE_SUFFIXES, VIDEO_SUFFIXES, content_hash, natural_key, picture_files

TABLE = "clips.csv"
UNREADABLE = "missing"  # in the place of a file's hash
LARGEST_SEED = 2**32 - 1  # as in a suite
ID_LENGTH = 40
LOOKED_FOR = f"videos ({', '.join(sorted(VIDEO_SUFFIXES))}), folders of png or jpg pictures, or a {TABLE}"

Text = Annotated[str, Field(min_length=1)]


class TableRow(BaseModel):
    """A row of clips.csv. An empty cell is a value not given; `fps` counts for folders of pictures only."""

    model_config = ConfigDict(extra="forbid")

    file: Text
    model: Text | None = None
    prompt: Text | None = None
    prompt_id: Text | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    category: Text | None = None
    moves: Moves | None = None
    fps: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None


@dataclass(frozen=True)
class Entry:
    """A clip of the folder, present or only listed. `origin` names it in errors; `file` is relative, with slashes."""

    origin: str
    file: str
    model: str
    row: TableRow
    prompt_id: str = ""
    seed: int = 0


class FolderBackend:
    """Scores videos made elsewhere. `path` is a folder or one video file; `model` names what the folder does not."""

    def __init__(self, path: str, model: str | None = None) -> None:
        _refuse_undecodable(path, model or "")
        self._path, self._model = Path(path), model
        self._is_one = self._path.is_file() or (self._path.is_dir() and _is_frames(self._path))
        self._root = self._path.absolute().parent if self._is_one else self._path

    def models(self) -> tuple[str, ...]:
        """The models found, in the order of the folder or table."""
        return tuple(dict.fromkeys(entry.model for entry in self._entries()))

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        """A request for every clip of those models (all when empty). A suite without prompts takes them from here.

        A listed file that is not there is asked for all the same. Raises FrameholdError naming the file or line.
        """
        entries = self._entries()
        if unknown := sorted(set(models) - {entry.model for entry in entries}):
            raise FrameholdError(f"{self._path}: no clips of model {unknown[0]!r}: it has {', '.join(self.models())}")
        entries = _with_prompt_ids(entries, suite)
        prompts = _suite_prompts(entries, suite) if suite.prompts else _own_prompts(entries)
        asked = {prompt.id: prompt.seeds for prompt in suite.prompts}
        wanted = [entry for entry in _with_seeds(entries, asked) if not models or entry.model in models]
        return Plan(tuple(self._request(entry, prompts[entry.prompt_id]) for entry in wanted))

    def submit(self, request: ClipRequest) -> str:
        """The clip's path within the folder; nothing is started."""
        return request.identity.partition("  ")[2]

    def fetch(self, request: ClipRequest, ticket: str) -> Clip:
        """The file as it lies there. Raises MissingClip when it is gone or may not be read."""
        path = (self._root / ticket).absolute()
        if not path.exists():
            raise MissingClip(f"{ticket}: no such file")
        self._refuse_foreign(path, ticket)
        if request.identity.startswith(UNREADABLE):
            try:
                content_hash(path)  # says why
            except MissingClip as error:
                raise MissingClip(str(error).replace(str(path), ticket)) from error
        return Clip(path=path, fps=request.fps, facts={"source": ticket})

    def _refuse_foreign(self, path: Path, ticket: str) -> None:
        """A link may lead to footage kept elsewhere, and to nothing else: what a clip shows is copied into the run."""
        root, wanted = self._root.resolve(), IMAGE_SUFFIXES if path.is_dir() else VIDEO_SUFFIXES
        for file in picture_files(path) if path.is_dir() else [path]:
            target = file.resolve()
            if target.is_file() and not target.is_relative_to(root) and target.suffix.lower() not in wanted:
                kind, inside = ("picture", f"/{file.name}") if path.is_dir() else ("video", "")
                raise MissingClip(
                    f"{ticket}{inside}: a link to a file outside the folder that is no {kind} by its name"
                )

    def close(self) -> None:
        """Nothing is held."""

    def _request(self, entry: Entry, prompt: Prompt) -> ClipRequest:
        path = self._root / entry.file
        try:
            digest = content_hash(path)
        except MissingClip:
            digest = UNREADABLE  # not the place to give up: the clip becomes a row that says so
        fps = (entry.row.fps or DEFAULT_FPS) if path.is_dir() else None
        key = ClipKey(entry.model, entry.prompt_id, entry.seed)
        return ClipRequest(key, prompt, fps=fps, identity=f"{digest}  {entry.file}")

    def _entries(self) -> list[Entry]:
        if not self._path.exists():
            raise FrameholdError(f"{self._path}: no such folder or file: give the folder of the clips with --clips")
        if not self._is_one and (self._root / TABLE).is_file():
            return list(_listed(self._root, self._model))
        return [Entry(file, file, model, TableRow(file=file)) for file, model in self._found()]

    def _found(self) -> list[tuple[str, str]]:
        """(file, model) of every clip of a folder without a table."""
        if self._path.is_file() and not _is_video(self._path):
            raise FrameholdError(f"{self._path}: not a video file ({', '.join(sorted(VIDEO_SUFFIXES))})")
        if self._is_one:
            return [(self._path.absolute().name, self._named())]
        here = _clips(self._root)
        folders = {folder: _clips(folder) for folder in _subfolders(self._root) if folder not in here}
        below = [(clip, folder.name) for folder, clips in folders.items() for clip in clips]
        if here and below:
            raise FrameholdError(
                f"{self._path}: holds clips ({here[0].name}) and folders of clips ({below[0][1]}): "
                f"move the clips into a folder named after their model, or add a {TABLE}"
            )
        if below and self._model:
            raise FrameholdError(f"{self._path}: its folders ({below[0][1]}, ...) name the models: leave out --model")
        if not here and not below:
            raise FrameholdError(
                f"{self._path}: no clips here; looked for {LOOKED_FOR}: give another folder with --clips"
            )
        found = below or [(clip, self._named()) for clip in here]
        return [(clip.relative_to(self._root).as_posix(), model) for clip, model in found]

    def _named(self) -> str:
        if not self._model:
            raise FrameholdError(f"{self._path}: nothing says which model made these clips: give --model NAME")
        return self._model


# ---- what lies in the folder -------------------------------------------------------------------------------------


def _visible(folder: Path) -> list[Path]:
    paths = sorted((path for path in folder.iterdir() if path.name[0] != "."), key=lambda path: natural_key(path.name))
    _refuse_undecodable(*(path.name for path in paths))
    return paths


def _refuse_undecodable(*names: str) -> None:
    """Raises FrameholdError on a name that is not UTF-8: no table could hold it."""
    for name in names:
        if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
            raise FrameholdError(f"{name!r}: the name is not UTF-8: give it another")


def _subfolders(folder: Path) -> list[Path]:
    """Folders in it that are no run of framehold's own."""
    return [path for path in _visible(folder) if path.is_dir() and not (path / "spec.json").is_file()]


def _clips(folder: Path) -> list[Path]:
    """Videos and folders of pictures directly in `folder`, in natural order."""
    return [path for path in _visible(folder) if _is_video(path) or (path.is_dir() and _is_frames(path))]


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.is_dir()


def _is_frames(folder: Path) -> bool:
    """Pictures, and neither videos nor folders beside them."""
    return bool(picture_files(folder)) and not any(path.is_dir() or _is_video(path) for path in _visible(folder))


# ---- clips.csv ---------------------------------------------------------------------------------------------------


def _listed(root: Path, model: str | None) -> Iterator[Entry]:
    for origin, cells in _table(root / TABLE):
        try:
            row = TableRow.model_validate(cells)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            given = "missing" if fault["type"] == "missing" else repr(fault["input"])
            raise FrameholdError(f"{origin}: {fault['loc'][0]} is {given}: {fault['msg'].lower()}") from None
        file = _inside(root, row.file, origin)
        name = row.model or model or (file.split("/")[0] if "/" in file else None)
        if name is None:
            raise FrameholdError(f"{origin}: no model for {file}: fill the model column, or give --model NAME")
        yield Entry(origin, file, name, row)


def _table(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, given cells by column) of every row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader: csv.DictReader[str] = csv.DictReader(file, strict=True)
            columns = [str(column).strip() for column in reader.fieldnames or ()]
            _check_columns(path, columns)
            reader.fieldnames = columns
            rows = 0
            for cells in reader:
                rows += 1
                origin = f"{path} line {reader.line_num}"
                if None in cells:
                    raise FrameholdError(f"{origin}: more cells than columns: put texts with commas in double quotes")
                yield origin, {column: cell.strip() for column, cell in cells.items() if cell and cell.strip()}
    except UnicodeDecodeError as error:
        raise FrameholdError(f"{path}: its text is not UTF-8: save it as CSV in UTF-8") from error
    except (csv.Error, OSError) as error:
        raise FrameholdError(f"{path}: cannot be read as a table in UTF-8: {error}") from error
    if not rows:
        raise FrameholdError(f"{path}: no rows: list a clip on each line, or remove the file")


def _check_columns(path: Path, columns: list[str]) -> None:
    known = ", ".join(TableRow.model_fields)
    for name, separator in (("semicolons", ";"), ("tabs", "\t")):
        if any(separator in column for column in columns):
            raise FrameholdError(f"{path}: its columns are separated by {name}: save it with commas; columns: {known}")
    if unknown := [column for column in columns if column not in TableRow.model_fields]:
        raise FrameholdError(f"{path}: unknown columns {', '.join(map(repr, unknown))}: use only {known}")
    if "file" not in columns:
        raise FrameholdError(f"{path}: the column 'file' is missing; columns: {known}")
    if len(set(columns)) < len(columns):
        raise FrameholdError(f"{path}: a column stands twice among {', '.join(columns)}: remove one")


def _inside(root: Path, file: str, origin: str) -> str:
    """The path with slashes, if it stays within the folder."""
    relative = PurePosixPath(file)
    leaves = relative.is_absolute() or Path(file).is_absolute() or ".." in relative.parts or not relative.name
    if leaves or not (root / relative).resolve().is_relative_to(root.resolve()):
        raise FrameholdError(f"{origin}: {file} lies outside the folder: copy it into {root} and name it from there")
    return relative.as_posix()


# ---- prompts and seeds -------------------------------------------------------------------------------------------


def _with_prompt_ids(entries: list[Entry], suite: Suite) -> list[Entry]:
    by_text = {_normalised(prompt.text): prompt.id for prompt in suite.prompts}

    def prompt_id(entry: Entry) -> str:
        text = entry.row.prompt or PurePosixPath(entry.file).stem
        return entry.row.prompt_id or by_text.get(_normalised(text)) or make_prompt_id(text)

    return [replace(entry, prompt_id=prompt_id(entry)) for entry in entries]


def make_prompt_id(text: str) -> str:
    """The id of a prompt that has none: its words, and a digest where they do not tell it from others.

    >>> make_prompt_id("A dog runs.")
    'a-dog-runs'
    """
    words = slug(text, len(text) + 1)
    if text.isascii() and len(words) <= ID_LENGTH:
        return words
    return f"{slug(text, ID_LENGTH - 9)}-{fingerprint(_normalised(text))[:8]}"


def _normalised(text: str) -> str:
    """Equal for texts that differ in case, spaces and punctuation only."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _suite_prompts(entries: list[Entry], suite: Suite) -> dict[str, Prompt]:
    prompts = {prompt.id: prompt for prompt in suite.prompts}
    for entry in entries:
        if entry.prompt_id not in prompts:
            raise FrameholdError(
                f"{entry.origin}: prompt_id {entry.prompt_id!r} is not in suite {suite.name!r}: "
                f"name the file after a prompt of the suite, or set prompt_id in {TABLE}"
            )
    return prompts


def _own_prompts(entries: list[Entry]) -> dict[str, Prompt]:
    """Prompts by id, put together from all rows of that id. Raises FrameholdError where two of them contradict."""
    given: dict[str, dict[str, tuple[Any, str]]] = {}
    for entry in entries:
        fields = given.setdefault(entry.prompt_id, {})
        for name in ("prompt", "category", "moves"):
            value = getattr(entry.row, name)
            if value is None:
                continue
            first, origin = fields.setdefault(name, (value, entry.origin))
            if _normalised(first) != _normalised(value):
                raise FrameholdError(
                    f"{entry.origin}: {name} {value!r} of prompt {entry.prompt_id!r} contradicts {first!r} "
                    f"({origin}): make them equal, or give one another prompt_id"
                )
    return {
        name: Prompt(
            name,
            fields.get("prompt", ("",))[0],
            category=fields.get("category", ("uncategorised",))[0],
            moves=fields.get("moves", ("subject",))[0],
        )
        for name, fields in given.items()
    }


def _with_seeds(entries: list[Entry], asked: Mapping[str, Sequence[int]]) -> list[Entry]:
    """Given seeds stay; the others get the free ones that the suite asks for, then the lowest free ones, in order.

    Raises FrameholdError for a seed given twice.
    """
    taken: dict[tuple[str, str, int], str] = {}
    for entry in entries:
        if entry.row.seed is not None:
            first = taken.setdefault((entry.model, entry.prompt_id, entry.row.seed), entry.origin)
            if first != entry.origin:
                raise FrameholdError(
                    f"{entry.origin}: model {entry.model!r}, prompt {entry.prompt_id!r}, seed {entry.row.seed} "
                    f"stands already at {first}: give one another seed, or leave seeds out"
                )
    seeded = []
    for entry in entries:
        seed = entry.row.seed
        if seed is None:
            candidates = chain(asked.get(entry.prompt_id, ()), count())
            seed = next(each for each in candidates if (entry.model, entry.prompt_id, each) not in taken)
            taken[entry.model, entry.prompt_id, seed] = entry.origin
        seeded.append(replace(entry, seed=seed))
    return seeded
