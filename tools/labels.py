"""How well do holds agree with people? A run over labelled clips, beside what raters said of them.

python tools/labels.py RUN LABELS.csv [--misses FILE.html]

LABELS.csv has columns file, motion, broke, unanimous, break_median. FILE.html shows where they disagree, with pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.run_folder import RunFolder, replace_text
from bench.survival import share_interval
from tools.label_misses import NEAR, label_misses

COLUMNS = ("file", "motion", "broke", "unanimous", "break_median")  # of the labels
LATE = 6  # frames: an earlier break proves nothing, a constant guess finds it
REPLICATES = 2000


def auc(evidence: NDArray[np.float64], broke: NDArray[np.bool_]) -> float:
    """Chance that a broken clip has more evidence than an unbroken one; NaN without both."""
    if broke.all() or not broke.any():
        return float("nan")
    high, low = evidence[broke][:, None], evidence[~broke]
    return float(np.mean(high > low) + 0.5 * np.mean(high == low))


def main(run: str, labels: str, misses: str | None = None) -> None:
    """Print a line a clip, then the figures; write the page of misses if its name is given."""
    for path, what in ((Path(run) / "holds.parquet", "a summarized run"), (Path(labels), "labels")):
        if not path.is_file():
            sys.exit(f"{path}: no such file: expected {what}")
    rows = [json.loads(line) for line in (Path(run) / "clips.jsonl").read_text(encoding="utf-8").splitlines()]
    names = {row["clip_id"]: Path(row["facts"].get("source", "")).name for row in rows if row["file"]}
    holds = pd.read_parquet(Path(run) / "holds.parquet")
    told = pd.read_csv(labels).add_suffix("_told")
    if lacking := [name for name in COLUMNS if f"{name}_told" not in told]:
        sys.exit(f"{labels}: no column {', '.join(lacking)}: expected {', '.join(COLUMNS)}")
    table = holds.assign(name=holds["clip_id"].map(names)).merge(told, left_on="name", right_on="file_told")
    if table.empty:
        sys.exit(f"{labels}: names none of the clips of {run}")
    static = table["cause"].eq("static").fillna(False)
    print(f"{'clip':44} {'frames':>6} {'motion':>6}  {'people':>14}  {'hold':>5} {'onset':>5} {'evidence':>8}  cause")
    for name, row in table.sort_values("evidence").set_index("name").iterrows():
        said = f"breaks {row['break_median_told']:.0f}" if row["broke_told"] else "holds"
        if pd.isna(row["broke_told"]):
            said = "split"
        sure = "" if row["unanimous_told"] else "?"
        cause = row["cause"] if row["broke"] else ""
        print(
            f"{str(name)[:44]:44} {row['frames']:6.0f} {row['motion_told']:>6}  {said + sure:>14}  "
            f"{row['held_frames']:5.0f} "
            f"{row['onset_frame'] if row['broke'] else '-':>5} {row['evidence']:8.2f}  {cause}"
        )
    sure = table[table["unanimous_told"].astype(bool)]
    print_figures("unanimous", sure)
    for motion in ("high", "low"):
        print_figures(f"unanimous, motion {motion}", sure[sure["motion_told"] == motion])
    late = table[table["broke_told"].astype(bool) & (table["break_median_told"] >= LATE)]
    near = (late["onset_frame"] - late["break_median_told"]).abs() <= NEAR
    named = "there are none"
    if len(late):
        share = share_interval(int(near.sum()), len(late))
        named = f"{int(near.sum())} of {len(late)} ({share.low:.0%} to {share.high:.0%})"
    print(f"late breaks named to within {NEAR} frames: {named}")
    peak = (late["peak_frame"] - late["break_median_told"]).abs() <= NEAR
    print(f"alarm or not, the most evidence lies within {NEAR} frames of {int(peak.sum())} of {len(late)}")
    print(f"static: {int(static.sum())}")
    if misses:
        replace_text(Path(misses), label_misses(RunFolder(run), table))
        print(misses)


def print_figures(name: str, table: pd.DataFrame) -> None:
    """AUC of the evidence, with an interval by bootstrap over clips, and what the rule says."""
    evidence, broke = table["evidence"].to_numpy(float), table["broke_told"].to_numpy(bool)
    if broke.all() or not broke.any():
        print(f"{name}: {broke.sum()} break, {(~broke).sum()} hold; no AUC without both")
        return
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(table), len(table)) for _ in range(REPLICATES))
    replicates = np.array([auc(evidence[draw], broke[draw]) for draw in draws])
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    ruled = table["alarm_frame"].notna().to_numpy()
    alarms = f"alarms on {int(ruled[broke].sum())} that break, {int(ruled[~broke].sum())} that hold"
    figure = f"AUC {auc(evidence, broke):.3f} ({low:.3f} to {high:.3f})"
    print(f"{name}: {broke.sum()} break, {(~broke).sum()} hold; {figure}; {alarms}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How well do holds agree with people?")
    parser.add_argument("run", help="A summarized run.")
    parser.add_argument("labels", help=f"What raters said of its clips: CSV with columns {', '.join(COLUMNS)}.")
    parser.add_argument("--misses", metavar="FILE.html", help="Page to write: where they disagree, with pictures.")
    main(**vars(parser.parse_args()))
