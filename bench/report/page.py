"""The page of a run: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from bench.holds import STATIC
from bench.records import counted
from bench.report.clip_cards import ClipGroup, clip_groups
from bench.report.distance_panels import distance_panels
from bench.report.evidence_lines import THRESHOLD
from bench.report.ranking import ranked_rows, reference_rows
from bench.report.spelling import percent, printable, unit
from bench.report.survival_panels import survival_panels, whisker
from bench.report.words import cause_label
from bench.run_folder import RunFolder
from bench.survival import share_interval

NO_SIGNAL = {STATIC: "less motion than real footage shows"}
STATES = ("broke", "static", "held", "missing")


def page(run: RunFolder) -> str:
    """The HTML of a summarized run. Raises FrameholdError naming the stage that has not run yet."""
    spec, summary = run.spec(), run.summary()
    holds = run.table(run.holds_path).to_pylist()
    rows, references = ranked_rows(summary), reference_rows(summary)
    groups = clip_groups(run, rows, holds)
    script = _asset("report.js")
    return _environment().get_template("report.html").render(
        spec=spec,
        summary=summary,
        rows=rows,
        references=references,
        prompts=len({clip.clip.prompt_id for group in groups for clip in group.cards}),
        panels=survival_panels(rows, holds, summary),
        distances=distance_panels(summary),
        ceiling=whisker(summary["reference"].get("real footage"), max(int(summary["horizon"]), 1)),
        groups=groups,
        states=_states(groups),
        truths=any(card.line and card.line.true_break for group in groups for card in group.cards),
        strips=_strips(groups),
        threshold=f"{THRESHOLD:g}",
        classes=_classes(summary),
        causes=_causes(holds),
        script=Markup(script),  # noqa: S704 - ours
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip


def _environment() -> Environment:
    """Everything that is printed is escaped; an unknown name in a template is an error."""
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_asset),
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "count": counted}
    return environment


def _asset(name: str) -> str:
    return (files("bench") / "assets" / "templates" / name).read_text(encoding="utf-8")


def _states(groups: list[ClipGroup]) -> dict[str, int]:
    """How many clips each verdict has, the absent verdicts left out."""
    found = Counter(card.state for group in groups for card in group.cards)
    return {state: found[state] for state in STATES if found[state]}


def _strips(groups: list[ClipGroup]) -> dict[str, int]:
    cards = [card for group in groups for card in group.cards]
    shown = sum(card.strip is not None for card in cards)
    return {"shown": shown, "made": shown + sum(card.strip_link is not None for card in cards)}


def _classes(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The rate classes of the calibration, with the false alarms observed and their exact interval."""
    classes = []
    for rate in summary["calibration"]["classes"]:
        tested = rate["tested_sources"]
        observed = share_interval(rate["false_alarms"], tested) if tested else None
        classes.append(rate | {"observed": observed})
    return classes


def _causes(holds: list[dict[str, Any]]) -> dict[str, str | None]:
    """Every cause that ended a hold here, in plain words, with the unit of its signal."""
    return {
        cause_label(cause): NO_SIGNAL.get(cause) or unit(cause)
        for cause in sorted({hold["cause"] for hold in holds} - {None})
    }
