"""Every record that crosses a room, frozen. Imports nothing of ours.

Frames count from 0. Regions are fractions of the picture. A clip is known by model x prompt x seed and by nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Moves = Literal["subject", "camera", "scene", "none"]
Family = Literal["alignment", "flow", "features", "motion"]
Seeded = Literal["exact", "similar", "no"]
"""What a seed is worth: the same clip again, one much like it, or nothing. Where it is nothing, pair by prompt."""
Json = Mapping[str, Any]
Picture = NDArray[np.uint8]  # height x width x 3, RGB


NAMED = 3  # of many words or files; the others are counted
REAL, FROZEN = "real footage", "frozen frame"
"""The two rows that stand in every table; no model may have their names."""


class FrameholdError(Exception):
    """The run cannot go on. One line for the user: names the file or option and says what to do."""


class MissingClip(FrameholdError):
    """This one clip cannot be had: refused, failed or unreadable. It becomes a `missing` row and the run goes on."""


def slug(text: str, length: int = 40) -> str:
    """Lower-case letters, digits and dashes only, so that any text can name a file.

    >>> slug("A man / walks: ../../etc")
    'a-man-walks-etc'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:length].strip("-") or "x"


def first_few(names: Sequence[str], between: str = ", ") -> str:
    """The first three of a list, and how many more there are.

    >>> first_few("abcde")
    'a, b, c, and 2 more'
    """
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return between.join([*names[:NAMED], *more])


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "clip"), counted(12, "clip")
    ('1 clip', '12 clips')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def fingerprint(content: object) -> str:
    """sha256 of the canonical JSON of `content`: equal content, equal print, on any machine."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def canonical_json(content: object) -> str:
    """JSON with sorted keys and no spaces; refuses what JSON cannot hold (NaN included)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


# ---- prompts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prompt:
    """One prompt of a suite. `moves` says what must move in the clip for it not to be `static`."""

    id: str
    text: str
    category: str = "uncategorised"
    moves: Moves = "subject"
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Suite:
    """A fixed, versioned, hashed list of prompts. `horizon` is in frames; None means the shortest model's length."""

    name: str
    version: int
    prompts: tuple[Prompt, ...]
    description: str = ""
    horizon: int | None = None
    sha256: str = ""


# ---- clips -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class ClipKey:
    """The only join key: model x prompt x seed."""

    model: str
    prompt_id: str
    seed: int

    @property
    def clip_id(self) -> str:
        """A file-safe name that no other key shares."""
        digest = fingerprint([self.model, self.prompt_id, self.seed])[:10]
        return f"{slug(self.model, 24)}_{slug(self.prompt_id, 24)}_{self.seed}_{digest}"


@dataclass(frozen=True)
class ClipRequest:
    """What a backend is asked for. None leaves the choice to the model's own default."""

    key: ClipKey
    prompt: Prompt
    frames: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    identity: str = ""
    """What else decides the clip: a file's hash, the commit of a model, the version of a renderer."""


@dataclass(frozen=True)
class Quote:
    """What the clips of one model cost. `usd_a_clip` is the most one of them can cost, None where nobody has said."""

    model: str
    clips: int
    seconds: float
    """Of video, all clips together."""
    usd_a_clip: float | None
    source: str = ""
    """Who says so, and when."""


@dataclass(frozen=True)
class Load:
    """What the clips of one model take of this machine. None where nobody knows."""

    model: str
    clips: int
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    """Of each clip."""
    memory_gb: float | None = None
    seconds_a_clip: float | None = None
    disk_gb: float | None = None
    """The most that its clips take in the run folder."""
    source: str = ""
    """Where the seconds are from."""


@dataclass(frozen=True)
class Plan:
    """What a backend will do if it is let: its requests, and what they cost before anything is spent."""

    requests: tuple[ClipRequest, ...]
    cost_usd: float = 0.0
    quotes: tuple[Quote, ...] = ()
    notes: tuple[str, ...] = ()
    """What whoever pays should know beforehand: prompts that will not be sent, seeds that mean nothing."""
    loads: tuple[Load, ...] = ()


