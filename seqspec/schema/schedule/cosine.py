"""Linear warm-up, then half a cosine: Loshchilov and Hutter (2017), "SGDR", arXiv:1608.03983."""

from math import cos, pi

from seqspec.schema.schedule._warmup import ramp
from seqspec.schema.schedule._warmup_decay import DecayConfig


class CosineConfig(DecayConfig):
    """Half a cosine from the peak to the floor."""

    def rate(self, step: int) -> float:
        down = 0.5 * (1 + cos(pi * self.decayed(step)))
        return self.peak * ramp(step, self.warmup_steps) * (self.floor + (1 - self.floor) * down)
