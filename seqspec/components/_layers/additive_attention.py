"""Additive attention: Bahdanau et al. (2015), arXiv:1409.0473, appendix A.1.2; optionally location-aware
after Chorowski et al. (2015), arXiv:1506.07503, section 2.1, with the attention of the last step alone.
"""

# B examples, K hypotheses of one, S memory time, C memory width, Q query width, A attention width

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.init import linear


class Memory(NamedTuple):
    """What is attended to, prepared once a search or training step."""

    keys_BSA: Tensor
    values_BSC: Tensor
    mask_BS: Tensor
    """True at real states."""

    def keep(self, examples: Tensor) -> Memory:
        """The memories of some examples."""
        return Memory(self.keys_BSA[examples], self.values_BSC[examples], self.mask_BS[examples])


class AdditiveAttention(nn.Module):
    """v · tanh(W query + U state), and where asked a term from where the last step looked; no biases, as in
    Lingvo.
    """

    def __init__(
        self, query_dim: int, memory_dim: int, *, dim: int, location_filters: int = 0, location_width: int = 1
    ) -> None:
        super().__init__()
        self.query = linear(query_dim, dim, bias=False)
        self.key = linear(memory_dim, dim, bias=False)
        self.score_A = nn.Parameter(torch.empty(dim).uniform_(-1, 1) * (3 / dim) ** 0.5)
        self.location: nn.Sequential | None = None
        if location_filters:
            convolution = nn.Conv1d(
                1, location_filters, location_width, padding=location_width // 2, bias=False
            )
            self.location = nn.Sequential(convolution, _Last(location_filters, dim))

    def remember(self, values_BSC: Tensor, mask_BS: Tensor) -> Memory:
        """The keys of a memory, worked out once."""
        return Memory(self.key(values_BSC), values_BSC, mask_BS)

    def forward(self, query_BKQ: Tensor, memory: Memory, before_BKS: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts ``[B, K, C]`` and weights ``[B, K, S]``; ``before_BKS`` is where the step before
        looked.
        """
        summed = memory.keys_BSA[:, None] + self.query(query_BKQ)[:, :, None]
        if self.location is not None:
            places = self.location(before_BKS.flatten(0, 1)[:, None])
            summed = summed + places.unflatten(0, before_BKS.shape[:2])
        scores_BKS = summed.tanh() @ self.score_A
        weights_BKS = scores_BKS.masked_fill(~memory.mask_BS[:, None], -torch.inf).softmax(-1)
        return weights_BKS @ memory.values_BSC, weights_BKS


class _Last(nn.Module):
    """``[N, filters, S]`` to ``[N, S, dim]``."""

    def __init__(self, filters: int, dim: int) -> None:
        super().__init__()
        self.linear = linear(filters, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        given: Tensor = self.linear(x.transpose(1, 2))
        return given
