"""What every signal looks at: frames at the working size, and steps from one distinct frame to the next.

All pictures are brought to one area, so that a pixel of flow error means the same for every clip. Each feature is
computed at most once a step and shared by all signals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Picture, Region

Plane = NDArray[np.float32]  # height x width, or height x width x channels
Mask = NDArray[np.bool_]

WORKING_PIXELS = 65_536
SHORTEST_SIDE = 32
BLOCK = 16
STRIDE = 8
CELL = 4  # working pixels a side of the cells in which surfaces are followed
CELLS_AROUND = 3  # side of the square of cells over which a surface's look is averaged
SMALL = 8  # working pixels a side of the blocks by which frames are told apart
TEXTURE = 1.5  # grey levels a pixel; on flatter ground flow is a guess
LEAST_VALID = 0.2  # of the picture, for its gain to be taken from what has a counterpart
GAIN_LIMIT = 1.25  # a larger change of exposure in one step is not taken out,
STEADY = 1.5  # unless it goes on from the step before, at up to this many times its pace: a fade nears black
EXPLAINED = 0.7  # a block's residual over its change: flow that leaves more of it is no motion
FIT_STRIDE = 16  # of the grid to which the camera's motion is fitted


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at the working area, the aspect kept (to within a shortest side of 32).

    >>> working_size(1280, 720)
    (341, 192)
    """
    if width < 1 or height < 1:
        raise ValueError(f"expected a picture of at least one pixel, got {width}x{height}")
    if min(width, height) >= SHORTEST_SIDE and abs(width * height - WORKING_PIXELS) <= (width + height) / 2 + 1:
        return width, height  # as near as rounding comes: what was resized once is not resized again
    longest = WORKING_PIXELS // SHORTEST_SIDE
    scale = (WORKING_PIXELS / (width * height)) ** 0.5
    wide, high = (min(max(round(side * scale), SHORTEST_SIDE), longest) for side in (width, height))
    return wide, high


def working_picture(picture: Picture) -> Picture:
    """The picture at the working size: halved by averages while it is more than twice as large, then interpolated.

    That is close to averaging over areas, at a fifth of the time.
    """
    wide, high = working_size(picture.shape[1], picture.shape[0])
    while picture.shape[0] >= 2 * high and picture.shape[1] >= 2 * wide:
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        picture = _resized(picture[: 2 * height, : 2 * width], width, height, cv2.INTER_AREA)
    return _resized(picture, wide, high, cv2.INTER_LINEAR)


def _resized(picture: Picture, width: int, height: int, method: int) -> Picture:
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


class Surface(NamedTuple):
    """How each visible surface looked when it was first seen, carried along the flow to where it is now; in cells."""

    look: Plane  # mean colour (3 channels) and mean gradient around, grey levels (rows, columns, 4)
    age: Plane  # distinct frames since it was first seen


class View:
    """One distinct frame at the working size. `index` is its container frame."""

    surface: Surface

    def __init__(self, index: int, picture: Picture) -> None:
        self.index = index
        self.lightened = 0.0  # change of the mean luminance in the step to it, grey levels
        self.patches: dict[str, Plane] = {}  # features by the name of the network that gave them
        self.picture = picture
        self.gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        self.colour: Plane = picture.astype(np.float32)

    @cached_property
    def gradient(self) -> Plane:
        """|d/dx| + |d/dy| of the luminance, grey levels a pixel."""
        across, down = cv2.spatialGradient(self.gray)  # Sobel, 8 times the derivative
        return np.asarray((np.abs(across) + np.abs(down)) * np.float32(0.125), np.float32)

    @cached_property
    def look(self) -> Plane:
        """Mean colour and mean gradient around each cell (rows, columns, 4)."""
        colour, gradient = _cells(self.picture), _cells(self.gradient)
        return _blurred(np.dstack([colour, gradient]), CELLS_AROUND)

    @cached_property
    def small(self) -> Plane:
        """Mean luminance of whole 8 x 8 blocks: what a frame is known by when it comes again."""
        rows, columns = self.gray.shape[0] // SMALL, self.gray.shape[1] // SMALL
        whole = self.gray[: rows * SMALL, : columns * SMALL]
        return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)

    @cached_property
    def mean_colour(self) -> NDArray[np.float32]:
        """Mean of each channel (3,), 0 to 255."""
        return np.array(cv2.mean(self.picture)[:3], np.float32)


