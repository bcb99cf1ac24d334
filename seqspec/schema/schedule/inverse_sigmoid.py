"""The inverse sigmoid of Bengio et al. (2015), "Scheduled Sampling", arXiv:1506.03099, section 2.4."""

from math import exp

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.units import NonNegative, PositiveFloat


class InverseSigmoidConfig(ScheduleConfig):
    """peak · k / (k + e^(step / k))."""

    peak: NonNegative
    """The rate of the first steps, nearly."""
    k: PositiveFloat
    """Speed of the fall: larger is slower."""

    def rate(self, step: int) -> float:
        return self.peak * self.k / (self.k + exp(min(700.0, step / self.k)))
