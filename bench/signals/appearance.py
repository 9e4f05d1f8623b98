"""Appearance: how far the whole picture has drifted from the clip's opening."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.records import Family, Mode
from bench.signals import Reading
from bench.signals.views import Step, View


class _Drift(ABC):
    """Distance of one property of a frame from its value in the opening frame."""

    name: ClassVar[str]
    unit: ClassVar[str]
    floor: ClassVar[float]
    reads: ClassVar[tuple[Mode, ...]] = ("level",)
    family: Family = "features"

    def __init__(self) -> None:
        self._opening: NDArray[np.float64] | None = None

    def update(self, step: Step) -> Reading:
        """Largest absolute difference over the property's components."""
        if self._opening is None:
            self._opening = self.of(step.previous)
        return Reading(float(np.abs(self.of(step.current) - self._opening).max()))

    @abstractmethod
    def of(self, view: View) -> NDArray[np.float64]:
        """The property of one frame."""


class ExposureDrift(_Drift):
    """Mean brightness against the opening."""

    name, unit, floor = "exposure_drift", "log ratio", 0.2

    def of(self, view: View) -> NDArray[np.float64]:
        """Log of the mean brightness."""
        return np.log(np.atleast_1d(view.mean_colour.mean()) + 4.0)


class ColourDrift(_Drift):
    """Balance of the channels against the opening."""

    name, unit, floor = "colour_drift", "share of the mean brightness", 0.15

    def of(self, view: View) -> NDArray[np.float64]:
        """Each channel's mean over the mean of all."""
        return np.asarray(view.mean_colour / (view.mean_colour.mean() + 1.0), np.float64)


class SharpnessDrift(_Drift):
    """Mean gradient against the opening."""

    name, unit, floor = "sharpness_drift", "log ratio", 0.3

    def of(self, view: View) -> NDArray[np.float64]:
        """Log of the mean gradient."""
        return np.log(np.atleast_1d(view.mean_gradient) + 0.5)


class NoiseDrift(_Drift):
    """Fine grain against the opening."""

    name, unit, floor = "noise_drift", "log ratio", 0.5

    def of(self, view: View) -> NDArray[np.float64]:
        """Log of the median absolute Laplacian, which edges hardly move."""
        grain = np.abs(view.laplacian[::2, ::2]).reshape(-1)
        below = np.cumsum(np.bincount(grain))  # pixels of up to each level: these are counted faster than sorted
        middle = np.searchsorted(below, [(grain.size + 1) // 2, grain.size // 2 + 1])
        return np.log(np.atleast_1d(middle.mean()) + 0.5)