@dataclass(frozen=True)
class Camera:
    """Affine motion of the whole picture between two frames, working pixels: flow = [x, y, 1] @ coefficients."""

    coefficients: NDArray[np.float64]  # 3 x 2
    speed: float
    """Mean length of the camera's own flow, working pixels a step."""


class Step:
    """From one distinct frame to the next. Flow runs backward, from each pixel of `current` to where it was before."""

    def __init__(self, previous: View, current: View, flow: Plane, forward: Plane) -> None:
        self.previous, self.current = previous, current
        self.flow, self.forward = flow, forward

    @property
    def index(self) -> int:
        """Container frame of the later frame: the frame that breaks when this step does."""
        return self.current.index

    @property
    def size(self) -> tuple[int, int]:
        """Height and width at the working size."""
        return self.flow.shape[0], self.flow.shape[1]

    @cached_property
    def source(self) -> Plane:
        """Where each pixel comes from, in coordinates of the previous frame (height, width, 2)."""
        return coordinates(*self.size) + self.flow

    @cached_property
    def length_squared(self) -> Plane:
        """Squared length of the flow, working pixels squared."""
        return squared_length(self.flow)

    @cached_property
    def inside(self) -> Mask:
        """Pixels that come from inside the previous picture."""
        height, width = self.size
        x, y = cv2.split(self.source)
        return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))

    @cached_property
    def occluded(self) -> Mask:
        """Pixels that the forward flow does not lead back to."""
        return disagree(self.flow, sample(self.forward, self.source))

    @cached_property
    def valid(self) -> Mask:
        """Pixels with a counterpart in the previous frame."""
        return self.inside & ~self.occluded

    @cached_property
    def residual(self) -> Plane:
        """|current - gain x carried|, luminance of it, grey levels; a change of exposure is no inconsistency."""
        carried = sample(self.previous.colour, self.source)
        sure = self.valid.mean() >= LEAST_VALID
        mask = (self.valid if sure else np.ones_like(self.valid)).view(np.uint8)
        now, before = (np.array(cv2.mean(plane, mask)[:3]) + 1.0 for plane in (self.current.colour, carried))
        gain = now / before
        self.current.lightened = float(np.mean(now - before))
        pace = self.current.lightened / self.previous.lightened if self.previous.lightened else 0.0
        if (sure and gain.max() < GAIN_LIMIT and gain.min() > 1 / GAIN_LIMIT) or 0 < pace < STEADY:
            cv2.multiply(carried, (*gain, 0.0), carried)  # type: ignore[call-overload]
        return np.asarray(cv2.cvtColor(cv2.absdiff(self.current.colour, carried), cv2.COLOR_RGB2GRAY), np.float32)

    @cached_property
    def block_residual(self) -> Plane:
        """Residual a block over the block's gradient: working pixels of flow error. Blocks from outside count 0."""
        error = block_means(self.residual) / (block_means(self.current.gradient) + 2.0)
        return error * (block_means(self.inside.astype(np.float32)) > 0.99)

    @cached_property
    def confirmed(self) -> Mask:
        """Points of the grid of `subject_flow` where undoing the motion explains most of the change.

        Under noise that is new in every frame, or in a cross-fade, flow follows what nothing carried.
        """
        change = block_means(cv2.absdiff(self.current.gray, self.previous.gray).astype(np.float32))
        explained = (block_means(self.residual) < EXPLAINED * change).view(np.uint8)
        rows, columns = -(-self.size[0] // STRIDE), -(-self.size[1] // STRIDE)
        # A block begins at its grid point; the one before it covers the point too.
        padded = np.zeros((rows + 1, columns + 1), np.uint8)
        padded[1 : 1 + explained.shape[0], 1 : 1 + explained.shape[1]] = explained
        around = np.maximum.reduce([padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1], padded[:-1, :-1]])
        return np.asarray(around.reshape(-1) > 0)

    @cached_property
    def surface(self) -> Surface:
        """First looks carried one step further; what has no counterpart is seen for the first time now.

        Asked of every step or of none: each step goes on from where the one before left off.
        """
        before = getattr(self.previous, "surface", None)
        if before is None:
            before = Surface(self.previous.look, np.zeros(self.previous.look.shape[:2], np.float32))
        rows, columns = before.age.shape
        source = coordinates(rows, columns) + _cells(self.flow) * np.float32(1 / CELL)
        look, age = sample(before.look, source), sample(before.age, source) + 1
        unseen = _cells(self.valid.view(np.uint8) * np.uint8(255)) < 128
        look[unseen] = self.current.look[unseen]
        age[unseen] = 0
        self.current.surface = Surface(look, age)
        return self.current.surface

    @cached_property
    def displacement(self) -> float:
        """Mean length of the flow, working pixels a step."""
        return float(np.sqrt(self.length_squared).mean())

    @cached_property
    def camera(self) -> Camera:
        """The affine motion that most of the picture shares, by reweighted least squares on a grid of flow."""
        design, target = _design(*self.size, FIT_STRIDE), _on_grid(self.flow, FIT_STRIDE)
        weights = np.ones(len(design))
        coefficients: NDArray[np.float64] = np.zeros((3, 2))
        for _ in range(5):
            weighted = design * weights[:, None]
            coefficients = np.asarray(np.linalg.solve(weighted.T @ design, weighted.T @ target), np.float64)
            error = np.abs(target - design @ coefficients).sum(axis=1)
            weights = 1.0 / (1.0 + np.square(error / (0.3 + np.median(error))))
        return Camera(coefficients, float(np.linalg.norm(design @ coefficients, axis=1).mean()))

    @cached_property
    def subject_flow(self) -> NDArray[np.float64]:
        """Length of the flow left on the grid when the camera's is taken out, working pixels a step."""
        left = _on_grid(self.flow, STRIDE) - _design(*self.size, STRIDE) @ self.camera.coefficients
        return np.asarray(np.linalg.norm(left, axis=1))

    @cached_property
    def trackable(self) -> Mask:
        """Points of that grid that have a counterpart and a texture to find it by."""
        step = STRIDE // CELL
        textured = self.current.look[::step, ::step, 3] > TEXTURE
        valid = self.valid[::STRIDE, ::STRIDE]
        rows, columns = (min(a, b) for a, b in zip(textured.shape, valid.shape, strict=True))
        found = np.zeros(valid.shape, bool)
        found[:rows, :columns] = textured[:rows, :columns] & valid[:rows, :columns]
        return found.reshape(-1)


