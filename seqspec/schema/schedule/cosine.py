"""Linear warm-up, then half a cosine: Loshchilov and Hutter (2017), "SGDR", arXiv:1608.03983."""

from math import cos, pi

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.schedule._curve import progress, ramp
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Count, Fraction, NonNegative, Positive


class CosineConfig(Config):
    """Half a cosine from the peak to the floor."""

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

    def rate(self, step: int) -> float:
        start = self.warmup_steps if self.decay_start is None else self.decay_start
        down = 0.5 * (1 + cos(pi * progress(step, start, self.decay_end)))
        return self.peak * ramp(step, self.warmup_steps) * (self.floor + (1 - self.floor) * down)
