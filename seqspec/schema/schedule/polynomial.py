"""Linear warm-up to a peak, then a polynomial down (Lingvo's PolynomialSchedule)."""

from seqspec.schema.schedule._warmup import power, ramp
from seqspec.schema.schedule._warmup_decay import DecayConfig
from seqspec.schema.units import PositiveFloat


class PolynomialConfig(DecayConfig):
    """floor + (1 - floor) · (1 - x)^power between two steps."""

    power: PositiveFloat = 2.0
    """Exponent; 1 is a straight line."""

    def rate(self, step: int) -> float:
        left = power(1 - self.decayed(step), self.power)
        return self.peak * ramp(step, self.warmup_steps) * (self.floor + (1 - self.floor) * left)
