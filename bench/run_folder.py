"""Every path of a run; append, replace atomically, read back."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import filelock
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from bench.records import ClipRow, FrameholdError, Spec, canonical_json
from bench.schemas import SCHEMAS

Row = TypeVar("Row")
SURROGATE = re.compile(r"[\ud800-\udfff]")
CLIP_ID = re.compile(r"[a-z0-9_-]+")  # what ClipKey makes of any name, and what names files here
# What may not change within a run, and the options that ask for it. The rest decides tables that are written anew.
FIXED = {
    "suite": "suite",
    "sources": "--backend, --clips or --model",
    "profile": "--profile",
    "clip_model": "--clip",
    "missing": "--missing",
}


class RunFolder:
    """One run on disk. Tables are replaced whole; rows that arrive one by one are appended and may end torn."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.spec_path = self.root / "spec.json"
        self.clips_path = self.root / "clips.jsonl"
        self.clips_folder = self.root / "clips"
        self.tickets_folder = self.root / "tickets"
        self.cache_folder = self.root / "cache"
        self.scored_path = self.root / "scored.jsonl"
        self.curves_path = self.root / "curves.parquet"
        self.metrics_path = self.root / "metrics.parquet"
        self.holds_path = self.root / "holds.parquet"
        self.evidence_path = self.root / "evidence.parquet"
        self.strips_folder = self.root / "strips"
        self.strips_path = self.root / "strips.jsonl"
        self.summary_path = self.root / "summary.json"
        self.report_path = self.root / "report.html"

    # ---- the request

    def begin(self, spec: Spec) -> None:
        """Make the folder, or find in it the same request. Raises FrameholdError when it holds another one."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FrameholdError(
                f"cannot write to {self.root}: {error.strerror}; choose another folder with --out"
            ) from error
        if any(not _is_of_a_run_begun(path.name) for path in self.root.iterdir()):
            if not self.spec_path.exists():
                raise FrameholdError(
                    f"{self.root} is not empty and holds no spec.json: choose another folder with --out"
                )
            _refuse_other(self.root, self.spec(), spec)
        with self.locked():  # whoever is at work in this run goes by the request it began with
            self._sweep()
            replace_text(self.spec_path, json.dumps(asdict(spec), indent=1, ensure_ascii=False) + "\n")

    def _sweep(self) -> None:
        """Remove what a killed process left half written. Only under the lock: nobody else may be writing."""
        for folder in (self.root, self.clips_folder, self.tickets_folder, self.cache_folder, self.strips_folder):
            for path in folder.glob(".*.tmp"):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def spec(self) -> Spec:
        """The request of this run. Raises FrameholdError when the folder is no run or its spec cannot be read."""
        text = self._read(self.spec_path)
        try:
            spec = TypeAdapter(Spec).validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise FrameholdError(f"{self.spec_path}: {where}: {first['msg']}; written by another version?") from error
        if key := unknown_key(json.loads(text), asdict(spec)):
            raise FrameholdError(f"{self.spec_path}: unknown key {key!r}; written by another version?")
        return spec

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for one process at a time; a killed process lets go by itself."""
        lock = filelock.FileLock(self.root / ".lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise FrameholdError(f"another framehold is at work in {self.root}: wait for it to end") from error
        except OSError as error:
            raise FrameholdError(
                f"cannot write to {self.root}: {error.strerror}; choose another folder with --out"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def part_path(self, clip_id: str, mark: str) -> Path:
        """Where the scores of one clip wait until all are there; `mark` is the fingerprint of what decides them."""
        return self.cache_folder / f"{clip_id}.{mark[:16]}.parquet"

    def without_place(self, reason: str) -> str:
        """A reason why a clip is missing, its files named from here: the same wherever the run lies."""
        for root in dict.fromkeys(str(path) for path in (self.root.absolute(), self.root.resolve(), self.root)):
            if root != ".":
                reason = re.sub(rf"(?<![\w./\\-]){re.escape(root)}[/\\]", "", reason)
        return reason

    # ---- rows

    def clips(self) -> list[ClipRow]:
        """The rows of clips.jsonl, one a clip (the last one written wins). Empty when nothing was generated yet.

        Raises FrameholdError on an id that framehold never makes: files are named after it.
        """
        rows = read_records(self.clips_path, ClipRow)
        for row in rows:
            if not CLIP_ID.fullmatch(str(row.clip_id)):
                raise FrameholdError(f"{self.clips_path}: {row.clip_id!r} is no id of a clip: delete that line")
            if SURROGATE.search(f"{row.model}{row.prompt_id}{row.prompt}{row.file}"):
                raise FrameholdError(f"{self.clips_path}: {row.clip_id}: text that is no Unicode: delete that line")
        return list({row.clip_id: row for row in rows}.values())

    def table(self, path: Path) -> pa.Table:
        """A parquet table of the run. Raises FrameholdError naming the stage that writes it."""
        stage = "summarize" if path in {self.holds_path, self.evidence_path} else "score"
        if not path.exists():
            raise FrameholdError(f"{path} is not there: run `framehold {stage} {self.root}` first")
        again = f"run `framehold {stage} {self.root}` again"
        table = read_table(path, again)
        if not table.schema.equals(SCHEMAS[path.name]):
            raise FrameholdError(f"{path} has other columns than this version writes: {again}")
        return table

    def summary(self) -> dict[str, Any]:
        """summary.json. Raises FrameholdError when the run was not summarized."""
        if not self.summary_path.exists():
            raise FrameholdError(f"{self.summary_path} is not there: run `framehold summarize {self.root}` first")
        try:
            summary: dict[str, Any] = json.loads(self.summary_path.read_text(encoding="utf-8"))
            complete = {"models", "horizon", "horizon_seconds", "calibration"} <= summary.keys()
        except (ValueError, AttributeError):
            complete = False
        if not complete:
            raise FrameholdError(f"{self.summary_path} is damaged: run `framehold summarize {self.root}` again")
        return summary

    def _read(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FrameholdError(f"{self.root} is not a run folder: it has no {path.name}") from error
        except UnicodeDecodeError as error:
            raise FrameholdError(
                f"{path}: not UTF-8 text at byte {error.start}; written by another version?"
            ) from error


def _is_of_a_run_begun(name: str) -> bool:
    """What a run killed before its first clip was done may leave behind."""
    return name in {".lock", "spec.json", "clips", "tickets"} or name.startswith(".spec.json.")


def unknown_key(given: object, known: object) -> str | None:
    """A key of `given` that is not in `known`, at any depth; None where there is none.

    >>> unknown_key({"suite": {"name": "a", "colour": 1}}, {"suite": {"name": "a"}})
    'suite.colour'
    """
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            if key not in known:
                return str(key)
            if below := unknown_key(value, known[key]):
                return f"{key}.{below}"
    if isinstance(given, list) and isinstance(known, list | tuple):
        pairs = zip(given, known, strict=True)
        return next((key for one, other in pairs if (key := unknown_key(one, other))), None)
    return None


def _refuse_other(root: Path, old: Spec, new: Spec) -> None:
    before, after = asdict(old), asdict(new)
    differing = [
        option for name, option in FIXED.items() if canonical_json(before[name]) != canonical_json(after[name])
    ]
    if differing:
        raise FrameholdError(
            f"{root} holds a run with another {' and another '.join(differing)}: choose another folder with --out, "
            "or delete it"
        )


# ---- files -------------------------------------------------------------------------------------------------------


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a .jsonl file. A torn last line is ignored; FrameholdError names any other that is damaged."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    complete, torn = lines[:-1], lines[-1]
    del torn
    rows = []
    for number, line in enumerate(complete, start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise FrameholdError(f"{path}, line {number} is damaged: delete that line and run again") from error
    return rows


def read_table(path: Path, mending: str) -> pa.Table:
    """A parquet file, every value of it seen to be whole. FrameholdError says that it is damaged and what to do."""
    try:
        table = pq.read_table(path)
        table.validate(full=True)
    except OSError as error:
        if error.errno is not None:  # of the disk; Arrow's own for a damaged file have no number
            raise
        raise FrameholdError(f"{path} is damaged: {mending}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FrameholdError(f"{path} is damaged: {mending}") from error
    return table


def read_records(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a .jsonl file as records. FrameholdError where they are of another kind."""
    try:
        return [kind(**row) for row in read_rows(path)]
    except TypeError as error:
        raise FrameholdError(f"{path}: {error}; written by another version?") from error


def mend(path: Path) -> None:
    """Cut off the torn last line that a killed process may have left: the next row starts on a line of its own."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def append_row(path: Path, row: object) -> None:
    """Add one line and force it to disk."""
    with _naming(path), path.open("ab") as file:
        file.write(canonical_json(row).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new file beside `path`, then put it in its place: readers see the old one or the new one."""
    with _naming(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
        new = Path(name)
        try:
            write(new)
            new.chmod(0o644)
            with new.open("rb") as file:
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error of the disk name the file that was meant, not a temporary one or none."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def replace_text(path: Path, text: str) -> None:
    """Replace a text file atomically."""
    replace(path, lambda new: _write_text(new, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def replace_rows(path: Path, rows: Iterable[object]) -> None:
    """Replace a .jsonl file atomically, a row a line."""
    replace_text(path, "".join(canonical_json(row) + "\n" for row in rows))


def replace_table(path: Path, table: pa.Table) -> None:
    """Replace a parquet table atomically. Equal tables are equal bytes."""
    replace(path, lambda new: pq.write_table(table, new, compression="zstd"))
