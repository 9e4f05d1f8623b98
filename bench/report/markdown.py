"""Pieces of Markdown, LaTeX and CSV. Names of models and prompts are other people's text, escaped for each format."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench.report.spelling import one_way

LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
FORMULA = set("=+-@＝＋－＠")  # half and full width


def plain(text: str) -> str:
    r"""Text that Markdown shows as it is, within a line.

    >>> plain("a|b <i> [x](y)")
    'a\\|b \\<i\\> \\[x\\](y)'
    """
    return re.sub(r"([\\`*_\[\]<>#!|&~$])", r"\\\1", " ".join(one_way(text).split()))


def link(label: str, target: str | None, folder: Path) -> str:
    """A link from a file in `folder` to a path; the label alone where there is no path."""
    if target is None:
        return plain(label)
    path = os.path.relpath(target, folder)
    return f"[{plain(label)}]({quote(Path(path).as_posix())})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of cells that are escaped already; the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(head)} |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def latex(text: str) -> str:
    r"""Text that LaTeX sets as it is.

    >>> latex("50% of a_b")
    '50\\% of a\\_b'
    """
    return "".join(LATEX.get(letter, letter) for letter in " ".join(one_way(text).split()))


def spreadsheet(text: str) -> str:
    """A text cell that a spreadsheet does not take for a formula: an apostrophe in front of what might be one."""
    text = one_way(text)
    first = text.lstrip()[:1]
    return f"'{text}" if first in FORMULA or text[:1] in {"\t", "\r", "\n"} else text
