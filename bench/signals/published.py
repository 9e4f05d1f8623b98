"""Published metrics, by their published formulas, for the tables that others keep."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode, Picture
from bench.signals import Reading
from bench.signals.planes import Mask, Plane, coordinates, disagree, sample, split, squared_length
from bench.signals.views import Step


def flickering_step(previous: Picture, current: Picture) -> float:
    """Mean absolute difference of two neighbouring container frames, grey levels, at their own size."""
    return float(cv2.norm(previous, current, cv2.NORM_L1) / previous.size)


def temporal_flickering(differences: NDArray[np.float64]) -> float:
    """VBench (Huang et al. 2024): (255 - mean absolute difference of neighbours) / 255; 1 is still.

    >>> temporal_flickering(np.array([0.0, 51.0]))
    0.9
    """
    if not len(differences):
        raise ValueError("temporal flickering needs at least two frames")
    return float((255.0 - np.mean(differences)) / 255.0)


class WarpingError:
    """Warping error (Lai et al. 2018, eq. 11): masked mean square of W(I[t+1], F[t->t+1]) - I[t], pictures in [0, 1].

    The mask leaves out occlusions and motion boundaries. Flow is DIS at the working size, not FlowNet2 at full size.
    As published, a pair with everything masked scores 0: the signal `unmatched` is there to tell.
    """

    name, unit, floor = "warping_error", "mean square, pictures in [0, 1]", 0.0
    reads: tuple[Mode, ...] = ()
    family: Family = "flow"

    def update(self, step: Step) -> Reading:
        """Error of one pair."""
        target = coordinates(*step.size) + step.forward
        forward, backward = split(step.forward), [sample(part, target) for part in step.flow_xy]
        mask = ~(disagree(forward, backward) | _boundary(*forward))
        count, carried = np.count_nonzero(mask), step.current.colour_at(target)
        squares = cv2.norm(carried, step.previous.colour, cv2.NORM_L2SQR, mask.view(np.uint8))
        return Reading(squares / (3 * 255.0**2 * count) if count else 0.0)


def _boundary(x: Plane, y: Plane) -> Mask:
    """|grad u|^2 + |grad v|^2 > 0.01 |F|^2 + 0.002, by forward differences."""
    bound = squared_length(x, y)
    bound *= np.float32(0.01)
    bound += np.float32(0.002)
    bound[:, :-1] -= squared_length(x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1])
    bound[:-1] -= squared_length(x[1:] - x[:-1], y[1:] - y[:-1])
    return np.asarray(bound < 0)


def clip_score(pictures: NDArray[np.float32], text: NDArray[np.float32]) -> float:
    """CLIPScore (Hessel et al. 2021): 2.5 x max(cosine, 0), mean over frames.

    Embeddings (n, d) and (d,) of unit length.

    >>> clip_score(np.eye(2, dtype=np.float32), np.array([1, 0], np.float32))
    1.25
    """
    return float(2.5 * np.maximum(pictures @ text, 0.0).mean())


def clip_temporal_consistency(pictures: NDArray[np.float32]) -> float:
    """Mean cosine of neighbouring frames (Esser et al. 2023); embeddings (frames, d) of unit length."""
    if len(pictures) < 2:
        raise ValueError("temporal consistency needs at least two frames")
    return float((pictures[1:] * pictures[:-1]).sum(axis=1).mean())
