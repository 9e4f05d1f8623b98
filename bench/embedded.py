"""The networks that come with framehold: their weights lie in bench/assets and are checked before use."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bench.records import FrameholdError

Member = Mapping[str, NDArray[np.float32]]

CONTINUATION = ("networks/continuation.safetensors", "a9222449824cbabf0e483687a0a0436bda4cf7319c0df3f798683530de94e562")


def embedded_weights(unseen: str | None = None) -> Mapping[str, tuple[Member, ...]]:
    """Members of each embedded network by its name: the one taught by everything, or for a clip that it was taught by
    (whose sha256 is `unseen`) the one that was not.

    Raises FrameholdError when the installation is damaged.
    """
    members = _continuation()
    fair = [member for member, seen in members if unseen not in seen]
    return {"continuation": tuple(fair[:1])}


def embedded_sha256() -> dict[str, str]:
    """sha256 of each embedded network's file, by its name."""
    return {"continuation": CONTINUATION[1]}


def metadata(content: bytes) -> dict[str, str]:
    """What is written in the head of a safetensors file beside the tensors."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header["__metadata__"])


@lru_cache(maxsize=1)
def _continuation() -> tuple[tuple[Member, frozenset[str]], ...]:
    """(weights, sha256 of the clips it was trained on) of each member."""
    from safetensors.numpy import load

    name, expected = CONTINUATION
    try:
        content = (files("bench") / "assets" / name).read_bytes()
    except OSError as error:
        raise FrameholdError(f"bench/assets/{name}: {error.strerror}: install framehold again") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise FrameholdError(f"bench/assets/{name}: not the file it should be (sha256): install framehold again")
    seen = json.loads(metadata(content)["seen"])
    members: dict[str, dict[str, NDArray[np.float32]]] = defaultdict(dict)
    for key, values in load(content).items():
        member, _, part = key.partition(".")
        members[member][part] = np.asarray(values, np.float32)
    return tuple((members[member], frozenset(seen[member])) for member in sorted(members, key=_all_first))


def _all_first(member: str) -> tuple[bool, str]:
    return member != "mall", member
