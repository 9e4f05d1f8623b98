"""Walking and running people, side view. Units: one person high, feet at y = 0, facing +x."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.backends.procedural.bodies import HAUNTS, HEEL, SHIN, SOLE, THIGH, TOE, body_parts
from bench.backends.procedural.camera import Lens
from bench.backends.procedural.figures import Cycle, Figure, Joint, Pose, Slot, Spot
from bench.backends.procedural.reading import Wish

HEIGHT = 0.68  # picture heights
CHILD = 0.8  # of that
CHILDREN = frozenset({"boy", "boys", "girl", "girls", "child", "children"})
JUMP, JUMP_SECONDS, GROUNDED = 0.2, 0.95, 0.45  # body heights; the share of a jump that the feet are on the ground
WAVES_A_SECOND = 1.5


@dataclass(frozen=True)
class Gait:
    """Joint angles in degrees over one cycle from heel strike, evenly spaced, after the usual clinical curves.

    hip: thigh forward of upright; knee: flexion; ankle: toes up. `cadence` is cycles a second.
    """

    hip: Cycle
    knee: Cycle
    ankle: Cycle
    cadence: float
    elbow: float
    lean: float


GAITS: dict[str, Gait] = {
    "walk": Gait(
        Cycle((27, 25, 17, 7, -3, -11, -10, 6, 22, 28)),
        Cycle((5, 14, 17, 12, 8, 14, 38, 58, 54, 24)),
        Cycle((1, -4, 2, 6, 9, 6, -14, -9, 0, 3)),
        0.85, 18.0, -2.0,
    ),
    "run": Gait(
        Cycle((38, 30, 17, 2, -14, -20, -6, 20, 42, 46)),
        Cycle((22, 38, 34, 22, 20, 48, 88, 100, 78, 36)),
        Cycle((4, 8, 12, 6, -10, -20, -12, -4, 0, 2)),
        1.35, 78.0, -9.0,
    ),
}  # fmt: skip


def ankle_at(gait: Gait, phase: float) -> tuple[float, float, float]:
    """(x, y, tilt in degrees) of one foot below the hip."""
    hip = gait.hip(phase)
    shin = hip - gait.knee(phase)
    x = THIGH * math.sin(math.radians(hip)) + SHIN * math.sin(math.radians(shin))
    y = THIGH * math.cos(math.radians(hip)) + SHIN * math.cos(math.radians(shin))
    return x, y, shin + gait.ankle(phase)


def lowest(gait: Gait, phase: float) -> float:
    """How far below the hip the lower corner of a foot reaches."""
    _, y, tilt = ankle_at(gait, phase)
    angle = math.radians(tilt)
    return y + max(SOLE * math.cos(angle) - corner * math.sin(angle) for corner in (HEEL, TOE))


def hip_height(gait: Gait, samples: int = 24, terms: int = 3) -> Cycle:
    """Height of the hip over a cycle such that the lower foot meets the ground; only its smooth part."""
    heights = [max(lowest(gait, i / samples), lowest(gait, i / samples + 0.5)) for i in range(samples)]
    spectrum = np.fft.rfft(heights)
    spectrum[2 * terms + 1 :] = 0
    return Cycle(tuple(float(h) for h in np.fft.irfft(spectrum, samples)))


def stride(gait: Gait, samples: int = 48) -> float:
    """How far one cycle carries the body, in body heights: what the foot on the ground is pushed back."""
    total = 0.0
    for i in range(samples):
        phase, after = i / samples, (i + 1) / samples
        down = phase if lowest(gait, phase) >= lowest(gait, phase + 0.5) else phase + 0.5
        total += ankle_at(gait, down)[0] - ankle_at(gait, down + after - phase)[0]
    return total


def person(wish: Wish, slot: Slot, lens: Lens, rng: np.random.Generator) -> Figure:
    """A man, woman or child: who walks or runs is followed by the camera, others stand, wave or jump."""
    size = HEIGHT * lens.figure_scale * slot.scale * (CHILD if wish.words & CHILDREN else 1.0)
    shop = slot.workshop(size, lens, rng)
    going = GAITS.get(wish.action)
    speed = slot.faces * stride(going) * going.cadence * size if going else 0.0
    leap = JUMP * size if wish.action == "jump" else 0.0
    return Figure(
        name="person", parts=body_parts(wish, shop, rng),
        pose=_going(going, slot) if going else _staying(wish.action, slot),
        place=lambda time: Spot(slot.x + speed * time, leap * jump(time, slot.phase)[1]), size=size, unit=shop.unit,
        depth=slot.depth, faces=slot.faces, speed=speed, haunts=HAUNTS,
    )  # fmt: skip


def _going(gait: Gait, slot: Slot) -> Callable[[float], Pose]:
    height = hip_height(gait)

    def pose(time: float) -> Pose:
        near = time * gait.cadence + slot.phase
        joints = {"hips": Joint(y=-height(near)), "torso": Joint(gait.lean + 1.2 * math.sin(4 * math.pi * near))}
        for side, phase in (("near", near), ("far", near + 0.5)):
            swing = 0.8 * (gait.hip(phase + 0.5) - 8)
            joints[f"{side} thigh"] = Joint(gait.hip(phase))
            joints[f"{side} shin"] = Joint(-gait.knee(phase))
            joints[f"{side} foot"] = Joint(gait.ankle(phase))
            joints[f"{side} arm"] = Joint(swing)
            joints[f"{side} forearm"] = Joint(gait.elbow + max(0.0, 0.5 * swing))
        joints["head"] = Joint(-gait.lean - 0.8 * math.sin(4 * math.pi * near + 0.6))
        joints["skirt"] = Joint(0.25 * (gait.hip(near) + gait.hip(near + 0.5) - 16) + 2 * math.sin(4 * math.pi * near))
        return joints

    return pose


def jump(time: float, start: float) -> tuple[float, float]:
    """(how deep the knees are bent, how high the feet are off the ground), 0..1 each."""
    phase = (time / JUMP_SECONDS + start) % 1.0
    if phase < GROUNDED:
        return math.sin(math.pi * phase / GROUNDED), 0.0
    flight = (phase - GROUNDED) / (1 - GROUNDED)
    return 0.0, 4 * flight * (1 - flight)


def _staying(action: str, slot: Slot) -> Callable[[float], Pose]:
    """Standing, and what can be done standing: waving a hand, jumping."""

    def pose(time: float) -> Pose:
        t = time + 5 * slot.phase
        crouch, flight = jump(time, slot.phase) if action == "jump" else (0.0, 0.0)
        bent = 52 * crouch + 14 * flight
        hips = (THIGH + SHIN) * math.cos(math.radians(bent)) + SOLE
        joints = {
            "hips": Joint(x=0.006 * math.sin(1.1 * t), y=-hips),
            "torso": Joint(0.8 * math.sin(2.2 * t) - 0.45 * bent * (crouch > 0)),
            "head": Joint(4 * math.sin(1.3 * t) + 0.3 * bent),
            "skirt": Joint(1.5 * math.sin(2.2 * t)),
        }
        for side, apart in (("near", 5), ("far", -5)):
            joints[f"{side} thigh"] = Joint(bent + apart)
            joints[f"{side} shin"] = Joint(-2 * bent - max(0, apart))
            joints[f"{side} foot"] = Joint(bent + max(0, -apart) - 34 * flight)
            joints[f"{side} arm"] = Joint(apart + 3 * math.sin(1.7 * t) - 45 * crouch + 135 * flight)
            joints[f"{side} forearm"] = Joint(14 + 20 * flight)
        if action == "wave":
            joints["near arm"] = Joint(148 + 4 * math.sin(2.1 * t))
            joints["near forearm"] = Joint(12 + 34 * math.sin(2 * math.pi * WAVES_A_SECOND * t))
        return joints

    return pose
