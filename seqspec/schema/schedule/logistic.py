"""A weight that rises as a logistic curve: Bowman et al. (2016), "Generating Sentences from a Continuous
Space", arXiv:1511.06349, section 3.1.
"""

from math import exp

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.units import Count, NonNegative, PositiveFloat


class LogisticConfig(ScheduleConfig):
    """``peak / (1 + exp(-slope · (step - middle)))``."""

    middle: Count = 2500
    """Step at which half of ``peak`` is reached."""
    slope: PositiveFloat = 0.0025
    """Steepness, in 1/step."""
    peak: NonNegative = 1.0
    """What is reached in the end."""

    def rate(self, step: int) -> float:
        return self.peak / (1 + exp(min(700.0, -self.slope * (step - self.middle))))
