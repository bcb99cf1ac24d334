"""Multiplied by a factor every so many steps (Lingvo's StepwiseExponentialSchedule)."""

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import ramp
from seqspec.schema.units import Count, Fraction, NonNegative, Positive, PositiveFloat


class StepwiseConfig(ScheduleConfig):
    """peak · factor^⌊(step - decay_start) / every_steps⌋, not below the floor."""

    peak: NonNegative
    """The learning rate before the first drop."""
    warmup_steps: Count = 0
    """Steps over which the rate rises linearly from 0."""
    decay_start: Count = 0
    """Step from which drops are counted."""
    every_steps: Positive
    """Steps between two drops."""
    factor: PositiveFloat
    """What each drop multiplies the rate by."""
    floor: Fraction = 0.0
    """Least learning rate, as a share of the peak."""

    def rate(self, step: int) -> float:
        down = self.factor ** (max(0, step - self.decay_start) // self.every_steps)
        return self.peak * ramp(step, self.warmup_steps) * max(self.floor, down)
