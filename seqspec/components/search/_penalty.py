"""How hypotheses of different lengths are compared."""

# A examples, E hypotheses, S memory time

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from seqspec.schema.search.beam import BeamConfig


class Penalty(NamedTuple):
    """The length and coverage terms of one beam search."""

    kind: str
    alpha: float
    coverage: str
    beta: float
    ratio: float
    bonus: float

    @classmethod
    def of(cls, config: BeamConfig) -> Penalty:
        default = {"gnmt": 0.6, "lingvo": 0.5}.get(config.length_penalty, 0.0)
        alpha = default if config.alpha is None else config.alpha
        return cls(
            config.length_penalty,
            alpha,
            config.coverage_penalty,
            config.beta or 0.2,
            config.coverage_ratio or 1.0,
            config.length_bonus,
        )

    def divisor(self, count: int) -> float:
        """What divides the log-probability of ``count`` ids, the end among them."""
        match self.kind:
            case "none":
                return 1.0
            case "gnmt":
                return float(((5 + count) / 6) ** self.alpha)
            case "lingvo":
                return float(((count + 5) / 5) ** self.alpha)
            case "average":
                return float(count)
        raise ValueError(self.kind)

    def score(self, sums_E: Any, count: int) -> Any:
        """The score of log-probabilities of ``count`` ids, but for the coverage; of numbers or tensors."""
        scores_E = sums_E / self.divisor(count)
        return scores_E + self.bonus * count if self.bonus else scores_E

    def bonus_ahead(self, written: int, limits_A: np.ndarray) -> np.ndarray:
        """``[A]``: the largest bonus of an answer that goes on after ``written`` ids."""
        counts_A = limits_A if self.bonus > 0 else np.full_like(limits_A, written + 1)
        return counts_A.astype(np.float32) * np.float32(self.bonus)

    def covered(self, sums_ES: Tensor, real_ES: Tensor) -> Tensor:
        """``[E]``: what is added for sums of attention over the source states that are ``real_ES``; never
        above 0.
        """
        if self.coverage == "gnmt":
            logs_ES = sums_ES.clamp(min=1e-3, max=1.0).log()
        else:
            logs_ES = (sums_ES / self.ratio).clamp(min=1e-3, max=0.5).log() * self.ratio
        return self.beta * (logs_ES * real_ES).sum(-1)
