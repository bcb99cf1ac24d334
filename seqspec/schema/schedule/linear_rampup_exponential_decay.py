"""Linear ramp-up, plateau, exponential decay: Chen et al. (2018), "The Best of Both Worlds",
arXiv:1804.09849.

Lingvo's LinearRampupExponentialDecay.  Lingvo scales its steps and its peak by the number of replicas; here
they are written out, so that a spec means the same on every machine.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import power, progress
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Count, Fraction, NonNegative, Positive, PositiveFloat


class LinearRampupExponentialDecayConfig(ScheduleConfig):
    """Up in a straight line, flat, then down in a straight line of the logarithm."""

    start: NonNegative = 0.0
    """The learning rate at step 0."""
    peak: PositiveFloat
    """The highest learning rate."""
    warmup_steps: Count
    """Steps of the ramp-up."""
    decay_start: Count
    """Step at which the decay begins."""
    decay_end: Positive
    """Step at which the decay has reached its floor."""
    floor: Fraction
    """Where the decay ends, as a share of the peak; above 0."""

    def output(self, source: Type) -> Type:
        if not self.floor:
            raise Mismatch(
                "an exponential decay never reaches 0",
                at=("floor",),
                help="give a floor above 0, such as 0.01",
            )
        if not self.warmup_steps <= self.decay_start < self.decay_end:
            raise Mismatch(
                "the decay must begin after the warm-up and end after it begins", at=("decay_start",)
            )
        return Nothing()

    def rate(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.start + (self.peak - self.start) * step / self.warmup_steps
        return self.peak * power(self.floor, progress(step, self.decay_start, self.decay_end))