Flow = Callable[[View, View], tuple[Plane, Plane]]
"""Of an earlier frame and a later one: the flow from each pixel of the later to where it was, and forward."""


class Walk:
    """Steps between consecutive frames of one clip, told one frame at a time; holds two frames."""

    def __init__(self, flow: Flow | None = None) -> None:
        self._flow = flow or dis
        self._previous: View | None = None

    def step(self, index: int, picture: Picture) -> Step | None:
        """The step to this frame, given by its container frame and as a picture of any size; None for the first."""
        current, previous = View(index, working_picture(picture)), self._previous
        self._previous = current
        return Step(previous, current, *self._flow(previous, current)) if previous else None


def steps(frames: Iterable[tuple[int, Picture]]) -> Iterator[Step]:
    """Steps between consecutive frames, given as (container frame, picture of any size). Holds two frames at a time."""
    walk = Walk()
    for index, picture in frames:
        if step := walk.step(index, picture):
            yield step


def dis(earlier: View, later: View) -> tuple[Plane, Plane]:
    """Flow by DIS, backward and forward."""
    return track(later.gray, earlier.gray), track(earlier.gray, later.gray)


def track(start: NDArray[np.uint8], end: NDArray[np.uint8]) -> Plane:
    """Flow (height, width, 2) from each pixel of `start` to its place in `end`, both luminance, by DIS."""
    # Made anew: one that has seen a small picture keeps the scales it chose for that, and gives other flow ever after.
    matcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(matcher.calc(start, end, None), np.float32)  # type: ignore[call-overload]


