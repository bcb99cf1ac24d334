"""Relative attention of Music Transformer; each head has its own vectors of distances."""

# B batch, N hypotheses, T time, K keys, D width, H heads, E width of a head, R distances

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.projections import merge, project, projections
from seqspec.components._layers.relative_memory import shifted
from seqspec.schema.self_attention.relative import RelativeConfig
from seqspec.schema.types import States


class RelativeCache(NamedTuple):
    """Keys and values of all positions so far: ``[N, H, K, E]`` each."""

    keys: Tensor
    values: Tensor

    def select(self, rows_N: Tensor) -> RelativeCache:
        """The hypotheses in ``rows_N``."""
        return RelativeCache(self.keys[rows_N], self.values[rows_N])


class Relative(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: RelativeConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        width = source.dim // config.num_heads
        self.distance_HRE = nn.Parameter(torch.empty(config.num_heads, config.max_distance, width))
        nn.init.normal_(self.distance_HRE, std=width**-0.5)

    def forward(
        self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """``[B, T, D]``; padding stands behind what is real, so that nothing sees it."""
        queries, *memory = project(self, x_BTD)
        size = x_BTD.shape[1]
        bias_BHTT = shifted(self._by_distance(queries, size), size)
        seen = torch.ones(size, size, dtype=torch.bool, device=x_BTD.device).tril()
        if segments_BT is not None:
            seen = seen & (segments_BT[:, None, :, None] == segments_BT[:, None, None])
        bias_BHTT = bias_BHTT.masked_fill(~seen, -torch.inf)
        drop = self.dropout if self.training else 0.0
        return self.output(merge(attend(queries, KeysValues(*memory), mask=bias_BHTT, drop=drop)))

    def no_past(self, *, examples: int) -> RelativeCache:
        """Nothing read yet."""
        weight = self.key.weight
        nothing = weight.new_empty(examples, self.num_heads, 0, len(weight) // self.num_heads)
        return RelativeCache(nothing, nothing)

    def step(self, x_ND: Tensor, past: RelativeCache, *, position: int) -> tuple[Tensor, RelativeCache]:
        """One more position of each hypothesis of a decoder."""
        queries, *new = project(self, x_ND[:, None], start=position)
        cache = RelativeCache(*(torch.cat(both, 2) for both in zip(past, new, strict=True)))
        bias_NH1K = self._by_distance(queries, cache.keys.shape[2])
        return self.output(merge(attend(queries, KeysValues(*cache), mask=bias_NH1K)))[:, 0], cache

    def _by_distance(self, queries_BHTE: Tensor, count: int) -> Tensor:
        """``[B, H, T, count]``: what distances from ``count - 1`` down to 0 add to a query's scores."""
        distance_K = torch.arange(count - 1, -1, -1, device=queries_BHTE.device)
        vectors_HKE = self.distance_HRE[:, distance_K.clamp(max=self.distance_HRE.shape[1] - 1)]
        scale: float = queries_BHTE.shape[-1] ** -0.5
        return queries_BHTE @ vectors_HKE.transpose(1, 2) * scale
