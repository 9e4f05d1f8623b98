"""Contact sheets of the procedural backend: one PNG a prompt, a row a model, frames around its break.

python tools/contact_sheet.py [SUITE] [--out FOLDER] [--side 192]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

from bench.backends.procedural import ProceduralBackend
from bench.records import Picture
from bench.suite import load_suite

STEPS = (-2, -1, 0, 1, 2, 8)  # frames of a row, about the break
BORDER = 2


def row(frames: list[Picture], break_frame: int | None) -> Picture:
    """The first frame, those about the break (the break itself framed in red), and the last, side by side."""
    middle = break_frame if break_frame is not None else len(frames) // 2
    shown = [0, *(min(max(middle + step, 0), len(frames) - 1) for step in STEPS), len(frames) - 1]
    cells = []
    for frame in shown:
        colour = (220, 30, 30) if frame == break_frame else (255, 255, 255)
        cell = cv2.copyMakeBorder(frames[frame], BORDER, BORDER, BORDER, BORDER, cv2.BORDER_CONSTANT, value=colour)
        label = f"{frame}"
        cv2.putText(cell, label, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 2, cv2.LINE_AA)
        cv2.putText(cell, label, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
        cells.append(cell)
    return np.asarray(np.hstack(cells), np.uint8)


def main() -> None:
    """Write one sheet a prompt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="quick")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "framehold-sheets")
    parser.add_argument("--side", type=int, default=192, help="px of a frame")
    parser.add_argument("--prompt", help="only this prompt id")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    backend = ProceduralBackend(width=arguments.side, height=arguments.side)
    rows: dict[str, list[Picture]] = {}
    for request in backend.plan(load_suite(arguments.suite), backend.models()).requests:
        if arguments.prompt and request.key.prompt_id != arguments.prompt:
            continue
        clip = backend.fetch(request, backend.submit(request))
        name = f"{request.key.prompt_id}_{request.key.seed}"
        rows.setdefault(name, []).append(row(list(clip.frames or ()), clip.facts["true_break_frame"]))
        print(
            request.key.clip_id,
            clip.facts["true_break_frame"],
            clip.facts["failure_detail"],
            clip.facts["failure_region"],
        )
    for name, pictures in rows.items():
        path = arguments.out / f"{name}.png"
        cv2.imwrite(str(path), cv2.cvtColor(np.vstack(pictures), cv2.COLOR_RGB2BGR))
        print(path)


if __name__ == "__main__":
    main()
