"""Models that can no longer be had: refused before anything is spent, with who follows them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.records import FrameholdError


@dataclass(frozen=True)
class Retired:
    """A model whose service has ended."""

    ended: str
    successor: str


GEN45 = "runway/gen4.5"
OTHERS = "another hosted model, such as runway/gen4.5"
VEO = "google-video/veo-3.1-generate-001 on Vertex"

# The name after the backend -> when it ended and what to ask for instead.
RETIRED: dict[str, Retired] = {
    "runway/gen2": Retired("before 2026", GEN45),
    "runway/gen3": Retired("before 2026", GEN45),
    "runway/gen3a": Retired("before 2026", GEN45),
    "runway/gen3a_turbo": Retired("on 2026-07-30", GEN45),
    "google-video/veo-2.0-generate-001": Retired("on the Developer API on 2026-10-22", VEO),
    "google-video/veo-3.0-generate-preview": Retired("on 2026-10-22", VEO),
    "google-video/veo-3.0-fast-generate-preview": Retired("on 2026-10-22", VEO),
    "google-video/veo-3.1-generate-preview": Retired("on 2026-10-22", VEO),
    "google-video/veo-3.1-fast-generate-preview": Retired("on 2026-10-22", VEO),
}
SPELLINGS = {"gen-2": "gen2", "gen-3": "gen3", "gen3-alpha": "gen3a", "gen3a-turbo": "gen3a_turbo"}


def refuse_retired(name: str) -> None:
    """Raises FrameholdError for a retired model, named as `backend/model`."""
    backend, _, model = name.partition("/")
    gone = RETIRED.get(f"{backend}/{SPELLINGS.get(model, model)}")
    if gone:
        raise retirement(name, gone)


def retirement(name: str, gone: Retired) -> FrameholdError:
    """The line for a retired model: its successor, and the road for clips made while it lived."""
    return FrameholdError(
        f"{name} ended {gone.ended}: ask for {gone.successor}, "
        f"or score clips it made before with --clips DIR --model {name.rpartition('/')[2]}"
    )
