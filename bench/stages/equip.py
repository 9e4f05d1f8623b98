"""equip: a profile -> the networks that its signals need, found before any clip is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.embedded import embedded_weights
from bench.networks import WeightsAbsent
from bench.signals import open_profile


def find_networks(profile: str, offline: bool) -> dict[str, str]:
    """Have the profile's networks here, downloaded unless `offline`; what decides their numbers (`about_networks`).

    Raises WeightsAbsent naming all that are not here and cannot be had.
    """
    names = open_profile(profile).networks
    if not names:
        return {}
    from bench.dense import find_dense

    try:
        find_dense(names, offline)
    except WeightsAbsent as error:
        raise WeightsAbsent(f"--profile {profile}: {error}; or take --profile light, which needs none") from error
    return about_networks(profile)


def about_networks(profile: str) -> dict[str, str]:
    """sha256 of the networks that the profile downloads, their libraries, the device they run on; empty for none."""
    names = open_profile(profile).networks
    if not names:
        return {}
    from bench.dense import about_dense

    return about_dense(names)


def open_networks(profile: str, unseen: str | None = None) -> Mapping[str, Any]:
    """The networks of a profile's signals by name, each loaded once a process.

    Of those that come with framehold, the ones that the clip with the content hash `unseen` did not teach.
    """
    embedded, names = embedded_weights(unseen), open_profile(profile).networks
    if not names:
        return embedded
    from bench.dense import open_dense

    return {**embedded, **open_dense(names)}
