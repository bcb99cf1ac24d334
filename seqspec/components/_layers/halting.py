"""Adaptive halting: each position decides how many steps it is worked on.

Graves (2016), "Adaptive Computation Time for Recurrent Neural Networks", arXiv:1603.08983, section 2, for
positions of a Transformer as in Dehghani et al. (2019), arXiv:1807.03819, appendix C.
"""

# … any leading shape, D width

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Thought(NamedTuple):
    """How far each position is."""

    total: Tensor
    """Halting probability that is used up."""
    cost: Tensor
    """Steps that were taken, and what the last one was given: Graves's ponder cost."""
    given: Tensor
    """``[…, D]``: the weighted sum of the states so far."""


class Halting(nn.Module):
    """The halting probability of a state, and what follows from it."""

    def __init__(self, dim: int, *, bias: float, threshold: float) -> None:
        super().__init__()
        self.chance = nn.Linear(dim, 1)
        nn.init.xavier_uniform_(self.chance.weight)
        nn.init.constant_(self.chance.bias, bias)
        self.threshold = threshold

    def begin(self, x: Tensor) -> Thought:
        """Nothing used up."""
        zeros = x.new_zeros(x.shape[:-1])
        return Thought(zeros, zeros, torch.zeros_like(x))

    def weigh(self, before: Tensor, after: Tensor, thought: Thought, *, last: bool) -> Thought:
        """Adds the state ``after`` a step, by the halting probability of the state ``before`` it; ``last``
        spends the rest.
        """
        chance = self.chance(before).squeeze(-1).sigmoid()
        running = thought.total < self.threshold
        stops = running & (thought.total + chance >= self.threshold)
        if last:
            stops = running
        weight = torch.where(stops, 1 - thought.total, chance) * running
        given = thought.given + weight[..., None] * after
        return Thought(thought.total + weight, thought.cost + running + weight * stops, given)
