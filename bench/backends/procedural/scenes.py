"""From a wish to a scene, and from a scene to the picture at any frame, in any order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.backends.procedural.backdrops import Rng, build_place, occluders
from bench.backends.procedural.camera import Lens, Move, glide, handheld, push, still, together, track
from bench.backends.procedural.figures import Figure, Slot
from bench.backends.procedural.flames import candle_light
from bench.backends.procedural.layers import Glow, Lamplight, Layer
from bench.backends.procedural.places import PLACES
from bench.backends.procedural.reading import Wish
from bench.backends.procedural.subjects import SUBJECTS, Subject
from bench.backends.procedural.textures import Bytes
from bench.backends.procedural.vocabulary import ROOTED
from bench.records import Picture, fingerprint

RENDERER_VERSION = 2  # any change to a pixel needs another: holds of two versions are not of the same clips
SUPERSAMPLED_UP_TO = 512  # px of height; larger pictures are drawn at their own size
SENSOR_NOISE = 1.0  # grey levels; real footage has it, and calibrations on real footage expect it
NOISE_SLACK = 64  # px; every frame reads the noise from another corner of this
LONG_ROW = 7  # rooted subjects that a gliding camera passes
ROW_SPACING = 0.86  # picture heights


@dataclass(frozen=True)
class Scene:
    """All that is drawn, each part a function of time. Figures are drawn from far to near.

    `slots` says where each figure stands, `lights` shine on what is behind them, `pace` is seconds of the scene in a
    second of the clip.
    """

    wish: Wish
    slots: tuple[Slot, ...]
    width: int
    height: int
    fps: float
    lens: Lens
    camera: Move
    behind: tuple[Layer, ...]
    lights: tuple[Layer, ...]
    figures: tuple[Figure, ...]
    before: tuple[Layer, ...]
    grain: NDArray[np.int8]
    seed: int
    pace: float = 1.0

    def time(self, frame: int) -> float:
        """Seconds of the scene at that frame."""
        return self.pace * frame / self.fps

    def picture(self, frame: int, figures: Sequence[Figure], behind: Sequence[Layer]) -> Picture:
        """The frame with those figures and layers in it, height x width x 3, without sensor noise."""
        time = self.time(frame)
        view = self.camera(time)
        canvas: Bytes = np.zeros((self.lens.height, self.lens.width, 4), np.uint8)
        nearest_last = sorted(figures, key=lambda figure: -figure.depth)
        for layer in (*behind, *self.lights, *nearest_last, *self.before):
            layer.draw(canvas, self.lens, view, time)
        small = cv2.resize(canvas, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGBA2RGB), np.uint8)

    def with_grain(self, picture: Picture, frame: int) -> Picture:
        """The picture as a sensor sees it: the same noise for the same frame, always."""
        y, x = np.random.default_rng([self.seed, frame]).integers(0, NOISE_SLACK, 2)
        grain = self.grain[y : y + self.height, x : x + self.width]
        return np.asarray(cv2.add(picture, grain, dtype=cv2.CV_8U), np.uint8)


def streams(*key: object) -> Rng:
    """Named generators of one key: what one draws never shifts another."""
    return lambda name: np.random.default_rng(int(fingerprint([RENDERER_VERSION, *key, name]), 16))


def compose(wish: Wish, seed: int, width: int, height: int, fps: float) -> Scene:
    """The scene of a prompt and a seed. Sizes in px; the layout is the same at every size."""
    scale = 2 if height <= SUPERSAMPLED_UP_TO else 1
    lens = Lens(width * scale, height * scale)
    rng = streams("scene", wish.text, seed)
    subject = SUBJECTS[wish.subject]
    faces = wish.faces or (1 if rng("faces").uniform() < 0.5 else -1)
    slots = _slots(wish, subject, lens, rng("slots"), faces)
    figures = tuple(
        replace(subject.build(wish, slot, lens, rng(f"figure {n}")), number=n) for n, slot in enumerate(slots)
    )
    behind = build_place(subject.setting or PLACES[wish.place], lens, rng)
    lights = _candle_light(lens, "dark" in wish.words) if wish.subject == "candle" else ()
    before = (occluders(wish.occluder, lens, rng("occluders")),) if wish.occluder else ()
    normal = rng("grain").standard_normal((height + NOISE_SLACK, width + NOISE_SLACK, 3), dtype=np.float32)
    return Scene(
        wish, tuple(slots), width, height, fps, lens, _camera(wish, figures[0].speed, rng), behind, lights, figures,
        before, np.asarray(np.rint(SENSOR_NOISE * normal), np.int8), int(rng("grain frames").integers(2**32)),
    )  # fmt: skip


def _camera(wish: Wish, speed: float, rng: Rng) -> Move:
    """All that the camera does at once: it follows the subject, and obeys the prompt."""
    phases = [float(phase) for phase in rng("hand").uniform(0, 2 * math.pi, 6)]
    known: dict[str, Move] = {
        "glide left": glide(-1),
        "glide right": glide(1),
        "push in": push(1),
        "push out": push(-1),
        "handheld": handheld(phases),
    }
    moves = [track(speed)] if speed else []
    moves += [known[name] for name in wish.cameras]
    return together(moves) if moves else still


def _slots(wish: Wish, subject: Subject, lens: Lens, rng: np.random.Generator, faces: int) -> list[Slot]:
    """Where the figures stand: side by side, smaller the more there are; a row of still ones for a gliding camera."""
    gliding = any(name.startswith("glide") for name in wish.cameras)
    count = LONG_ROW if gliding and wish.subject in ROOTED and wish.count > 1 else wish.count
    phases = (float(rng.uniform()) + np.arange(count) * 0.37) % 1.0
    shifts = rng.uniform(-1, 1, count)
    if count != wish.count:
        return [
            Slot((n - (count - 1) / 2) * ROW_SPACING, 1.0, subject.depth + 0.28 * (n % 2), float(phases[n]), 1)
            for n in range(count)
        ]
    scale = min(1.0, 1.05 * lens.aspect / (count * subject.width * lens.figure_scale))
    spacing = 0.9 * lens.aspect / count
    slots = []
    for n in range(count):
        depth = subject.depth * (1 + 0.1 * (n % 2))
        x = (n - (count - 1) / 2) * spacing + 0.02 * float(shifts[n])
        slots.append(Slot(x * depth, scale, depth, float(phases[n]), faces))
    return slots


def _candle_light(lens: Lens, dark: bool) -> tuple[Layer, ...]:
    """The room lit from the flame, and the halo about it."""
    y, x = np.mgrid[0 : lens.height, 0 : lens.width].astype(np.float32) / np.float32(lens.height)
    away = np.hypot(x - lens.aspect / 2, (y - 0.42) * 1.1)
    ambient, bright = (0.16, 0.62) if dark else (0.5, 0.45)
    light = ambient + bright * np.exp(-((away / 0.42) ** 2))
    tint = np.asarray((1.12, 0.95, 0.74, 1.0), np.float32)
    lit = np.asarray(np.rint(np.clip(light[:, :, None] * tint * 255, 0, 255)), np.uint8)
    halo = np.exp(-((away / 0.2) ** 2))[:, :, None] * np.asarray((74, 46, 16, 0), np.float32)
    return Lamplight(lit, candle_light), Glow(np.asarray(np.rint(halo), np.uint8), candle_light)
