"""Self-attention whose relative positions are gated by what stands at the query: Chen et al. (2022), "WavLM:
Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing", arXiv:2110.13900, section IV-A.
"""

# B batch, T time, D width, H heads, E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.init import linear
from seqspec.components._layers.linear import affine_together

_GATES = 8
"""Numbers that each gate is summed up from: two gates of four."""


class GatedAttention(nn.Module):
    """Scores have ``gate * bias`` added, with one bias for all layers and a gate a head and query."""

    reads_mask = True
    """It is handed the bias."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.query, self.key = linear(dim, dim), linear(dim, dim)
        self.value, self.output = linear(dim, dim), linear(dim, dim)
        self.gate = nn.Linear(dim // num_heads, _GATES)
        self.gate_size = nn.Parameter(torch.ones(1, num_heads, 1, 1))

    def forward(
        self,
        x_BTD: Tensor,
        *,
        real_BT: Tensor,
        segments_BT: Tensor | None = None,
        mask: Tensor,
    ) -> Tensor:
        """``mask`` is the bias ``[1, H, T, T]``.  What is not real nobody sees; the first key stays open, so
        that an empty row gives numbers.
        """
        parts = affine_together(x_BTD, self.query, self.key, self.value)
        queries, keys, values = (self._split(part) for part in parts)
        bias_BHTT = self._gates(x_BTD) * mask
        hidden_BT = ~real_BT
        hidden_BT[:, 0] = False
        bias_BHTT = bias_BHTT.masked_fill(hidden_BT[:, None, None], -torch.inf)
        drop = self.dropout if self.training else 0.0
        given = attend(queries, KeysValues(keys, values), mask=bias_BHTT, drop=drop)
        return self.output(given.transpose(1, 2).flatten(2))

    def _gates(self, x_BTD: Tensor) -> Tensor:
        """``[B, H, T, 1]``: how much the distance counts, and how much of that is reset; equation 4."""
        summed = self.gate(self._split(x_BTD)).unflatten(-1, (2, -1)).sum(-1)
        update, reset = summed.sigmoid().chunk(2, dim=-1)
        return update * (reset * self.gate_size - 1.0) + 2.0

    def _split(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
