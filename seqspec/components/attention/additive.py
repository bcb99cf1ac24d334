"""Additive attention with one or several heads, which share one small network as in Lingvo."""

# B examples, K hypotheses of one, N = B times K, S memory time, C memory width, A comparison width, H heads,
# E = A / H

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqspec.components._layers.init import linear
from seqspec.components.attention._memory import Memory
from seqspec.schema.attention.additive import AdditiveConfig
from seqspec.schema.types import States, Type, Vector


class Additive(nn.Module):
    """``remember`` works out the states' side once, a call compares one query a hypothesis with it."""

    def __init__(self, config: AdditiveConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        query, memory = takes["query"], takes["memory"]
        assert isinstance(query, Vector)
        assert isinstance(memory, States)
        assert config.dim is not None
        self.num_heads = config.num_heads
        size = config.dim // config.num_heads
        several = config.num_heads > 1
        self.query = linear(query.dim, config.dim)
        self.key = linear(memory.dim, config.dim)
        self.head_query = linear(size, size, bias=False) if several else None
        self.head_key = linear(size, size, bias=False) if several else None
        self.score_E = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def remember(self, memory_BSC: Tensor, mask_BS: Tensor) -> Memory:
        keys = self.key(memory_BSC).unflatten(-1, (self.num_heads, -1))
        if self.head_key is not None:
            keys = self.head_key(keys)
        values = memory_BSC.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        return Memory(keys.transpose(1, 2), values, mask_BS)

    def forward(self, query_NQ: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Contexts ``[N, C]`` and, mean over the heads, where they come from, ``[N, S]``."""
        examples = memory.keys.shape[0]
        queries = self.query(query_NQ).unflatten(-1, (self.num_heads, -1))
        if self.head_query is not None:
            queries = self.head_query(queries)
        queries_BHKE = queries.view(examples, -1, *queries.shape[1:]).transpose(1, 2)
        both_BHKSE = torch.tanh(queries_BHKE[:, :, :, None] + memory.keys[:, :, None])
        weights_BHKS = memory.softmax(both_BHKSE @ self.score_E)
        context_BKHE = (weights_BHKS @ memory.values).transpose(1, 2)
        return context_BKHE.flatten(2).flatten(0, 1), weights_BHKS.mean(1).flatten(0, 1)
