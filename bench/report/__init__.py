"""The page of a run, and tables for terminals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.run_folder import RunFolder


def write_report(run: RunFolder) -> Path:
    """Write report.html from the tables of a run; equal tables give equal bytes.

    Raises FrameholdError naming the stage that has not run yet.
    """
    from bench.report.page import page
    from bench.run_folder import replace_text

    replace_text(run.report_path, page(run))
    return run.report_path
