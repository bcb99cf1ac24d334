"""Flat, then halved again and again (Lingvo's ContinuousSchedule)."""

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import power, ramp
from seqspec.schema.units import Count, Fraction, NonNegative, PositiveFloat


class ExponentialConfig(ScheduleConfig):
    """peak · ½^((step - decay_start) / half_life_steps), not below the floor."""

    peak: NonNegative
    """The learning rate before the decay begins."""
    warmup_steps: Count = 0
    """Steps over which the rate rises linearly from 0."""
    decay_start: Count = 0
    """Step at which the decay begins."""
    half_life_steps: PositiveFloat
    """Steps in which the rate halves."""
    floor: Fraction = 0.0
    """Least learning rate, as a share of the peak."""

    def rate(self, step: int) -> float:
        down = power(0.5, max(0, step - self.decay_start) / self.half_life_steps)
        return self.peak * min(ramp(step, self.warmup_steps), max(self.floor, down))
