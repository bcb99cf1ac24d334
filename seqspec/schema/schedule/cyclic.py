"""Between a low and a high rate again and again: Smith (2017), "Cyclical Learning Rates", arXiv:1506.01186.

With ``shape: fall`` it is Loshchilov and Hutter (2017), "SGDR", arXiv:1608.03983; with ``cosine`` it is
Tensor2Tensor's legacy cosine, which rises again.
"""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import ramp
from seqspec.schema.units import Count, NonNegative, PositiveFloat


class CyclicConfig(ScheduleConfig):
    """Cycles of one length between two rates."""

    low: NonNegative
    """The lowest learning rate."""
    high: PositiveFloat
    """The highest learning rate of the first cycle."""
    period_steps: Annotated[int, Field(ge=2, le=2**53)]
    """Steps of one cycle."""
    shape: Literal["triangle", "cosine", "fall"] = "triangle"
    """``triangle``: low, high, low in straight lines; ``cosine``: high, low, high; ``fall``: a cosine down, a
    jump up.
    """
    decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """What each new cycle multiplies the height of the last by."""
    warmup_steps: Count = 0
    """Steps over which the whole curve is faded in."""

    def rate(self, step: int) -> float:
        cycle, at = divmod(step, self.period_steps)
        height = _height(self.shape, at / self.period_steps) * self.decay**cycle
        return ramp(step, self.warmup_steps) * (self.low + (self.high - self.low) * height)


def _height(shape: str, at: float) -> float:
    match shape:
        case "triangle":
            return 1 - abs(2 * at - 1)
        case "cosine":
            return (1 + cos(2 * pi * at)) / 2
        case _:
            return (1 + cos(pi * at)) / 2
