"""A weight that rises again and again: Fu et al. (2019), "Cyclical Annealing Schedule: A Simple Approach to
Mitigating KL Vanishing", arXiv:1903.10145, equation 6.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.units import NonNegative, Positive


class CyclicalAnnealingConfig(ScheduleConfig):
    """From 0 to ``peak`` in a straight line over the first part of each cycle, then ``peak`` to its end."""

    total_steps: Positive
    """Steps of all cycles together; the weight is ``peak`` after them."""
    cycles: Positive = 4
    """Cycles, all of one length."""
    ramp: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of a cycle over which the weight rises."""
    peak: NonNegative = 1.0
    """The weight at the end of each rise."""

    def rate(self, step: int) -> float:
        if step > self.total_steps:
            return self.peak
        length = self.total_steps / self.cycles
        at = (step - 1) % length / length
        return self.peak * min(1.0, at / self.ramp)
