"""What this machine and this installation can do: backends, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import AsJson, show


def backends(as_json: AsJson = False) -> None:
    """List what can make clips, and the models of each."""
    from bench.doctor import list_backends

    lines = list_backends()
    content = [vars(line) for line in lines]
    show(
        content, as_json, "\n".join(f"{line.name:12} {line.about}\n{'':12} {', '.join(line.models)}" for line in lines)
    )


def doctor(
    clip: Annotated[str | None, typer.Option("--clip", help="The CLIP to look for.")] = None, as_json: AsJson = False
) -> None:
    """Say what this machine has, what is missing, how to get it. Downloads nothing; exits 2 if a need is missing."""
    from bench.doctor import examine

    findings = examine(clip)
    marks = {"ok": "ok      ", "missing": "MISSING ", "optional": "optional"}
    text = "\n".join(
        f"{marks[finding.status]} {finding.subject}: {finding.detail}"
        + (f" -> {finding.advice}" if finding.advice else "")
        for finding in findings
    )
    show([vars(finding) for finding in findings], as_json, text)
    if any(finding.status == "missing" for finding in findings):
        raise typer.Exit(2)
