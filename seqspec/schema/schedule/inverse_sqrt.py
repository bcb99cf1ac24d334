"""Linear warm-up to a peak, then decay with the inverse square root of the step.

The curve of Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762, section 5.3, given by its
peak instead of by a factor and a width.  With ``warmup: constant`` it is Lingvo's SqrtDecay and
Tensor2Tensor's ``rsqrt_decay``.
"""

from math import sqrt
from typing import Literal

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.units import NonNegative, Positive, PositiveFloat


class InverseSqrtConfig(ScheduleConfig):
    """Warm-up, then peak · √(warmup_steps / step)."""

    peak: PositiveFloat
    """The highest learning rate, reached at ``warmup_steps``."""
    warmup_steps: Positive
    """Steps before the decay begins."""
    warmup: Literal["linear", "constant"] = "linear"
    """Rise linearly to the peak, or stay at it, until ``warmup_steps``."""
    floor: NonNegative = 0.0
    """Least learning rate after the warm-up, as a share of the peak."""

    def rate(self, step: int) -> float:
        if step <= self.warmup_steps:
            return self.peak * (step / self.warmup_steps if self.warmup == "linear" else 1.0)
        return self.peak * max(self.floor, sqrt(self.warmup_steps / step))
