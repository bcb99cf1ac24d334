"""One learning rate throughout, after an optional linear warm-up."""

from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import ramp
from seqspec.schema.units import Count, NonNegative


class ConstantConfig(ScheduleConfig):
    """One learning rate."""

    peak: NonNegative = 1e-3
    """The learning rate."""
    warmup_steps: Count = 0
    """Steps over which the rate rises linearly from 0."""

    def rate(self, step: int) -> float:
        return self.peak * ramp(step, self.warmup_steps)
