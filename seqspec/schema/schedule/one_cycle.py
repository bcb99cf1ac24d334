"""Up once, down once: Smith and Topin (2017), "Super-Convergence", arXiv:1708.07120; torch's OneCycleLR."""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.units import PositiveFloat


class OneCycleConfig(ScheduleConfig):
    """One rise and one fall."""

    peak: PositiveFloat
    """The highest learning rate."""
    total_steps: Annotated[int, Field(ge=2, le=2**53)]
    """Steps of the whole cycle; the rate stays at its end afterwards."""
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the cycle in which the rate rises."""
    start: Annotated[float, Field(gt=0, le=1)] = 0.04
    """The rate at the beginning, as a share of the peak."""
    final: Annotated[float, Field(ge=0, le=1)] = 4e-6
    """The rate at the end, as a share of the peak."""
    shape: Literal["cosine", "linear"] = "cosine"
    """The curve of both halves."""

    def rate(self, step: int) -> float:
        at, top, end = step - 1, self.rise * self.total_steps - 1, self.total_steps - 1
        if at <= top:
            return self.peak * self._between(self.start, 1.0, at / top)
        return self.peak * self._between(1.0, self.final, min(1.0, (at - top) / (end - top)))

    def _between(self, first: float, last: float, share: float) -> float:
        if self.shape == "cosine":
            share = (1 - cos(pi * share)) / 2
        return first + (last - first) * share
