"""What a study found, for people: Markdown tables, a table for the terminal, and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.records import Interval, LeftOut
from bench.report.markdown import plain
from bench.report.study_misses import study_misses_page
from bench.report.targets import below_targets, family_rows, measure_rows, target_rows
from bench.run_folder import replace, replace_text
from bench.validation import ALWAYS_HALF, NEVER, OWN, Found

COLUMNS = (
    "failure",
    "trials",
    "AUC",
    "caught",
    "onset within 2",
    "within 5",
    "premature",
    "onset error",
    "delay",
    "C-index",
    "tau",
    "best baseline AUC",
)


def write_study(study: Mapping[str, Any], found: Sequence[Found], out: Path) -> list[Path]:
    """validation.md, validation.svg and misses.html in `out`; the paths written."""
    table, figure, page = out / "validation.md", out / "validation.svg", out / "misses.html"
    replace_text(table, study_markdown(study, found))
    _draw(found, figure)
    replace_text(page, study_misses_page(study, out))
    return [table, figure, page]


def study_markdown(study: Mapping[str, Any], found: Sequence[Found]) -> str:
    """All tables of a study."""
    left_out = plain(LeftOut(**study["left_out"]).told)
    lines = [
        "# Does the hold find breaks whose frame is known?",
        "",
        f"Footage: {study['clips']} clips of {study['sources']} sources, {study['frames']} frames, about 24 a second.",
        *([f"{left_out[0].upper()}{left_out[1:]}."] if left_out else []),
        f"Thresholds: {study['thresholds']}. {study['trials']} failures laid. Intervals are 95%.",
        "",
        f"False alarms: {_share(study['false_alarms']['share'])} of {study['false_alarms']['clips']} unbroken clips.",
        "",
        "## Failures",
        "",
        "AUC, tau: of the largest evidence. Onset error: median, frames. Delay: median frames from onset to alarm,",
        "misses censored. Failures that nobody could have seen are left out.",
        "",
        *_markdown(COLUMNS, study_rows(found)),
        "",
        *_target_lines(study, found),
        *_baseline_lines(found),
        "## Hard but consistent: what must raise no alarm",
        "",
        *_markdown(
            ("control", "trials", "alarms"),
            [(name, str(its["trials"]), _share(its["alarms"])) for name, its in study["controls"].items()],
        ),
        "",
        "## Clips made to please",
        "",
        *_markdown(
            ("clip", "trials", "share of it held", "held to the end"),
            [
                (name, str(its["trials"]), f"{its['held_share']:.2f}", f"{its['held_to_end']:.2f}")
                for name, its in study["adversaries"].items()
            ],
        ),
        "",
    ]
    return "\n".join(lines)


def _target_lines(study: Mapping[str, Any], found: Sequence[Found]) -> list[str]:
    head, rows = target_rows(below_targets(study, found))
    told = (
        "What was reached / what was wanted; a star where the interval holds what was wanted. Delay: median frames at "
        "middle severity, - where more than half were missed."
    )
    return ["## Below the targets", "", *([told, "", *_markdown(head, rows)] if rows else ["Nothing."]), ""]


def _baseline_lines(found: Sequence[Found]) -> list[str]:
    families = family_rows(found)
    above = sum(row[-1] == "yes" for row in families)
    return [
        "## Against the baselines",
        "",
        f"framehold's AUC is above that of every baseline in {above} of {len(families)} families.",
        "",
        *_markdown(("family", "framehold AUC", "best baseline AUC", "above every baseline"), families),
        "",
        "Means over families:",
        "",
        *_markdown(("measure", "AUC", "caught", "onset within 2", "C-index"), measure_rows(found)),
        "",
    ]


def study_table(found: Sequence[Found]) -> Table:
    """The failures, for a terminal."""
    table = Table(title="Failures of a known kind at a known frame (95% intervals)", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "failure" else "right")
    for row in study_rows(found):
        if "|" not in row[0]:
            table.add_row(*row)
    return table


def study_rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    """A row a group of failures: framehold's figures, and the AUC of the best baseline beside them."""
    rows: list[tuple[str, ...]] = []
    for one in (each for each in found if each.measure == OWN):
        rivals = [each for each in found if each.group == one.group and each.measure not in {OWN, ALWAYS_HALF, NEVER}]
        best = max(rivals, key=lambda each: each.auc.value, default=None)
        rows.append(
            (
                one.group,
                f"{one.trials}" + (f" (+{one.unseen} unseen)" if one.unseen else ""),
                _interval(one.auc),
                _interval(one.caught),
                _interval(one.within_2),
                f"{one.within_5.value:.2f}",
                f"{one.premature:.2f}",
                _number(one.error_median),
                _number(one.delay_median),
                _interval(one.concordance),
                _number(one.severity_tau, "{:.2f}"),
                f"{best.auc.value:.2f} {best.measure}" if best else "-",
            )
        )
    return rows


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(cell.replace(" | ", ", ").replace("|", ",") for cell in row) + " |" for row in rows),
    ]


def _interval(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f}-{interval.high:.2f})"


def _share(block: Mapping[str, float]) -> str:
    return f"{block['value']:.1%} ({block['low']:.1%} to {block['high']:.1%})"


def _number(value: float | None, form: str = "{:.0f}") -> str:
    return "-" if value is None else form.format(value)


def _draw(found: Sequence[Found], path: Path) -> None:
    """AUC and onset within 2 frames of every failure, framehold's as a disc with its interval, baselines as ticks."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    own = [each for each in found if each.measure == OWN and "|" not in each.group]
    figure = Figure(figsize=(9, 0.28 * len(own) + 1.2), layout="constrained")
    FigureCanvasSVG(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, title in zip(panels, ("auc", "within_2"), ("AUC", "onset within 2 frames"), strict=True):
        for row, one in enumerate(own):
            value, low, high = getattr(one, name)
            axes.plot([low, high], [row, row], color="#2a6fb0", linewidth=2, alpha=0.5)
            axes.plot([value], [row], "o", color="#2a6fb0")
            rivals = [each for each in found if each.group == one.group and each.measure != OWN]
            axes.plot([getattr(each, name).value for each in rivals], [row] * len(rivals), "|", color="#888888")
        axes.set_title(title)
        axes.set_xlim(-0.02, 1.02)
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(own)), [each.group.replace("_", " ") for each in own])
    panels[0].invert_yaxis()
    replace(path, lambda new: figure.savefig(new, format="svg", metadata={"Date": None}))
