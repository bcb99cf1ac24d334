"""Location-sensitive attention: Chorowski et al. (2015), "Attention-Based Models for Speech Recognition",
NIPS, arXiv:1506.07503, over the last weights and their sum so far; and the guide along the diagonal.
"""

# B batch, N tokens, T frames, Q width of the query, D width of a token, A width of the comparison

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.init import linear


class LocationAttention(nn.Module):
    """No part has a bias."""

    def __init__(self, query: int, memory: int, *, dim: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.query = linear(query, dim, bias=False, gain=5 / 3)
        self.memory = linear(memory, dim, bias=False, gain=5 / 3)
        self.score = linear(dim, 1, bias=False)
        self.places = nn.Conv1d(2, filters, kernel, padding=kernel // 2, bias=False)
        self.place = linear(filters, dim, bias=False, gain=5 / 3)

    def forward(self, query_BQ: Tensor, keys_BNA: Tensor, looked_B2N: Tensor, mask_BN: Tensor) -> Tensor:
        """``[B, N]`` weights; ``keys_BNA`` is ``memory`` of the tokens, worked out once."""
        place_BNA = self.place(self.places(looked_B2N).transpose(1, 2))
        score_BN = self.score(torch.tanh(self.query(query_BQ)[:, None] + keys_BNA + place_BNA)).squeeze(-1)
        weights_BN: Tensor = score_BN.masked_fill(~mask_BN, -torch.inf).softmax(-1)
        return weights_BN


def guide(tokens_B: Tensor, frames_B: Tensor, *, size: tuple[int, int], width: float) -> Tensor:
    """``[B, T, N]``: 1 − exp(−(n / N − t / T)² / 2g²), 0 beyond either length (equation 3)."""
    frames, tokens = size
    t_BT1 = torch.arange(frames, device=tokens_B.device)[None, :, None] / frames_B.clamp(min=1)[:, None, None]
    n_B1N = torch.arange(tokens, device=tokens_B.device)[None, None, :] / tokens_B.clamp(min=1)[:, None, None]
    penalty = 1 - torch.exp(-((n_B1N - t_BT1) ** 2) / (2 * width**2))
    return penalty * (t_BT1 < 1) * (n_B1N < 1)