@dataclass(frozen=True)
class Clip:
    """What a backend hands over: frames drawn here (with `fps`), or a file whose bytes stay untouched."""

    frames: Iterator[Picture] | None = None
    fps: float | None = None
    path: Path | None = None
    facts: Json = field(default_factory=dict)
    """What reproduces the clip, and what is known of it (`true_break_frame` where the backend knows)."""
    seeded: Seeded | None = None
    cost_usd: float | None = None


# ---- the run -----------------------------------------------------------------------------------------------------

MissingRule = Literal["left-out", "broken"]
"""How a missing clip enters a comparison: left out with its partner, or as if it had broken at once."""


@dataclass(frozen=True)
class Source:
    """Where clips come from: a backend, the options it is built with, and the models asked of it (all when empty)."""

    backend: str
    options: Json = field(default_factory=dict)
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spec:
    """The whole request of a run. What changes a number is here; how many workers did it is not."""

    suite: Suite
    sources: tuple[Source, ...]
    profile: str = "light"
    clip_model: str | None = None
    """open_clip architecture and weights as `ARCH/TAG` or `ARCH/path/to/file`; None leaves alignment unscored."""
    calibration: str | None = None
    """A calibration file of one's own; None is the one shipped for the profile."""
    calibration_sha256: str = ""
    horizon: int | None = None
    reference: str | None = None
    """A folder of real footage that each model's distance is measured from; None leaves distances unmeasured."""
    features: str = "embedded"
    """The extractor behind those distances."""
    missing: MissingRule = "left-out"
    """Declared with the run, before anyone knows which clips will be missing."""
    versions: Json = field(default_factory=dict)
    machine: Json = field(default_factory=dict)


@dataclass(frozen=True)
class ClipRow:
    """A line of clips.jsonl: what a clip is, where it came from, its bytes, or in `missing` why there are none."""

    clip_id: str
    model: str
    prompt_id: str
    seed: int
    prompt: str
    category: str
    moves: Moves
    backend: str
    fingerprint: str
    file: str | None = None
    preview: str | None = None
    sha256: str | None = None
    fps: float | None = None
    """Only where the clip itself cannot say: a folder of pictures."""
    missing: str | None = None
    facts: Json = field(default_factory=dict)
    refused: str | None = None
    """The code with which a provider refused the prompt. Such a clip is missing for good and never asked for again."""
    seeded: Seeded | None = None
    cost_usd: float | None = None
    """What was really charged, where the provider says so; else the price of the table, and the facts say which."""


# ---- curves and holds --------------------------------------------------------------------------------------------


