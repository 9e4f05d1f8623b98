"""Where a model's files lie: a folder of the user's, the hub's cache, or, told beforehand, a download.

The commit is resolved first and that commit is fetched, checked and loaded: a branch may move, a run may not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.backends.local.libraries import LOG
from bench.networks import WeightsAbsent
from bench.records import FrameholdError, fingerprint

INDEX = "model_index.json"
PLAIN = ("*.json", "*.txt", "*.model")
TENSORS = "*.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth")
COMMIT = re.compile(r"[0-9a-f]{40}")
HUB = "https://huggingface.co"
SKIPPED = {"safety_checker", "feature_extractor", "image_encoder"}
"""A safety checker blackens frames, which would be scored as a break of the model; the others only serve it."""
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Wanted:
    """A repository, or a folder. `index` is the file that says what belongs to it."""

    repo: str
    revision: str = "main"
    allow_pickle: bool = False
    index: str = INDEX

    @property
    def folder(self) -> Path | None:
        """The user's own folder, where `repo` is one."""
        path = Path(self.repo).expanduser()
        return path if path.is_dir() else None

    @property
    def command(self) -> str:
        """What fetches exactly these files."""
        revision = "" if self.revision == "main" else f" --revision {self.revision}"
        patterns = " ".join(f'--include "{pattern}"' for pattern in self.patterns)
        return f"hf download {self.repo}{revision} {patterns}"

    @property
    def patterns(self) -> tuple[str, ...]:
        """The files that are read; pickles only where they are allowed."""
        return (*PLAIN, TENSORS, *(PICKLES if self.allow_pickle else ()))


@dataclass(frozen=True)
class Found:
    """Files on this machine, and which ones: a commit of the hub, or the hash of a folder."""

    repo: str
    commit: str
    folder: Path


def look(wanted: Wanted) -> Found | None:
    """What is on this machine already, whole; asks nobody. Raises FrameholdError for a folder that is not whole."""
    if wanted.folder:
        if gap := first_gap(wanted.folder, wanted):
            raise FrameholdError(f"{wanted.repo}: {gap}")
        return Found(wanted.repo, f"sha256:{_folder_hash(wanted.folder, wanted.allow_pickle)}", wanted.folder)
    check_repo_name(wanted.repo)
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(wanted.repo, wanted.index, revision=wanted.revision)
    if not isinstance(path, str):
        return None
    folder = Path(path).parent
    return None if first_gap(folder, wanted) else Found(wanted.repo, folder.name, folder)


def fetch(wanted: Wanted, offline: bool, terms: str) -> Found:
    """The files, from this machine or else downloaded after `terms` were shown; every one held against its hash.

    Raises WeightsAbsent with the exact command when they cannot be had, FrameholdError when they are gated or damaged.
    """
    found = look(wanted)
    if found is None:
        if offline:
            raise _absent(wanted, "--offline was asked for")
        found = _download(wanted, terms)
    if not wanted.folder:
        check_hashes(found.folder)
    return found


def _absent(wanted: Wanted, why: str) -> WeightsAbsent:
    return WeightsAbsent(
        f"{wanted.repo}: its weights are not on this machine and {why}; get them where there is internet with: "
        f"{wanted.command}"
    )


def _download(wanted: Wanted, terms: str) -> Found:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    page = f"{HUB}/{wanted.repo}"
    unreachable: tuple[type[Exception], ...] = (HfHubHTTPError, OSError, *_no_connection())
    try:
        info = HfApi().model_info(wanted.repo, revision=wanted.revision, timeout=PATIENCE_SECONDS, files_metadata=True)
        files = _chosen(info, wanted)
        size = sum(files.values())
        LOG.info("%s at commit %s: %.1f GB to fetch. Licence: %s", wanted.repo, info.sha, size / 1e9, terms)
        _check_room(wanted, size)
        folder = snapshot_download(wanted.repo, revision=info.sha, allow_patterns=list(files))
    except GatedRepoError as error:
        raise FrameholdError(
            f"{wanted.repo} is gated: accept its terms at {page}, log in with `hf auth login`, and run again"
        ) from error
    except RevisionNotFoundError as error:
        raise FrameholdError(f"{wanted.repo} has no revision {wanted.revision!r}: see {page}/tree/main") from error
    except RepositoryNotFoundError as error:
        raise FrameholdError(
            f"{wanted.repo}: the hub shows no such repository; if it is private, log in with `hf auth login`"
        ) from error
    except unreachable as error:
        raise _absent(wanted, f"the hub cannot be reached ({type(error).__name__})") from error
    if gap := first_gap(Path(folder), wanted):
        raise FrameholdError(f"{wanted.repo}: {gap}")
    return Found(wanted.repo, str(info.sha), Path(folder))


def _no_connection() -> tuple[type[Exception], ...]:
    """What the hub's library lets through from the HTTP library under it, which has changed more than once."""
    return tuple(
        importlib.import_module(name).HTTPError
        for name in ("httpx", "httpx2")
        if importlib.util.find_spec(name) is not None
    )


