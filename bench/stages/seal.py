"""seal: the tables of a run -> their hashes, so that a table that changed later is found and named.

A seal is no signature: who can rewrite a table can rewrite the seal. Scoring clips again finds what that would hide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from bench.records import FrameholdError
from bench.run_folder import RunFolder, replace_text
from bench.video import content_hash

SEAL = "seal.json"


def sealed_files(run: RunFolder) -> list[Path]:
    """Every file of a run that holds numbers, where it is there."""
    files = [
        run.spec_path,
        run.clips_path,
        run.scored_path,
        run.curves_path,
        run.metrics_path,
        run.holds_path,
        run.evidence_path,
        run.summary_path,
    ]
    return [path for path in files if path.exists()]


def seal(run: RunFolder) -> Path:
    """Write the sha256 of every table into seal.json."""
    hashes = {path.name: content_hash(path) for path in sealed_files(run)}
    path = run.root / SEAL
    replace_text(path, json.dumps(hashes, indent=1) + "\n")
    return path


def read_seal(run: RunFolder) -> dict[str, str] | None:
    """The hashes that were sealed, by file name; None where the run has no seal."""
    path = run.root / SEAL
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FrameholdError(f"{path} is damaged: run `framehold verify {run.root} --seal` to make it anew") from error
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise FrameholdError(f"{path}: expected file names with their sha256")
    return content


def changed_files(run: RunFolder, *, gone: bool = True) -> list[str] | None:
    """Files whose bytes are not those that were sealed, and with `gone` those left behind; None without a seal."""
    sealed = read_seal(run)
    if sealed is None:
        return None
    found = []
    for name, mark in sorted(sealed.items()):
        path = run.root / name
        if path.name != name or not path.is_file():
            found += [f"{name}: gone since it was sealed"] if gone else []
        elif content_hash(path) != mark:
            found.append(f"{name}: its bytes are not those that were sealed")
    return found


def unsealed_notes(runs: Iterable[RunFolder]) -> list[str]:
    """What a reader is told of each run without one, once."""
    places = dict.fromkeys(str(run.root) for run in runs if not (run.root / SEAL).exists())
    return [
        f"{place} is not sealed (it has no {SEAL}): nothing says that its tables are as they were made."
        for place in places
    ]
