"""A comparison for terminals, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bench.records import counted
from bench.report.markdown import link, plain, table
from bench.report.spelling import one_way
from bench.report.words import cause_label
from bench.verdict import ClipPair, Comparison, Difference, Unit

HEAD = ("", "baseline", "candidate", "difference", "95% interval", "p (Holm)")
MOST_PROMPTS = 10
SIGNS = {"pass": "✅", "regression": "❌", "inconclusive": "❔"}


def comparison_table(comparison: Comparison) -> Table:
    """Every difference, a row each, in sections."""
    shown = Table(title=_title(comparison), title_justify="left")
    for name in HEAD:
        shown.add_column(name, justify="right" if name else "left", overflow="fold")
    for heading, rows in _sections(comparison):
        shown.add_section()
        if heading:
            shown.add_row(Text(heading, style="dim"))
        for row in rows:
            shown.add_row(*(Text(one_way(cell)) for cell in row))
    return shown


def worse_lines(comparison: Comparison) -> list[str]:
    """The prompts on which the candidate did worst, with both clips."""
    lines = []
    for prompt in comparison.prompts_worse[:MOST_PROMPTS]:
        lines.append(f"{prompt.prompt_id}: {prompt.value:+.2f} {comparison.unit}")
        for pair in prompt.clips:
            before, after = _held(pair)
            lines.append(f"  seed {pair.seed}: {before} {pair.baseline_file or ''}")
            lines.append(f"  {'':{5 + len(str(pair.seed))}} {after} {pair.candidate_file or ''}")
    return [one_way(line) for line in lines]


def comparison_markdown(comparison: Comparison, folder: Path) -> str:
    """The whole comparison as a Markdown file that will lie in `folder`."""
    head = f"## {SIGNS[comparison.verdict]} {plain(comparison.sentence)}"
    sides = [
        f"{name}: **{plain(side.model)}**, {plain(side.run)} ({counted(side.clips, 'clip')}, {side.missing} missing)"
        for name, side in (("baseline", comparison.baseline), ("candidate", comparison.candidate))
    ]
    parts = [head, "  \n".join([*sides, plain(_title(comparison))])]
    for heading, rows in _sections(comparison):
        first = [heading or "", *HEAD[1:]]
        parts.append(table([plain(first[0]), *first[1:]], [[plain(row[0]), *row[1:]] for row in rows]))
    if comparison.prompts_worse:
        rows = [
            (f"{plain(prompt.prompt_id)}, seed {pair.seed}", *_linked(pair, folder))
            for prompt in comparison.prompts_worse[:MOST_PROMPTS]
            for pair in prompt.clips
        ]
        parts.append(table(["prompts that got worse", "baseline held", "candidate held"], rows))
    if comparison.notes:
        parts.append("\n".join(f"- {plain(note)}" for note in comparison.notes))
    return "\n\n".join(parts) + "\n"


def _title(comparison: Comparison) -> str:
    return (
        f"{counted(comparison.frames.pairs, 'pair')} of clips over {counted(comparison.frames.prompts, 'prompt')}, to "
        f"{counted(comparison.horizon_frames, 'frame')} and {comparison.horizon_seconds:.2f} seconds; margin "
        f"{comparison.margin:.2f} {comparison.unit}"
    )


def _sections(comparison: Comparison) -> Iterator[tuple[str, list[Sequence[str]]]]:
    unit: Unit = comparison.unit
    yield "", [_row("frames held", comparison.frames), _row("seconds held", comparison.seconds)]
    if comparison.evidence:
        pairs = counted(comparison.evidence.pairs, "pair")
        yield f"evidence of a break (1: alarm), {pairs} that held", [_row("largest in a clip", comparison.evidence)]
    if len(comparison.by_category) > 1:
        yield f"{unit} held, by category", [_row(name, each) for name, each in comparison.by_category.items()]
    if comparison.by_cause:
        yield f"{unit} lost to", [_row(cause_label(name), each) for name, each in comparison.by_cause.items()]
    if comparison.sensitivity:
        best, worst = comparison.sensitivity.best, comparison.sensitivity.worst
        yield (
            f"{unit} held, missing clips as good and as bad as can be",
            [
                _row(f"good for the candidate: {comparison.sensitivity.best_verdict}", best),
                _row(f"bad for the candidate: {comparison.sensitivity.worst_verdict}", worst),
            ],
        )
    if comparison.distance:
        found = comparison.distance
        yield f"distance from {found.reference}, by {found.features}", [_row("kernel distance", found.difference)]
    if comparison.metrics:
        yield "published metrics", [_row(name.replace("_", " "), each) for name, each in comparison.metrics.items()]


def _row(name: str, each: Difference) -> tuple[str, ...]:
    limits = "-" if each.low is None or each.high is None else f"{_signed(each.low)} to {_signed(each.high)}"
    p = each.p if each.p_holm is None else each.p_holm
    return name, _number(each.baseline), _number(each.candidate), _signed(each.value), limits, _p(p)


def _number(value: float) -> str:
    """Three significant digits below 1, two decimals above."""
    return f"{value:.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if abs(value) >= 1 or value == 0 else f"{value:+.2g}"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _held(pair: ClipPair) -> tuple[str, str]:
    sides = ((pair.baseline_held, pair.baseline_cause), (pair.candidate_held, pair.candidate_cause))
    before, after = (
        "missing" if held is None else f"held {held}" + (f" ({cause_label(cause)})" if cause else "")
        for held, cause in sides
    )
    return before, after


def _linked(pair: ClipPair, folder: Path) -> tuple[str, str]:
    before, after = _held(pair)
    return link(before, pair.baseline_file, folder), link(after, pair.candidate_file, folder)
