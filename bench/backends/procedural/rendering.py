"""The finished frame, what a figure covers in it, and what a failure changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from bench.backends.procedural.failures import Failure, Freeze
from bench.backends.procedural.figures import Figure
from bench.backends.procedural.scenes import Scene
from bench.records import Picture, Region

WHOLE_PICTURE = Region(0.0, 0.0, 1.0, 1.0)
SEEN = 12  # grey levels of difference that count as changed
LOOKS = 4  # moments at which a failure is looked at to say where it is


def render(scene: Scene, frame: int, failures: Sequence[Failure] = (), grain: bool = True) -> Picture:
    """The finished frame, height x width x 3 RGB; `frame` counts from 0."""
    for failure in failures:
        frame = failure.moment(frame)
    begun = [failure for failure in failures if failure.onset <= frame]
    picture = _picture(scene, frame, begun)
    for failure in begun:
        picture = failure.retouch(picture, frame)
    return scene.with_grain(picture, frame) if grain else picture


def _picture(scene: Scene, frame: int, failures: Sequence[Failure]) -> Picture:
    """What the camera sees; where a failure is still turning, old and new picture mixed."""
    turning = next((failure for failure in failures if failure.share(frame) < 1), None)
    if turning is not None:
        rest = [failure for failure in failures if failure is not turning]
        old, new = _picture(scene, frame, rest), _picture(scene, frame, [*rest, turning.whole()])
        share = turning.share(frame)
        return np.asarray(cv2.addWeighted(new, share, old, 1 - share, 0), np.uint8)
    figures, behind = scene.figures, scene.behind
    for failure in failures:
        figures, behind = failure.cast(figures, frame), failure.setting(behind)
    return scene.picture(frame, figures, behind)


@dataclass(frozen=True)
class Silhouette:
    """Where a figure is in the picture: share of it, centre and half extent (x, y), all as fractions of the picture."""

    share: float
    centre: tuple[float, float]
    extent: tuple[float, float]


def silhouette(scene: Scene, figure: Figure, frame: int) -> Silhouette:
    """What the figure's body covers, were nothing before it."""
    time, lens = scene.time(frame), scene.lens
    canvas = np.zeros((lens.height, lens.width, 4), np.uint8)
    replace(figure, parts=figure.body).draw(canvas, lens, scene.camera(time), time)
    rows, columns = np.nonzero(canvas[:, :, 3] > 127)
    if not rows.size:
        return Silhouette(0.0, (0.5, 0.5), (0.0, 0.0))
    x, y = columns / lens.width, rows / lens.height
    extent = math.sqrt(3) * float(x.std()), math.sqrt(3) * float(y.std())  # exact for a box
    return Silhouette(rows.size / canvas[:, :, 0].size, (float(x.mean()), float(y.mean())), extent)


def most_in_view(scene: Scene, frame: int) -> tuple[Figure, Silhouette]:
    """The figure that covers most of the picture, the middle of the picture counting twice its edge."""
    found = [(figure, silhouette(scene, figure, frame)) for figure in scene.figures]
    return max(found, key=lambda pair: pair[1].share * (1 - abs(pair[1].centre[0] - 0.5)))


def seen_share(scene: Scene, failure: Failure) -> float:
    """The share of the picture that the failure changes when it is complete."""
    return 1.0 if isinstance(failure, Freeze) else float(_changed(scene, failure, complete(failure)).mean())


def seen_region(scene: Scene, failure: Failure, frames: int) -> Region:
    """The box of all that the failure changes in a clip of so many frames, looked at a few times."""
    if isinstance(failure, Freeze):
        return WHOLE_PICTURE
    moments = np.linspace(min(complete(failure), frames - 1), frames - 1, LOOKS).round().astype(int)
    changed = np.any([_changed(scene, failure, int(moment)) for moment in {failure.onset, *moments}], axis=0)
    if not changed.any():
        return WHOLE_PICTURE
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    y, x = int(rows[0]), int(columns[0])
    box = (x / scene.width, y / scene.height, (columns[-1] + 1 - x) / scene.width, (rows[-1] + 1 - y) / scene.height)
    return Region(*(round(float(edge), 4) for edge in box))


def complete(failure: Failure) -> int:
    """The first frame at which all of the failure shows."""
    return failure.onset + failure.frames_until_complete


def _changed(scene: Scene, failure: Failure, frame: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where the picture of that frame is plainly another than it would be."""
    whole, broken = (render(scene, frame, those, grain=False).astype(np.int16) for those in ((), (failure,)))
    return np.asarray(np.abs(broken - whole).max(axis=2) > SEEN)
