"""Contact sheets of the procedural backend: every subject, every failure about its onset, every hard condition.

python tools/contact_sheet.py [--out FOLDER] [--side 160] [--prompt TEXT ...]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bench.backends.procedural.breaking import FAILURES
from bench.backends.procedural.conditions import CONDITIONS
from bench.backends.procedural.phrases import PHRASES, PLACE_PHRASES
from bench.backends.procedural.reading import read_prompt
from bench.backends.procedural.rendering import render, seen_share
from bench.backends.procedural.scenes import Scene, compose
from bench.records import Picture

FPS = 24.0
SEED = 1
ONSET = 12
ABOUT_THE_ONSET = (0, 11, 12, 13, 15, 20, 28, 44)  # frames of a row of the failures' sheet
ALONG = (0, 6, 12, 18, 24, 30, 36, 44)  # of the conditions'
OF_A_SUBJECT = (0, 9, 18)
DRAWS = 6  # of a failure, the plainest of which is shown
PROMPTS = (
    "A man in a red shirt walks along a beach",
    "A brown dog trots through a park",
    "A red boat rocks on the sea",
    "A blue car drives down a city street",
)
RED, WHITE = (214, 30, 30), (255, 255, 255)


def framed(picture: Picture, label: str, colour: tuple[int, int, int]) -> Picture:
    """The picture with a thin frame, and a few words in its upper left corner."""
    cell = cv2.copyMakeBorder(picture, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=colour)
    for ink, width in (((0, 0, 0), 3), (WHITE, 1)):
        cv2.putText(cell, label, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, width, cv2.LINE_AA)
    return np.asarray(cell, np.uint8)


def titled(title: str, cells: Sequence[Picture]) -> Picture:
    """Cells side by side under a line of words."""
    strip = np.hstack(cells)
    head = np.full((22, strip.shape[1], 3), 24, np.uint8)
    cv2.putText(head, title, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.44, WHITE, 1, cv2.LINE_AA)
    return np.asarray(np.vstack([head, strip]), np.uint8)


def subjects(side: int) -> Picture:
    """Every subject doing everything it can do, in the places it goes, two a line."""
    rows: list[Picture] = []
    for name, phrases in PHRASES.items():
        for number, (action, verbs) in enumerate(phrases.verbs.items()):
            place = phrases.places[(2 * number + len(rows)) % len(phrases.places)]
            noun = phrases.nouns[number % len(phrases.nouns)]
            text = f"{noun} {verbs[0].split('|')[0]} {PLACE_PHRASES[place][0]}"
            scene = compose(read_prompt(text), SEED, side, side, FPS)
            cells = [framed(render(scene, frame), str(frame), WHITE) for frame in OF_A_SUBJECT]
            rows.append(titled(f"{name}, {action}: {text}", cells))
    half = -(-len(rows) // 2)
    rows += [np.zeros_like(rows[0])] * (2 * half - len(rows))
    return np.asarray(np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])]), np.uint8)


def failures(text: str, side: int) -> Picture:
    """Every failure of one scene: before the onset (framed in white) and from it on (red)."""
    scene = compose(read_prompt(text), SEED, side, side, FPS)
    rows = []
    for name, way in FAILURES.items():
        drawn = [way.build(scene, ONSET, np.random.default_rng(seed)) for seed in range(DRAWS)]
        failure = max(drawn, key=lambda one: seen_share(scene, one))
        cells = [
            framed(render(scene, frame, (failure,)), str(frame), RED if frame >= ONSET else WHITE)
            for frame in ABOUT_THE_ONSET
        ]
        rows.append(titled(f"{name}: {failure.detail}", cells))
    return np.asarray(np.vstack(rows), np.uint8)


def conditions(text: str, side: int) -> Picture:
    """A scene as it is and under every hard condition: nothing goes wrong."""
    plain = compose(read_prompt(text), SEED, side, side, FPS)
    scenes: dict[str, Scene] = {"as it is": plain}
    scenes |= {name: make(plain, np.random.default_rng(SEED)) for name, make in CONDITIONS.items()}
    rows = [
        titled(name, [framed(render(scene, frame), str(frame), WHITE) for frame in ALONG])
        for name, scene in scenes.items()
    ]
    return np.asarray(np.vstack(rows), np.uint8)


def main() -> None:
    """Write the sheets as PNG files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "framehold-sheets")
    parser.add_argument("--side", type=int, default=160, help="px of a frame")
    parser.add_argument("--prompt", nargs="+", default=PROMPTS, help="scenes that fail")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    sheets = {"subjects": subjects(arguments.side)}
    for number, text in enumerate(arguments.prompt, start=1):
        sheets[f"failures-{number}"] = failures(text, arguments.side)
        sheets[f"conditions-{number}"] = conditions(text, arguments.side)
    for name, sheet in sheets.items():
        path = arguments.out / f"{name}.png"
        cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        print(path)


if __name__ == "__main__":
    main()