class Region(NamedTuple):
    """A box in the picture, as fractions of its width and height."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Profile:
    """The signals with their networks and preprocessing, named and versioned: another version gives other numbers."""

    name: str
    version: int
    signals: tuple[str, ...]
    decides: tuple[tuple[str, Mode], ...] = ()
    """The signals that can raise an alarm, and how they are read for it; the others say what kind of break it was."""
    strange: tuple[tuple[str, Mode], ...] = ()
    """Readings far larger in some real clips than in all others: their scale is that of those clips."""
    adds: tuple[tuple[str, Mode, float], ...] = ()
    """Signals that raise none and add, each by its weight, to the evidence below the threshold: they rank clips."""
    description: str = ""
    networks: tuple[str, ...] = ()
    """Networks whose published weights it needs; those that come with framehold are not named."""


@dataclass(frozen=True)
class Curve:
    """A value for each of `frames` (container frames, increasing). Higher is less consistent; NaN says nothing."""

    signal: str
    frames: tuple[int, ...]
    values: tuple[float, ...]
    regions: tuple[Region | None, ...] = ()


@dataclass(frozen=True)
class ScoredRow:
    """A line of scored.jsonl: what decoding told of a clip. `unscored` names what was not measured, and why."""

    clip_id: str
    fingerprint: str
    frames: int = 0
    distinct_frames: int = 0
    fps: float = 0.0
    """Container frames a second; 0 for a single frame."""
    width: int = 0
    height: int = 0
    unscored: Json = field(default_factory=dict)
    missing: str | None = None


Mode = Literal["level", "jump"]


@dataclass(frozen=True)
class Detector:
    """One way a signal gives a break away, and what real footage shows of it.

    `level` reads log(value + floor), `jump` reads how far that lies above its own median over the last steps. Either is
    standardised within bins of motion (`edges` in working pixels a step) and divided by `tail`, its usual largest value
    in a real clip, so that all detectors can be held against one threshold.
    """

    signal: str
    mode: Mode
    floor: float
    edges: tuple[float, ...]
    medians: tuple[float, ...]
    spreads: tuple[float, ...]
    tail: float
    decides: bool = True
    """Can it raise an alarm?"""
    adds: float = 0.0
    """Weight with which one that cannot raise an alarm adds to the evidence below the threshold; one that can has 1."""
    names: bool = True
    """Does its signal say what kind of break it is?"""
    threshold: float | None = None
    """Its own; None where it is held against that of the rate class."""
    least_seconds: float = 0.0
    """Of a clip; of a shorter one it says nothing."""


@dataclass(frozen=True)
class RealHold:
    """What the rule says of one real source that took no part in making it."""

    source: str
    frames: int
    fps: float
    held_frames: int
    broke: bool
    at_levels: tuple[tuple[float, int], ...] = ()
    """(false-alarm level, held frames) at that level and up to the next one, from the lowest on; empty: not kept."""


@dataclass(frozen=True)
class RateClass:
    """The rule for clips of about `fps` distinct frames a second, calibrated over `frames` frames."""

    fps: float
    frames: int
    detectors: tuple[Detector, ...]
    scores: tuple[float, ...]
    """Largest evidence in each real source kept for the threshold, sorted; the threshold is one of them."""
    threshold: float
    still_subject: float
    still_picture: float
    """Motion, in picture sizes a second, below which a clip is stiller than real footage."""
    reality: tuple[RealHold, ...] = ()
    unlinked: float = 1.0
    """Limit of `bench.holds.unlinked`, above which frames do not go on from one another; 1 is never passed."""


@dataclass(frozen=True)
class Calibration:
    """Thresholds of a profile, learnt from real footage at the false-alarm level `alpha`."""

    profile: str
    profile_version: int
    alpha: float
    classes: tuple[RateClass, ...]
    sources: tuple[str, ...] = ()
    versions: Json = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """Files of reference footage that were not used, each with its reason, of how many there were."""

    of: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """How many, and the first of them by name; nothing where all were used.

        >>> LeftOut(9, {"a.mp4": "the file is empty", "b.mp4": "5 frames, fewer than 8"}).told
        'left out 2 of 9 files: a.mp4: the file is empty; b.mp4: 5 frames, fewer than 8'
        """
        if not self.reasons:
            return ""
        named = first_few([f"{file}: {reason}" for file, reason in self.reasons.items()], "; ")
        return f"left out {len(self.reasons)} of {counted(self.of, 'file')}: {named}"

    def after(self, error: str) -> str:
        """An error about the footage that is left, and what was left out of it."""
        return "; ".join(filter(None, (error, self.told)))


@dataclass(frozen=True)
class AlignmentThreshold:
    """What one CLIP's loss of alignment must exceed to end a hold, learnt from drawn clips that keep their subject.

    Real footage has no prompt. `scores` are the largest losses of the clips, sorted; the threshold is one of them.
    """

    clip: str
    clip_sha256: str
    alpha: float
    threshold: float
    scores: tuple[float, ...]
    least_seconds: float
    """Of those clips; a shorter one can end while its subject is hidden."""
    clips: Json
    """How many of each condition, frame rate and length."""
    seed: int
    versions: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Hold:
    """How long one clip stayed consistent. Frames are container frames; a static clip held 1 frame by rule."""

    held_frames: int
    broke: bool
    onset_frame: int | None = None
    alarm_frame: int | None = None
    cause: str | None = None
    region: Region | None = None
    evidence: float = 0.0
    """Largest evidence over the clip, as a multiple of the threshold; below 1 what several signals say adds up."""


class Interval(NamedTuple):
    """A value between its limits."""

    value: float
    low: float
    high: float
