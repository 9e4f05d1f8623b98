"""size: pilot runs -> how many prompts and seeds a difference worth seeing takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.comparison import Sides, common_horizons
from bench.power import (
    Size,
    SizeRow,
    Spread,
    chances,
    pooled,
    prompts_needed,
    spread_of_differences,
    spread_of_one_model,
)
from bench.records import FrameholdError
from bench.run_folder import RunFolder
from bench.stages.pair import Contender, Pairing, differences, open_contender, open_held
from bench.verdict import read_margin

PROMPTS = (10, 20, 50, 100, 200, 500)
SEEDS = (1, 2, 3, 5)
WANTED = 0.8
ALIKE = 0.5  # how prompt effects of two versions correlate, where the pilot is of one model alone


def size(
    pilots: Sequence[str], *, difference: str = "10%", margin: str = "5%", library: Path = Path("results")
) -> Size:
    """From RUN or RUN:MODEL pilots, or where none is named from every summarized run of the library.

    Two models or more over the same prompts give the spread of their differences; one alone gives that of two versions
    of itself whose prompt effects correlate by one half. Raises FrameholdError when there is no pilot, or no spread.
    """
    drop, allowed = _share("--difference", difference), _share("--margin", margin)
    if drop <= allowed:
        raise FrameholdError(
            f"--difference {difference} lies within --margin {margin}: such a drop is no regression, with however many "
            "prompts"
        )
    contenders = _contenders(pilots, library)
    spreads, basis = _spreads(contenders)
    spread = pooled(spreads)
    rows = []
    for seeds in SEEDS:
        for prompts in PROMPTS:
            passes, found = chances(spread, prompts, seeds, drop, allowed)
            rows.append(SizeRow(prompts, seeds, prompts * seeds, passes, found))
    enough = tuple((seeds, *prompts_needed(spread, seeds, drop, allowed, WANTED)) for seeds in SEEDS)
    named = tuple(f"{each.run.folder.root}:{each.model}" for each in contenders)
    return Size(named, basis, spread, drop, allowed, WANTED, tuple(rows), enough)


def _share(option: str, text: str) -> float:
    try:
        share = read_margin(text, 1.0)
    except ValueError as error:
        raise FrameholdError(f"{option} {text}: expected a share of the horizon, such as 10%") from error
    if "%" not in text or share > 1:
        raise FrameholdError(f"{option} {text}: expected a share of the horizon up to 100%, such as 10%")
    return share


def _contenders(pilots: Sequence[str], library: Path) -> list[Contender]:
    places = list(pilots)
    if not places:
        folders = sorted(library.iterdir()) if library.is_dir() else []
        places = [str(path) for path in folders if (path / "summary.json").is_file()]
    if not places:
        raise FrameholdError(f"no pilot: name runs with --pilot, or put summarized runs into {library}")
    found: list[Contender] = []
    for place in places:
        if (Path(place) / "spec.json").is_file():
            run = open_held(RunFolder(place))
            found += [Contender(run, model) for model in run.models]
        else:
            found.append(open_contender(place))
    return [each for each in found if any(row.clip_id in each.run.judged for row in each.rows.values())]


def _spreads(contenders: Sequence[Contender]) -> tuple[list[Spread], str]:
    """Of every pair of models that can be compared; else of each model by itself."""
    found = []
    for one, other in combinations(contenders, 2):
        if differences(one.run, other.run):
            continue
        pairing = Pairing(one, other)
        shared = sum(clip is not None and partner is not None for clip, partner in zip(*pairing.judged(), strict=True))
        if shared and len({prompt for prompt, _ in pairing.asked}) > 1:
            found.append(_of_pair(pairing.sides()))
    if found:
        return found, f"the differences of {len(found)} pairs of models"
    alone = [spread for each in contenders if (spread := _of_one(each))]
    if not alone:
        raise FrameholdError("the pilots have clips of fewer than two prompts: nothing is known of how prompts differ")
    return alone, f"{len(alone)} models, each against a version of itself (prompt effects correlating by {ALIKE:g})"


def _of_pair(sides: Sides) -> Spread:
    horizon = common_horizons(sides).frames
    shares = [
        [min(clip.hold.held_frames, horizon) / horizon for clip in side] for side in (sides.baseline, sides.candidate)
    ]
    return spread_of_differences(shares[0], shares[1], sides.prompts)


def _of_one(each: Contender) -> Spread | None:
    clips = [clip for clip in each.run.judged.values() if clip.model == each.model]
    if len({clip.prompt_id for clip in clips}) < 2:
        return None
    horizon = float(np.median([clip.frames for clip in clips]))
    shares = [min(clip.hold.held_frames, horizon) / horizon for clip in clips]
    return spread_of_one_model(shares, [clip.prompt_id for clip in clips], ALIKE)
