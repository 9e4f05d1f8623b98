"""survey: a folder of real footage -> its videos, their sources, and which files are none."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from bench.records import FrameholdError
from bench.video import VIDEO_SUFFIXES, natural_key, no_video

MANIFEST = "manifest.csv"


def clips_of(reference: Path) -> list[tuple[Path, str]]:
    """(file, source) of every video in the folder; without a manifest each file is a source of its own."""
    if not reference.is_dir():
        raise FrameholdError(f"--reference {reference}: no such folder")
    manifest, source_of = reference / MANIFEST, dict[str, str]()
    if manifest.is_file():
        try:
            with manifest.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
        except (csv.Error, UnicodeDecodeError) as error:
            raise FrameholdError(f"{manifest}: cannot be read: save it as CSV in UTF-8, with commas") from error
        if not rows or not {"file", "source_id"} <= rows[0].keys():
            raise FrameholdError(f"{manifest}: expected the columns file and source_id")
        source_of = {row["file"]: row["source_id"] for row in rows}
    paths = [path for path in reference.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != "."]
    if not paths:
        raise FrameholdError(f"--reference {reference}: no videos ({', '.join(sorted(VIDEO_SUFFIXES))}) in this folder")
    paths.sort(key=lambda path: natural_key(path.name))
    return [(path, source_of.get(path.name, path.stem)) for path in paths]


def no_videos(paths: Iterable[Path]) -> dict[str, str]:
    """Why files are no videos, by name, as far as their first bytes tell: in no time, before others are measured."""
    return dict(named_reason(str(path), reason) for path in paths if (reason := no_video(path)))


def named_reason(path: str, reason: str) -> tuple[str, str]:
    """(name of the file, why it is left out); errors begin with the path, which is not said twice."""
    return Path(path).name, reason.removeprefix(f"{path}: ")