def sample(plane: Plane, at: Plane) -> Plane:
    """Values of a plane at positions (height, width, 2) given as x, y: bilinear, the border repeated outside."""
    values = cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(values, np.float32)


def squared_length(flow: Plane) -> Plane:
    """Squared length of the vectors (height, width, 2)."""
    x, y = flow[..., 0], flow[..., 1]
    return np.asarray(x * x + y * y, np.float32)


def disagree(flow: Plane, back: Plane) -> Mask:
    """Where two opposite flows do not cancel: |F + B|^2 > 0.01 (|F|^2 + |B|^2) + 0.5 (Sundaram et al. 2010)."""
    (x, y), (back_x, back_y) = cv2.split(flow), cv2.split(back)
    gap = np.square(x + back_x) + np.square(y + back_y)
    return np.asarray(gap > 0.01 * (x * x + y * y + back_x * back_x + back_y * back_y) + 0.5)


def block_means(plane: Plane) -> Plane:
    """Means over 16 x 16 blocks, every 8 pixels: a grid of (rows, columns)."""
    return means_over(plane, BLOCK, STRIDE)


def means_over(plane: Plane, side: int, stride: int) -> Plane:
    """Means over square blocks of that side, every `stride` pixels: a grid of (rows, columns)."""
    means = cv2.blur(plane, (side, side), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(means[: plane.shape[0] - side + 1 : stride, : plane.shape[1] - side + 1 : stride], np.float32)


def exceeded_by(values: Plane | NDArray[np.float64], share: float) -> float:
    """The value that this share of all values exceeds, the next one below where it falls between two.

    >>> exceeded_by(np.arange(100.0), 0.02)
    97.0
    """
    flat = values.reshape(-1)
    rank = int((1 - share) * (flat.size - 1) + 1e-9)
    return float(np.partition(flat, rank)[rank])


def region_of(blocks: Plane, side: int, stride: int, size: tuple[int, int]) -> Region:
    """The box around the blocks that stand out with the worst one: those joined to it and at least half as bad.

    `side` and `stride` of the blocks and `size` (height, width) of the picture are in working pixels.
    """
    row, column = np.unravel_index(int(np.argmax(blocks)), blocks.shape)
    standing_out = (blocks >= 0.5 * blocks[row, column]).astype(np.uint8)
    _, labels = cv2.connectedComponents(standing_out, connectivity=8)
    rows, columns = np.nonzero(labels == labels[row, column])
    (height, width), top, left = size, int(rows.min()) * stride, int(columns.min()) * stride
    bottom, right = min(int(rows.max()) * stride + side, height), min(int(columns.max()) * stride + side, width)
    return Region(left / width, top / height, (right - left) / width, (bottom - top) / height)


def _cells(plane: Plane | Picture) -> Plane:
    """Means over whole 4 x 4 cells; what is left over at the right and below is not looked at (ten times as fast)."""
    rows, columns = plane.shape[0] // CELL, plane.shape[1] // CELL
    whole = plane[: rows * CELL, : columns * CELL]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _blurred(plane: Plane, side: int) -> Plane:
    return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)


@lru_cache(maxsize=16)
def coordinates(height: int, width: int) -> Plane:
    """x and y of every pixel (height, width, 2)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def _on_grid(flow: Plane, stride: int) -> NDArray[np.float64]:
    return flow[::stride, ::stride].reshape(-1, 2).astype(np.float64)


@lru_cache(maxsize=16)
def _design(height: int, width: int, stride: int) -> NDArray[np.float64]:
    grid = _on_grid(coordinates(height, width), stride)
    return np.column_stack([grid, np.ones(len(grid))])