def _chosen(info: Any, wanted: Wanted) -> dict[str, int]:
    """The files of a repository that are read, with their sizes: components of the index, no variants, no pickles."""
    sizes = {each.rfilename: int(each.size or 0) for each in info.siblings or ()}
    if wanted.index not in sizes:
        raise FrameholdError(f"{wanted.repo} has no {wanted.index}: it is not in the layout of diffusers")
    depth = 1 if wanted.index == INDEX else 0
    chosen = {}
    for name, size in sizes.items():
        path = Path(name)
        inside = name == wanted.index or (len(path.parts) == depth + 1 and path.parts[0] not in SKIPPED)
        if inside and _is_read(path, wanted.allow_pickle):
            chosen[name] = size
    if wanted.allow_pickle:  # a component that has tensors needs no pickle
        safe = {Path(name).parent for name in chosen if name.endswith(".safetensors")}
        chosen = {name: size for name, size in chosen.items() if not (_is_pickle(name) and Path(name).parent in safe)}
    return chosen


def _is_read(path: Path, allow_pickle: bool) -> bool:
    if path.suffix == ".safetensors" or _is_pickle(path.name):
        is_variant = re.search(r"\.(fp16|fp32|bf16|non_ema|ema)[.-]", path.name) is not None
        return not is_variant and (allow_pickle or path.suffix == ".safetensors")
    return any(path.match(pattern) for pattern in PLAIN)


def _is_pickle(name: str) -> bool:
    return any(Path(name).match(pattern) for pattern in PICKLES)


def _check_room(wanted: Wanted, size: int) -> None:
    from huggingface_hub import constants

    place = next(
        path for path in (Path(constants.HF_HUB_CACHE), *Path(constants.HF_HUB_CACHE).parents) if path.exists()
    )
    free = shutil.disk_usage(place).free
    if size > free:
        raise FrameholdError(
            f"{wanted.repo} takes {size / 1e9:.1f} GB and {place} has {free / 1e9:.1f} GB left: make room, or name "
            "another place with HF_HOME"
        )


# ---- whole, and what was promised --------------------------------------------------------------------------------


def first_gap(folder: Path, wanted: Wanted) -> str | None:
    """What is missing or not allowed in a folder of weights, None when it is whole."""
    index = folder / wanted.index
    if not index.is_file():
        return f"no {wanted.index} in {folder}: expected a folder as save_pretrained writes it"
    if wanted.index != INDEX:
        return _gap_of_component(folder, wanted.allow_pickle)
    for name in components(folder):
        if not (folder / name).is_dir():
            return f"{index} names {name}, and there is no such folder"
        if gap := _gap_of_component(folder / name, wanted.allow_pickle):
            return gap
    return None


def components(folder: Path) -> list[str]:
    """The components of a pipeline that lie in folders of their own, as its index tells."""
    try:
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        pairs = {name: value for name, value in content.items() if isinstance(value, list) and len(value) == 2}
    except (ValueError, OSError, AttributeError) as error:
        raise FrameholdError(f"{folder / INDEX}: not an index of a pipeline: {error}") from error
    return [name for name, (library, _) in pairs.items() if library is not None and name not in SKIPPED]


def _gap_of_component(folder: Path, allow_pickle: bool) -> str | None:
    """Schedulers and tokenizers have no config.json, so nothing to weigh; a model has one and needs its tensors."""
    for index in folder.glob("*.safetensors.index.json"):
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if absent := sorted(shard for shard in shards if not (folder / shard).is_file()):
            return f"{folder / absent[0]} is not there"
    if not (folder / "config.json").is_file() or any(folder.glob(TENSORS)):
        return None
    if any(path for pattern in PICKLES for path in folder.glob(pattern)):
        return None if allow_pickle else (
            f"{folder.name} comes as a pickle only, which can run any code when it is read: "
            "allow it with --allow-pickle if you trust who made it"
        )  # fmt: skip
    return f"{folder} holds no weights"


def check_hashes(folder: Path) -> None:
    """Hold large files of the hub's cache against their names there, their sha256. FrameholdError names the damaged."""
    for path in _read_files(folder, True):
        promised = path.resolve().name
        if re.fullmatch(r"[0-9a-f]{64}", promised) and (found := _sha256(path.resolve())) != promised:
            raise FrameholdError(
                f"{path} is damaged (sha256 {found[:12]}, promised {promised[:12]}): delete it and run again"
            )


def _folder_hash(folder: Path, allow_pickle: bool) -> str:
    return fingerprint(
        {path.relative_to(folder).as_posix(): _sha256(path) for path in _read_files(folder, allow_pickle)}
    )


def _read_files(folder: Path, allow_pickle: bool) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and len(parts) <= 2 and parts[0] not in SKIPPED and _is_read(path, allow_pickle):
            yield path


def _sha256(path: Path) -> str:
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _hashed(path: Path, size: int, changed: int) -> str:
    del size, changed  # with another of either it is another file
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_repo_name(repo: str) -> None:
    """Raises FrameholdError for what is neither a folder nor OWNER/NAME of the hub."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII):
        raise FrameholdError(f"{repo!r}: there is no such folder, and it is no OWNER/NAME of the hub")
