"""Templates of the pages, and what all of them share."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from bench.records import counted
from bench.report.spelling import percent, printable


def environment() -> Environment:
    """Everything that is printed is escaped; an unknown name in a template is an error."""
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(asset),
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "count": counted}
    return environment


def asset(name: str) -> str:
    """The text of a file among the templates."""
    return (files("bench") / "assets" / "templates" / name).read_text(encoding="utf-8")
