"""Linear warm-up to a peak, then a straight line down."""

from seqspec.schema.schedule._warmup import ramp
from seqspec.schema.schedule._warmup_decay import DecayConfig


class LinearConfig(DecayConfig):
    """Linear up, linear down."""

    def rate(self, step: int) -> float:
        down = 1 - (1 - self.floor) * self.decayed(step)
        return self.peak * min(ramp(step, self.warmup_steps), down)
