"""What a comparison says: differences, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.records import MissingRule, counted

Verdict = Literal["pass", "regression", "inconclusive"]
Unit = Literal["frames", "seconds"]
EXIT_CODES: Mapping[Verdict, int] = {"pass": 0, "regression": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline with its 95% interval; p is of no difference at all, by sign flips over prompts."""

    baseline: float
    candidate: float
    value: float
    low: float | None
    high: float | None
    p: float | None
    prompts: int
    pairs: int
    p_holm: float | None = None
    """p with all of its family taken together (Holm)."""


@dataclass(frozen=True)
class Side:
    """One of the two models, and the run that its clips are in."""

    run: str
    model: str
    suite: str
    suite_sha256: str
    profile: str
    calibration: str
    clips: int
    missing: int
    missing_rule: MissingRule
    """How its run declared that missing clips are to enter."""


@dataclass(frozen=True)
class ClipPair:
    """One prompt and seed as both models did it; held frames are of the whole clip, None where it is missing.

    Files are paths as the runs were named, from where the command ran; None where the run came without its clips.
    """

    prompt_id: str
    seed: int
    prompt: str
    baseline_held: int | None
    candidate_held: int | None
    baseline_cause: str | None
    candidate_cause: str | None
    baseline_file: str | None
    candidate_file: str | None


@dataclass(frozen=True)
class PromptDifference:
    """How much longer the candidate's clips of one prompt were seen to hold, on average, in the unit of the verdict."""

    prompt_id: str
    value: float
    pairs: int
    clips: tuple[ClipPair, ...] = ()


@dataclass(frozen=True)
class Sensitivity:
    """What would follow if every clip that only one model is missing were as good, or as bad, for the candidate."""

    best: Difference
    best_verdict: Verdict
    worst: Difference
    worst_verdict: Verdict


@dataclass(frozen=True)
class Measured:
    """How far one model's clips lie from the reference, with its 95% interval where there is one."""

    value: float
    low: float | None
    high: float | None
    clips: int


@dataclass(frozen=True)
class DistanceDifference:
    """Which of the two lies further from real footage: above 0 the candidate.

    `told`: can the difference be told from 0, is that outside its interval? None where it has none.
    """

    reference: str
    features: str
    baseline: Measured
    candidate: Measured
    difference: Difference
    told: bool | None
    paired: bool
    """Drawn together, prompt by prompt, against one draw of the reference; else from two separate intervals."""


@dataclass(frozen=True)
class Comparison:
    """All that is known of a candidate against a baseline. Differences are candidate minus baseline."""

    verdict: Verdict
    sentence: str
    unit: Unit
    margin: float
    horizon_frames: int
    horizon_seconds: float
    baseline: Side
    candidate: Side
    frames: Difference
    seconds: Difference
    by_category: Mapping[str, Difference]
    by_cause: Mapping[str, Difference]
    """Time lost to each cause before the horizon, in the unit of the verdict: above 0 the candidate loses more."""
    evidence: Difference | None
    """Of a break, in thresholds, over the pairs in which neither clip broke; None without one, or of two rules."""
    metrics: Mapping[str, Difference]
    distance: DistanceDifference | None
    """From one reference, where both were measured against it."""
    prompts_worse: tuple[PromptDifference, ...]
    unpaired: int
    """Clips whose prompt and seed the other side was never asked for."""
    missing_one_side: int
    missing_both: int
    missing_rule: MissingRule
    """As it entered here; each side has what its run declared."""
    sensitivity: Sensitivity | None
    differs: tuple[str, ...]
    """In what the runs differ although only equals can be compared; the user allowed it."""
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able content."""
        return asdict(self) | {"exit_code": self.exit_code}


def verdict_of(difference: Difference, margin: float) -> Verdict:
    """Pass: the whole interval lies above -margin. Regression: the whole interval lies below it.

    Each is wrong in about 2.5% of the cases at most where the truth lies on the other side (CONSORT, Piaggio 2012).
    """
    if difference.low is None or difference.high is None:
        return "inconclusive"
    if difference.low > -margin:
        return "pass"
    return "regression" if difference.high < -margin else "inconclusive"


def sentence_of(verdict: Verdict, difference: Difference, margin: float, unit: Unit) -> str:
    """The verdict for people, in one line."""
    if difference.low is None or difference.high is None:
        return f"{verdict}: {difference.value:+.2f} {unit}, of one prompt alone; no interval can be given"
    limits = f"{difference.value:+.2f} {unit} (95% interval {difference.low:+.2f} to {difference.high:+.2f})"
    if verdict == "pass":
        return f"pass: {limits}, no more than {margin:.2f} {unit} worse"
    if verdict == "regression":
        return f"regression: {limits}, more than {margin:.2f} {unit} worse"
    why = "worse, but it is not settled whether by more than" if difference.high < 0 else "it may be worse by more than"
    return f"inconclusive: {limits}, {why} {margin:.2f} {unit}"


def beneath_alarm(verdict: Verdict, evidence: Difference | None) -> str:
    """What a pass does not say, as the end of its sentence: the candidate's clips come nearer to an alarm."""
    if verdict != "pass" or evidence is None or evidence.low is None or evidence.high is None or evidence.low <= 0:
        return ""
    return (
        f"; but where neither breaks, its clips show more evidence of breaks: {evidence.value:+.2f} of a threshold "
        f"({evidence.low:+.2f} to {evidence.high:+.2f}, {counted(evidence.pairs, 'pair')})"
    )


def read_margin(text: str, horizon: float) -> float:
    """`5%` of the horizon, or a number in its own unit. Raises ValueError when it is neither.

    >>> read_margin("5%", 48), read_margin("2", 48)
    (2.4000000000000004, 2.0)
    """
    number = text.strip().removesuffix("%")
    margin = float(number)
    if not 0 <= margin < float("inf"):
        raise ValueError(f"a margin is 0 or more, got {text}")
    return margin / 100 * horizon if "%" in text else margin
