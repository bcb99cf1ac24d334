"""How fast images become noise, in double precision.

Ho et al. (2020), "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, section 4 (linear); Nichol &
Dhariwal (2021), "Improved Denoising Diffusion Probabilistic Models", arXiv:2102.09672, equation 17 (cosine).
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import cos, pi
from operator import mul
from typing import Literal

NoiseSchedule = Literal["linear", "cosine"]
FIRST, LAST, STEPS = 1e-4, 0.02, 1000
"""Of the linear schedule over 1,000 steps; over fewer, its betas grow so that as little of the image is
left.
"""
OFFSET, MOST = 0.008, 0.999
"""Of the cosine schedule: what keeps the first betas from being too small, and the largest beta."""


def betas(schedule: NoiseSchedule, steps: int) -> list[float]:
    """Variance of the noise that each step adds."""
    if schedule == "linear":
        scale = STEPS / steps
        first, last = FIRST * scale, min(LAST * scale, MOST)
        return [first + (last - first) * step / max(steps - 1, 1) for step in range(steps)]
    left = [cos((step / steps + OFFSET) / (1 + OFFSET) * pi / 2) ** 2 for step in range(steps + 1)]
    return [min(1 - after / before, MOST) for before, after in pairwise(left)]


def kept(schedule: NoiseSchedule, steps: int) -> list[float]:
    """The paper's ᾱ: share of the image's variance that is left after each step."""
    return list(accumulate((1 - beta for beta in betas(schedule, steps)), mul))
