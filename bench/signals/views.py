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

from bench.records import Picture
from bench.signals.planes import (
    STRIDE,
    Mask,
    Plane,
    blurred,
    coordinates,
    disagree,
    joined,
    medians,
    sample,
    share,
    split,
    squared_length,
    squares,
)

WORKING_PIXELS = 65_536
SHORTEST_SIDE = 32
CELL = 4  # working pixels a side of the cells in which surfaces are followed
CELLS_AROUND = 3  # side of the square of cells over which a surface's look is averaged
SMALL = 8  # working pixels a side of the blocks by which frames are told apart
TEXTURE = 1.5  # grey levels a pixel; on flatter ground flow is a guess
LEAST_VALID = 0.2  # of the picture, for its gain to be taken from what has a counterpart
GAIN_LIMIT = 1.25  # a larger change of exposure in one step is not taken out,
STEADY = 1.5  # unless it goes on from the step before, at up to this many times its pace: a fade nears black
EXPLAINED = 0.7  # a block's residual over what the camera leaves: flow that leaves more of it is no motion
GRAIN_LIMIT = 40.0  # grey levels of the Laplacian; edges go beyond, grain does not
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
    def _opaque(self) -> Plane:
        """The colours and a fourth channel, for OpenCV interpolates four in half the time of three."""
        return np.asarray(cv2.cvtColor(self.colour, cv2.COLOR_RGB2RGBA), np.float32)

    def colour_at(self, at: Plane) -> Plane:
        """The colours at positions (height, width, 2) given as x, y."""
        return np.asarray(cv2.cvtColor(sample(self._opaque, at), cv2.COLOR_RGBA2RGB), np.float32)

    @cached_property
    def gradient(self) -> Plane:
        """|d/dx| + |d/dy| of the luminance, grey levels a pixel."""
        across, down = cv2.spatialGradient(self.gray)  # Sobel, 8 times the derivative
        both = np.abs(across, out=across)
        both += np.abs(down, out=down)
        return np.asarray(both.astype(np.float32) * np.float32(0.125))

    @cached_property
    def mean_gradient(self) -> float:
        """Of the whole picture, grey levels a pixel."""
        return float(self.gradient.mean())

    @cached_property
    def laplacian(self) -> NDArray[np.int16]:
        """Second derivative of the luminance, grey levels."""
        return np.asarray(cv2.Laplacian(self.gray, cv2.CV_16S), np.int16)

    @cached_property
    def half(self) -> NDArray[np.uint8]:
        """Luminance at half the size, of whole 8 x 8 blocks."""
        height, width = (length // SMALL * SMALL for length in self.gray.shape)
        whole = self.gray[:height, :width]
        return np.asarray(cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)

    @cached_property
    def cell_colour(self) -> Plane:
        """Mean colour of each cell (rows, columns, 3)."""
        return squares(self.colour, CELL)

    @cached_property
    def cell_gradient(self) -> Plane:
        """Mean gradient of each cell."""
        return squares(self.gradient, CELL)

    @cached_property
    def cell_grain(self) -> Plane:
        """Mean absolute Laplacian of each cell, that of a pixel counted up to GRAIN_LIMIT."""
        grain = cv2.min(cv2.convertScaleAbs(self.laplacian), GRAIN_LIMIT)  # type: ignore[call-overload]
        return squares(grain.astype(np.float32), CELL)

    @cached_property
    def square_gradient(self) -> Plane:
        """Mean gradient of 8 x 8 squares, grey levels a pixel."""
        return squares(self.cell_gradient, STRIDE // CELL)

    @cached_property
    def look(self) -> Plane:
        """Mean colour and mean gradient around each cell (rows, columns, 4)."""
        return blurred(np.dstack([np.rint(self.cell_colour), self.cell_gradient]), CELLS_AROUND)

    @cached_property
    def small(self) -> Plane:
        """Mean luminance of whole 8 x 8 blocks, in whole levels: what a frame is known by when it comes again."""
        return squares(self.gray, SMALL)

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
    def flow_xy(self) -> list[Plane]:
        """The flow's x and y, each contiguous."""
        return split(self.flow)

    @cached_property
    def inside(self) -> Mask:
        """Pixels that come from inside the previous picture."""
        height, width = self.size
        x, y = split(self.source)
        return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))

    @cached_property
    def occluded(self) -> Mask:
        """Pixels that the forward flow does not lead back to."""
        return disagree(self.flow_xy, split(sample(self.forward, self.source)))

    @cached_property
    def valid(self) -> Mask:
        """Pixels with a counterpart in the previous frame."""
        return self.inside & ~self.occluded

    @cached_property
    def unmatched(self) -> Mask:
        """Pixels from inside the previous picture without a counterpart there."""
        return self.inside & self.occluded

    @cached_property
    def residual(self) -> Plane:
        """|current - gain x carried|, luminance of it, grey levels; a change of exposure is no inconsistency."""
        carried = self.previous.colour_at(self.source)
        sure = share(self.valid) >= LEAST_VALID
        mask = (self.valid if sure else np.ones_like(self.valid)).view(np.uint8)
        now, before = (np.array(cv2.mean(plane, mask)[:3]) + 1.0 for plane in (self.current.colour, carried))
        gain = now / before
        self.current.lightened = float(np.mean(now - before))
        pace = self.current.lightened / self.previous.lightened if self.previous.lightened else 0.0
        if (sure and gain.max() < GAIN_LIMIT and gain.min() > 1 / GAIN_LIMIT) or 0 < pace < STEADY:
            rows = carried.reshape(len(carried), -1)
            rows *= np.tile(gain.astype(np.float32), carried.shape[1])
        return np.asarray(cv2.cvtColor(cv2.absdiff(self.current.colour, carried), cv2.COLOR_RGB2GRAY), np.float32)

    @cached_property
    def mean_residual(self) -> float:
        """Of the whole picture, grey levels."""
        return float(self.residual.mean())

    @cached_property
    def square_residual(self) -> Plane:
        """Mean residual of 8 x 8 squares, grey levels."""
        return squares(self.residual, STRIDE)

    @cached_property
    def square_inside(self) -> Plane:
        """Share of 8 x 8 squares that comes from inside the previous picture."""
        return squares(self.inside.astype(np.float32), STRIDE)

    @cached_property
    def square_change(self) -> Plane:
        """Mean absolute change of the luminance in 8 x 8 squares, grey levels."""
        return squares(cv2.absdiff(self.current.gray, self.previous.gray).astype(np.float32), STRIDE)

    @cached_property
    def block_residual(self) -> Plane:
        """Residual a block over the block's gradient: working pixels of flow error. Blocks from outside count 0."""
        error = joined(self.square_residual) / (joined(self.current.square_gradient) + np.float32(2.0))
        return np.asarray(error * (joined(self.square_inside) > 0.99))

    @cached_property
    def confirmed(self) -> Mask:
        """Points of the grid of `subject_flow` where undoing the motion explains most of what the camera leaves.

        Under noise that is new in every frame, or in a cross-fade, flow follows what nothing carried; over a still
        that a camera pans across, undoing the camera's motion leaves no more than undoing the flow.
        """
        change = joined(squares(self._beyond_camera, STRIDE))
        explained = joined(self.square_residual) < np.float32(EXPLAINED) * change
        rows, columns = -(-self.size[0] // STRIDE), -(-self.size[1] // STRIDE)
        # A block begins at its grid point; the one before it covers the point too.
        padded = np.zeros((rows + 1, columns + 1), bool)
        padded[1 : 1 + explained.shape[0], 1 : 1 + explained.shape[1]] = explained
        around = padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1]
        return np.asarray(around.reshape(-1))

    @property
    def _beyond_camera(self) -> Plane:
        """|current - previous moved as the camera moved it|, grey levels."""
        (xx, yx), (xy, yy), (x, y) = self.camera.coefficients
        turn = np.array([[1 + xx, xy, x], [yx, 1 + yy, y]])
        height, width = self.size
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(self.previous.gray, turn, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return cv2.absdiff(self.current.gray, moved).astype(np.float32)

    @cached_property
    def cell_flow(self) -> Plane:
        """Mean flow of each cell (rows, columns, 2), working pixels."""
        return squares(self.flow, CELL)

    @cached_property
    def cell_valid(self) -> Plane:
        """Share of each cell that has a counterpart, in whole levels of 0 to 255."""
        return squares(self.valid.view(np.uint8) * np.uint8(255), CELL)

    @cached_property
    def surface(self) -> Surface:
        """First looks carried one step further; what has no counterpart is seen for the first time now.

        Asked of every step or of none: each step goes on from where the one before left off.
        """
        before = getattr(self.previous, "surface", None)
        if before is None:
            before = Surface(self.previous.look, np.zeros(self.previous.look.shape[:2], np.float32))
        source = coordinates(*before.age.shape) + self.cell_flow * np.float32(1 / CELL)
        look, age = sample(before.look, source), sample(before.age, source) + 1
        unseen = self.cell_valid < 128
        cv2.copyTo(self.current.look, unseen.view(np.uint8), look)
        age[unseen] = 0
        self.current.surface = Surface(look, age)
        return self.current.surface

    @cached_property
    def displacement(self) -> float:
        """Mean length of the flow, working pixels a step."""
        # Not by cv2.mean, whose last digits depend on where the plane lies in memory.
        return float(np.sqrt(squared_length(*self.flow_xy)).mean())

    @cached_property
    def camera(self) -> Camera:
        """The affine motion that most of the picture shares, by reweighted least squares on a grid of flow."""
        design, target = _design(*self.size, FIT_STRIDE), _on_grid(self.flow, FIT_STRIDE)
        weighted, fitted = design, np.zeros_like(target)
        coefficients: NDArray[np.float64] = np.zeros((3, 2))
        for _ in range(5):
            coefficients = np.asarray(np.linalg.solve(weighted @ design.T, weighted @ target.T), np.float64)
            fitted = coefficients.T @ design
            x, y = np.abs(target - fitted)
            error = x + y
            weighted = design / (1.0 + np.square(error / (0.3 + medians(error))))
        return Camera(coefficients, float(np.hypot(*fitted).mean()))

    @cached_property
    def subject_flow(self) -> NDArray[np.float64]:
        """Length of the flow left on the grid when the camera's is taken out, working pixels a step."""
        left = _on_grid(self.flow, STRIDE) - self.camera.coefficients.T @ _design(*self.size, STRIDE)
        return np.asarray(np.hypot(*left))

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


def _on_grid(flow: Plane, stride: int) -> NDArray[np.float64]:
    """x and y of every `stride`-th pixel (2, points)."""
    return np.ascontiguousarray(flow[::stride, ::stride].reshape(-1, 2).T, np.float64)


@lru_cache(maxsize=16)
def _design(height: int, width: int, stride: int) -> NDArray[np.float64]:
    grid = _on_grid(coordinates(height, width), stride)
    return np.vstack([grid, np.ones((1, grid.shape[1]))])
