"""admit: runs -> the models that keep the rules of a leaderboard, and what the others broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.ranking import Rejected
from bench.records import ClipRow, FrameholdError, MissingClip
from bench.stages import Crew
from bench.stages.pair import alterations, differences
from bench.stages.redraw import HeldRun
from bench.suite import suite_hash
from bench.summary import Judged
from bench.video import content_hash

MOST_MISSING = 0.05


@dataclass(frozen=True)
class Submission:
    """One model of one run, under the name that it has in the table."""

    label: str
    run: HeldRun
    model: str

    @cached_property
    def rows(self) -> list[ClipRow]:
        """Its clips, the missing ones included."""
        return list(self.run.of(self.model).values())

    @cached_property
    def judged(self) -> list[Judged]:
        """Its holds."""
        return [self.run.judged[row.clip_id] for row in self.rows if row.clip_id in self.run.judged]

    def labelled(self) -> list[Judged]:
        """Its holds under the name that it has in the table."""
        return [replace(clip, model=self.label) for clip in self.judged]


# ---- the rules ---------------------------------------------------------------------------------------------------


def _breaks_suite(one: Submission, standard: HeldRun) -> str | None:
    suite = one.run.spec.suite
    if not suite.prompts:
        return "it was made from a folder of clips without a suite"
    if suite_hash(suite) != suite.sha256:
        return "its prompts are not those of the suite's hash"
    return None


def _breaks_sameness(one: Submission, standard: HeldRun) -> str | None:
    differing = differences(standard, one.run)
    return f"another {', '.join(differing)} than {standard.folder.root}" if differing else None


def _breaks_seal(one: Submission, standard: HeldRun) -> str | None:
    return next(alterations(one.run.folder, one.run.spec.suite, one.rows), None)


def _breaks_completeness(one: Submission, standard: HeldRun) -> str | None:
    absent = [row for row in one.rows if row.clip_id in one.run.absent]
    asked = sum(len(prompt.seeds) for prompt in one.run.spec.suite.prompts)
    return f"{len(absent)} of {asked} clips were never made ({absent[0].prompt_id})" if absent else None


def _breaks_missing(one: Submission, standard: HeldRun) -> str | None:
    missing = sum(row.clip_id in one.run.missing and row.clip_id not in one.run.absent for row in one.rows)
    if missing > MOST_MISSING * len(one.rows):
        return f"{missing} of {len(one.rows)} clips are missing, more than {MOST_MISSING:.0%}"
    return None


def _breaks_weights(one: Submission, standard: HeldRun) -> str | None:
    backends = {row.backend for row in one.rows}
    sources = [source for source in one.run.spec.sources if source.backend in backends]
    if any(str(source.options.get("weights")) == "random" for source in sources):
        return "its weights are random"
    marked = sum(str(row.facts.get("weights")) == "random" for row in one.rows)
    return f"{marked} of {len(one.rows)} clips were made with random weights" if marked else None


def _breaks_files(one: Submission, standard: HeldRun) -> str | None:
    root = one.run.folder.root.resolve()
    for row in one.rows:
        if row.file:
            path = (root / row.file).resolve()
            try:
                intact = path.is_relative_to(root) and content_hash(path) == row.sha256
            except MissingClip:
                intact = False
            if not intact:
                return f"{row.file} is not the clip that was scored"
    return None


Rule = Callable[[Submission, HeldRun], str | None]
RULES: dict[str, Rule] = {
    "a suite that is its hash": _breaks_suite,
    "one suite, profile, calibration and CLIP": _breaks_sameness,
    "tables as they were sealed": _breaks_seal,
    "every prompt and seed": _breaks_completeness,
    "no more than 5% missing": _breaks_missing,
    "no random weights": _breaks_weights,
    "every clip is its hash": _breaks_files,
}


def admit(held: Sequence[HeldRun], crew: Crew, rules: bool = True) -> tuple[list[Submission], list[Rejected]]:
    """(models that keep the rules, models that do not); the first run is the standard for the others.

    Raises FrameholdError when no model is left.
    """
    admitted, rejected = [], []
    submissions = _submissions(held)
    for done, one in enumerate(submissions):
        crew.progress("check", done, len(submissions))
        checks = RULES.values() if rules else ()
        reasons = tuple(reason for check in checks if (reason := check(one, held[0])))
        if reasons or not one.judged:
            rejected.append(Rejected(one.label, str(one.run.folder.root), reasons or ("every clip is missing",)))
        else:
            admitted.append(one)
    crew.progress("check", len(submissions), len(submissions))
    if not admitted:
        told = "; ".join(f"{each.label}: {each.reasons[0]}" for each in rejected)
        raise FrameholdError(f"no model keeps the rules of a leaderboard: {told}")
    return admitted, rejected


def _submissions(held: Sequence[HeldRun]) -> list[Submission]:
    """Every model of every run; one that comes twice is told apart by its run."""
    counts = Counter(model for run in held for model in run.models)
    found = [
        Submission(model if counts[model] == 1 else f"{model} ({run.folder.root.name})", run, model)
        for run in held
        for model in run.models
    ]
    twice = [label for label, count in Counter(one.label for one in found).items() if count > 1]
    if twice:
        raise FrameholdError(f"two runs both give {twice[0]}: name each run once, or rename one's folder")
    return found
