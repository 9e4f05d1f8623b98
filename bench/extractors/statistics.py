"""What a window of pictures is like in space and in time, as numbers by name: the embedded extractor's features.

Pictures come as uint8 RGB of about 128 x 128 pixels. Energies are logarithms of grey levels; what is taken over the
steps of a window is a median or a quantile, so that one step neither hides nor makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Picture

Planes = NDArray[np.float32]  # frames x height x width
Numbers = dict[str, float]
LEVELS = 3  # of the pyramid: full, half, quarter size
LAGS = (1, 2, 4, 8)
FAINT = 0.25  # grey levels below which a difference is noise
STILL = 0.05  # pixels of flow a step below which nothing moves
LEAST_FRAMES = 10  # the longest lag and two steps more


def window_statistics(pictures: Sequence[Picture]) -> Numbers:
    """All of them. ValueError below LEAST_FRAMES pictures."""
    if len(pictures) < LEAST_FRAMES:
        raise ValueError(f"expected {LEAST_FRAMES} pictures or more, got {len(pictures)}")
    colours = np.stack([np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), np.uint8) for picture in pictures])
    pyramid = _pyramid(np.ascontiguousarray(colours[..., 0], np.float32))
    flows = _flows(pyramid[0])
    return (
        _appearance(colours, pyramid)
        | _changes(pyramid)
        | _persistence(pyramid)
        | _asymmetry(pyramid[1])
        | _motion(flows)
        | _continuity(flows)
        | _unexplained(pyramid[0], flows)
    )


def _pyramid(grey: Planes) -> list[Planes]:
    levels = [grey]
    for _ in range(LEVELS - 1):
        levels.append(np.stack([cv2.pyrDown(plane) for plane in levels[-1]]))
    return levels


def _log(value: float | np.floating) -> float:
    return float(np.log(value + FAINT))


def _appearance(colours: NDArray[np.uint8], pyramid: Sequence[Planes]) -> Numbers:
    """Colour, contrast and detail of the frames, and how much each varies over the window."""
    found: Numbers = {}
    flat = colours.reshape(len(colours), -1, 3).astype(np.float32)
    for channel, name in enumerate(("light", "green_red", "blue_yellow")):
        means, spreads = flat[..., channel].mean(axis=1), flat[..., channel].std(axis=1)
        found[f"{name}_mean"] = float(means.mean())
        found[f"{name}_spread"] = _log(spreads.mean())
        found[f"{name}_wander"] = _log(means.std())
    for level, planes in enumerate(pyramid):
        detail = np.array([np.abs(plane - cv2.GaussianBlur(plane, (5, 5), 0)).mean() for plane in planes])
        found[f"detail_{level}"] = _log(detail.mean())
        found[f"detail_{level}_wander"] = _log(10 * detail.std())
    across, down = (np.abs(np.diff(pyramid[0], axis=axis)).mean() for axis in (2, 1))
    found["upright"] = float(np.log((across + FAINT) / (down + FAINT)))
    return found


def _changes(pyramid: Sequence[Planes]) -> Numbers:
    """Change over 1, 2, 4, 8 frames at each scale, how it grows, how it is spread over steps and picture."""
    found: Numbers = {}
    for level, planes in enumerate(pyramid):
        sizes = [_log(np.median(np.abs(planes[lag:] - planes[:-lag]).mean(axis=(1, 2)))) for lag in LAGS]
        found[f"change_{level}"] = sizes[0]
        for lag, before, after in zip(LAGS[1:], sizes[:-1], sizes[1:], strict=True):
            found[f"growth_{level}_{lag}"] = after - before
    change = np.abs(np.diff(pyramid[1], axis=0))
    steps = change.mean(axis=(1, 2))
    low, middle, high = (_log(size) for size in np.quantile(steps, [0.1, 0.5, 0.9]))
    found["least_step"], found["largest_step"] = middle - low, high - middle
    found["unsteady"] = _log(np.median(np.abs(np.diff(steps)))) - middle
    found["local"] = float(np.median([_log(np.quantile(plane, 0.98)) - _log(plane.mean()) for plane in change]))
    bend = np.abs(np.diff(pyramid[1], 2, axis=0)).mean(axis=(1, 2))
    found["bend"] = _log(np.median(bend)) - middle
    return found


def _persistence(pyramid: Sequence[Planes]) -> Numbers:
    """How alike changes are that lie one, two and three steps apart (correlation over the picture)."""
    found: Numbers = {}
    for level, planes in enumerate(pyramid):
        change = np.diff(planes, axis=0).reshape(len(planes) - 1, -1)
        norms = np.sqrt((change**2).sum(axis=1) + FAINT**2 * change.shape[1])
        for lag in (1, 2, 3):
            alike = (change[lag:] * change[:-lag]).sum(axis=1) / (norms[lag:] * norms[:-lag])
            found[f"persistence_{level}_{lag}"] = float(np.median(alike))
    return found


def _asymmetry(planes: Planes) -> Numbers:
    """Third moments that change sign when time runs backward."""
    found: Numbers = {}
    centred = planes - planes.mean(axis=(0, 1, 2))
    for lag in LAGS[:3]:
        before, after = centred[:-lag], centred[lag:]
        change = after - before
        size = float(np.sqrt((change**2).mean())) + FAINT
        found[f"skew_{lag}"] = float((change * change * change).mean()) / size**3
        found[f"lean_{lag}"] = float((change * np.abs(change) * (after + before)).mean()) / size**3
    return found


def _flows(grey: Planes) -> Planes:
    """Flow (steps, height, width, 2) from each picture to the next, pixels."""
    matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    planes = grey.astype(np.uint8)
    flows = [matcher.calc(before, after, None) for before, after in pairwise(planes)]  # type: ignore[call-overload]
    return np.stack(flows).astype(np.float32)


def _length(flows: Planes) -> Planes:
    """Length of every vector of flow (steps, height, width)."""
    return np.asarray(np.hypot(flows[..., 0], flows[..., 1]), np.float32)


def _motion(flows: Planes) -> Numbers:
    """How fast, how uneven, and which way: sideways, down, inward, around. The last ones change sign with time."""
    found: Numbers = {}
    speed = _length(flows)
    quantiles = np.quantile(speed.reshape(len(speed), -1), [0.5, 0.95], axis=1)
    found["speed_typical"], found["speed_fast"] = np.median(np.log(quantiles + STILL), axis=1).tolist()
    mean = flows.mean(axis=(1, 2))
    found["common"] = float(np.median(np.linalg.norm(mean, axis=1) / (speed.mean(axis=(1, 2)) + STILL)))
    found["still"] = float((speed < STILL).mean())
    size = float(speed.mean()) + STILL
    height, width = flows.shape[1:3]
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    found["sideways"] = float(np.abs(mean[:, 0]).mean()) / size
    found["downward"] = float(mean[:, 1].mean()) / size
    outward = (flows[..., 0] * across + flows[..., 1] * down).mean(axis=(1, 2))
    found["outward"] = float(outward.mean()) / size
    found["outward_size"] = _log(10 * np.abs(outward).mean())
    trend = speed.mean(axis=(1, 2))
    time = np.linspace(-1, 1, len(trend))
    found["slowing"] = float(((trend - trend.mean()) * time).mean() / (trend.std() + STILL))
    jumps = np.diff(trend)
    found["starting"] = float((jumps**3).mean() / (jumps.std() + STILL) ** 3)
    return found


def _continuity(flows: Planes) -> Numbers:
    """Whether what moves goes on moving: flow against the flow of the step after and of the one after that."""
    found: Numbers = {}
    power = np.einsum("tijk,tijk->t", flows, flows)
    for lag in (1, 2):
        before, after = flows[:-lag], flows[lag:]
        energy = np.sqrt(power[:-lag] * power[lag:])
        floor = STILL**2 * flows.shape[1] * flows.shape[2]
        alike = np.einsum("tijk,tijk->t", before, after) / (energy + floor)
        found[f"onward_{lag}"] = float(np.median(alike))
        found[f"onward_{lag}_least"] = float(np.quantile(alike, 0.1))
    turn = _length(np.diff(flows, axis=0)).mean(axis=(1, 2))
    speed = _length(flows).mean(axis=(1, 2))
    found["turn"] = float(np.median(np.log((turn + STILL) / (speed[1:] + speed[:-1] + STILL))))
    found["turn_most"] = float(np.quantile(np.log((turn + STILL) / (speed[1:] + speed[:-1] + STILL)), 0.9))
    return found


def _unexplained(grey: Planes, flows: Planes) -> Numbers:
    """What is left of a change when motion is undone, on the whole and where it is worst, and what motion explains."""
    height, width = grey.shape[1:]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    means, worst, explained = [], [], []
    for before, after, flow in zip(grey[:-1], grey[1:], flows, strict=True):
        places = across + flow[..., 0], down + flow[..., 1]
        warped = cv2.remap(after, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        left = cv2.blur(np.abs(warped - before), (7, 7))
        means.append(_log(left.mean()))
        worst.append(_log(np.quantile(left, 0.98)))
        explained.append(_log(np.abs(after - before).mean()) - means[-1])
    return {
        "unexplained": float(np.median(means)),
        "unexplained_most": float(np.quantile(means, 0.9)),
        "unexplained_worst": float(np.median(worst)),
        "explained": float(np.median(explained)),
    }
