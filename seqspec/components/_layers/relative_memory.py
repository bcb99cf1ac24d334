"""Attention over memories and a segment by distance: Dai et al. (2019), arXiv:1901.02860, section 3.3 and
appendix B.
"""

# B batch, G segments, H heads, L segment, M memory, K keys (memories and segment), T time, D width,
# E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.positions import sinusoids


class DistanceScores(nn.Module):
    """Scores of keys by content and by distance (equation 5), and means of values by them."""

    def __init__(self, dim: int, *, num_heads: int) -> None:
        super().__init__()
        self.num_heads, self.dim = num_heads, dim
        self.distance = linear(dim, dim, bias=False)
        self.content_bias_HE = nn.Parameter(torch.zeros(num_heads, dim // num_heads))
        self.distance_bias_HE = nn.Parameter(torch.zeros(num_heads, dim // num_heads))

    def segments(
        self,
        queries_BGHLE: Tensor,
        keys_BGHKE: Tensor,
        values_BGHKE: Tensor,
        *,
        seen_GLK: Tensor,
        drop: float,
    ) -> Tensor:
        """``[B, G, H, L, E]``; the last key stands at the place of the last query."""
        size, seen = queries_BGHLE.shape[3], keys_BGHKE.shape[3]
        content = (queries_BGHLE + self.content_bias_HE[:, None]) @ keys_BGHKE.transpose(-1, -2)
        by_distance = (queries_BGHLE + self.distance_bias_HE[:, None]) @ self._distances(seen)
        scores = (content + shifted(by_distance, size)) * queries_BGHLE.shape[-1] ** -0.5
        scores = scores.masked_fill(~seen_GLK[:, None], -torch.inf)
        return dropout(scores.softmax(-1), drop) @ values_BGHKE

    def _distances(self, count: int) -> Tensor:
        """``[H, E, K]``: of distances from ``count - 1`` down to 0."""
        weight = self.distance.weight
        table = sinusoids(0, count, dim=self.dim, device=weight.device).flip(0).to(weight.dtype)
        return self.distance(table).unflatten(1, (self.num_heads, -1)).permute(1, 2, 0)


def shifted(x: Tensor, size: int) -> Tensor:
    """Column k of query q is column ``k + size - 1 - q`` of ``x``; what has no such column lies ahead."""
    padded = functional.pad(x, (1, 0))
    return padded.flatten(-2).unflatten(-1, (x.shape[-1] + 1, size))[..., 1:, :].flatten(-2).view(x.shape)


def with_memory(
    of_memory_BHTE: Tensor, own_BHTE: Tensor, *, segment: int, memory: int, known: int = 0
) -> Tensor:
    """``[B, G, H, M + L, E]``: what each segment sees of the positions before it, and its own.

    The first ``known`` positions of ``of_memory_BHTE``, M at most, stand before the row.
    """
    behind = -own_BHTE.shape[2] % segment
    own = functional.pad(own_BHTE, (0, 0, 0, behind)).unflatten(2, (-1, segment))
    before = functional.pad(of_memory_BHTE, (0, 0, memory - known, 0))[
        :, :, : own.shape[2] * segment - segment + memory
    ]
    reached = before.unfold(2, memory, segment).transpose(-1, -2)
    return torch.cat([reached[:, :, : own.shape[2]], own], dim=3).transpose(1, 2)


def seen(size: int, *, segment: int, memory: int, device: torch.device, known: int = 0) -> Tensor:
    """``[G, L, M + L]``: what is not ahead, nor before the row and the ``known`` positions before it."""
    starts_G = torch.arange(0, size, segment, device=device)
    query_L, key_K = (torch.arange(n, device=device) for n in (segment, memory + segment))
    past_LK = key_K - memory <= query_L[:, None]
    return past_LK & (starts_G[:, None, None] + key_K - memory >= -known)
