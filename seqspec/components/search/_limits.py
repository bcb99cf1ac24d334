"""How long each example's answer may get."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from seqspec.components.search._hypothesis import Continuation

SLACK = 10
"""Ids that a limit by ratio adds, so that very short sources can be answered."""


class Limits(NamedTuple):
    """The search's own limits."""

    max_tokens: int
    max_ratio: float | None

    def __call__(self, going: Continuation) -> Tensor:
        """``[B]``: the smallest limit of each example."""
        limits_B = going.limits_B.clamp(max=self.max_tokens)
        if self.max_ratio is None or going.memory_lengths_B is None:
            return limits_B
        return limits_B.minimum((going.memory_lengths_B * self.max_ratio).long() + SLACK)
