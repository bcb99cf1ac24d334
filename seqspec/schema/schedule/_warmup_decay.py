"""What schedules share that rise linearly to a peak and fall between two steps to a floor."""

from seqspec.schema.config import Mismatch
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import progress
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Count, Fraction, NonNegative, Positive


class DecayConfig(ScheduleConfig):
    """Where the rate rises and falls; how it falls is each schedule's own."""

    peak: NonNegative
    """The highest learning rate."""
    warmup_steps: Count = 0
    """Steps over which the rate rises linearly from 0."""
    decay_start: Count | None = None
    """Step at which the decay begins; left out, where the warm-up ends."""
    decay_end: Positive
    """Step at which the decay has reached its floor."""
    floor: Fraction = 0.0
    """Where the decay ends, as a share of the peak."""

    def output(self, source: Type) -> Type:
        if (self.decay_start or self.warmup_steps) >= self.decay_end:
            raise Mismatch(
                "the decay ends before it begins", at=("decay_end",), help="let it end after the warm-up"
            )
        return Nothing()

    def decayed(self, step: int) -> float:
        """The share of the decay that lies behind, from 0 to 1."""
        start = self.warmup_steps if self.decay_start is None else self.decay_start
        return progress(step, start, self.decay_end)
