"""Which figure something happens to, what, and how it looks: the failures by name, and the finished frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.backends.procedural.failures import MELT_SECONDS, Failure, Flicker, Freeze, Melt, Patch, Recast
from bench.backends.procedural.figures import Figure, Spot
from bench.backends.procedural.scenes import Scene
from bench.backends.procedural.textures import noise
from bench.records import Picture, Region

WHOLE_PICTURE = Region(0.0, 0.0, 1.0, 1.0)
SEEN = 12  # grey levels of difference that count as changed
MELT_REACH = 0.13  # picture heights that a point flows at the most
LEAST_RADIUS, MOST_RADIUS = (
    0.19,
    0.36,
)  # of a local failure, in shorter sides of the picture; smaller ones are hard to see
PATCH_SHARE = 1.15  # of a figure's half extent that a local failure covers
NARROW = 0.22  # half extent in picture widths; what is wider has no room for a second one beside it
BESIDE = 0.32  # picture widths between a figure and its double


@dataclass(frozen=True)
class Silhouette:
    """Where a figure is in the picture: share of it, centre and half extent (x, y), all as fractions of the picture."""

    share: float
    centre: tuple[float, float]
    extent: tuple[float, float]


def silhouette(scene: Scene, figure: Figure, frame: int) -> Silhouette:
    """What the figure covers, or those of its parts that can vanish, without its shadow."""
    time, lens = frame / scene.fps, scene.lens
    canvas = np.zeros((lens.height, lens.width, 4), np.uint8)
    parts = tuple(p for p in figure.parts if not p.grounded and (not figure.vanishing or p.name in figure.vanishing))
    replace(figure, parts=parts).draw(canvas, lens, scene.camera(time), time)
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


def _patch(scene: Scene, onset: int) -> Patch:
    """An ellipse over most of the figure that is most in view."""
    target, seen = most_in_view(scene, onset)
    size = (scene.width, scene.height)
    least, most = LEAST_RADIUS * min(size), MOST_RADIUS * min(size)
    radius = [
        min(most, max(least, PATCH_SHARE * extent * side)) for extent, side in zip(seen.extent, size, strict=True)
    ]
    centre = (seen.centre[0] * size[0], seen.centre[1] * size[1])
    return Patch(scene, target, centre, (radius[0], radius[1]), onset)


def limbs(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The limbs of a figure are wrong: one of its haunts. What has no legs has parts that come off."""
    target, _ = most_in_view(scene, onset)
    haunt = target.haunts[int(rng.integers(len(target.haunts)))]
    return Recast(onset, haunt.name, target, (replace(target, haunt=haunt),))


def pop(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """A figure is gone, or a second one is there."""
    target, seen = most_in_view(scene, onset)
    room = seen.extent[0] < NARROW and abs(seen.centre[0] - 0.5) < NARROW
    if len(scene.figures) == 1 and room and not target.vanishing and rng.uniform() < 0.5:
        shift = (BESIDE if rng.uniform() < 0.5 else -BESIDE) * scene.lens.aspect * target.depth

        def beside(time: float) -> Spot:
            spot = target.place(time)
            return Spot(spot.x + shift, spot.lift)

        return Recast(onset, f"a second {target.name} appears", target, (target, replace(target, place=beside)))
    left = tuple(part for part in target.parts if target.vanishing and part.name not in target.vanishing)
    return Recast(onset, f"the {target.name} is gone", target, (replace(target, parts=left),) if left else ())


def melt(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The figure most in view melts."""
    patch = _patch(scene, onset)
    window = patch.window()
    cell = 0.5 * min(patch.radius)
    height, width = window.shape
    sideways, upright, drip = (noise(rng, height, width, (tall, cell), 2) for tall in (cell, cell, 2.5 * cell))
    reach = MELT_REACH * scene.height * window
    down = 0.7 + 0.6 * drip + 0.4 * upright
    flow = np.stack([0.55 * reach * sideways, -0.8 * reach * down, window], axis=2)
    return Melt(onset, f"the {patch.target.name} melts", patch, np.asarray(flow, np.float32))


def flicker(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The figure most in view, or the whole picture, flickers."""
    patch = _patch(scene, onset) if rng.uniform() < 0.5 else None
    return Flicker(onset, f"the {patch.target.name if patch else 'picture'} flickers", int(rng.integers(2**32)), patch)


def freeze(scene: Scene, onset: int, rng: np.random.Generator) -> Failure:
    """The clip stops."""
    del scene, rng
    return Freeze(onset, "the clip stops")


FAILURES: dict[str, Callable[[Scene, int, np.random.Generator], Failure]] = {
    "limbs": limbs,
    "melt": melt,
    "pop": pop,
    "flicker": flicker,
    "freeze": freeze,
}


def render(scene: Scene, frame: int, failures: Sequence[Failure] = (), grain: bool = True) -> Picture:
    """The finished frame, height x width x 3 RGB; `frame` counts from 0."""
    for failure in failures:
        frame = failure.moment(frame)
    figures = scene.figures
    for failure in failures:
        figures = failure.cast(figures, frame)
    picture = scene.picture(frame, figures)
    for failure in failures:
        picture = failure.retouch(picture, frame)
    return scene.with_grain(picture, frame) if grain else picture


def seen_change(scene: Scene, failure: Failure) -> tuple[Region, float]:
    """The box of what the failure changes and the share of the picture that changes: measured at its onset.

    A melt is measured when it is complete.
    """
    if isinstance(failure, Freeze):
        return WHOLE_PICTURE, 1.0
    frame = failure.onset + (round(MELT_SECONDS * scene.fps) if isinstance(failure, Melt) else 0)
    before, after = (render(scene, frame, those, grain=False).astype(np.int16) for those in ((), (failure,)))
    changed = np.abs(after - before).max(axis=2) > SEEN
    if not changed.any():
        return WHOLE_PICTURE, 0.0
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    y, x = int(rows[0]), int(columns[0])
    box = (x / scene.width, y / scene.height, (columns[-1] + 1 - x) / scene.width, (rows[-1] + 1 - y) / scene.height)
    return Region(*(round(float(edge), 4) for edge in box)), float(changed.mean())
