"""How hypotheses of different lengths are compared."""

# E hypotheses, of one example or several, S memory time

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from torch import Tensor

from seqspec.schema.search.beam import BeamConfig

FLOAT32 = Struct("f")


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

    def score(self, total: float, count: int, covered: float | None = None) -> float:
        """The score, in float32, of a log-probability of ``count`` ids; ``covered`` is added."""
        score = float32(total / float32(self.divisor(count)))
        if self.bonus:
            score = float32(score + float32(self.bonus * count))
        return score if covered is None else float32(score + covered)

    def most(self, total: float, written: int, limit: int) -> float:
        """The best score, but for the coverage, that may come of a log-probability of ``written`` ids."""
        most = float32(total / float32(self.divisor(limit)))
        if self.bonus:
            count = limit if self.bonus > 0 else written + 1
            most = float32(most + float32(count * float32(self.bonus)))
        return most

    def covered(self, sums_ES: Tensor, real_ES: Tensor) -> Tensor:
        """``[E]``: what is added for sums of attention over the source states that are ``real_ES``; never
        above 0.
        """
        if self.coverage == "gnmt":
            logs_ES = sums_ES.clamp(min=1e-3, max=1.0).log()
        else:
            logs_ES = (sums_ES / self.ratio).clamp(min=1e-3, max=0.5).log() * self.ratio
        return self.beta * (logs_ES * real_ES).sum(-1)


def float32(number: float) -> float:
    """The nearest number of 32 bits.  Of one sum, product or quotient of two such numbers it is what
    arithmetic in 32 bits gives, since 64 bits hold more than twice as many digits.
    """
    found: float = FLOAT32.unpack(FLOAT32.pack(number))[0]
    return found
