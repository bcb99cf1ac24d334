"""Dot-product attention with one or several heads; each head gives its own slice of the states."""

# B examples, K hypotheses of one, N = B times K, S memory time, C memory width, H heads, E width of a head

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.components._layers.init import linear
from seqspec.components.attention._memory import Memory
from seqspec.schema.attention.dot_product import DotProductConfig
from seqspec.schema.types import States, Type, Vector


class DotProduct(nn.Module):
    """``remember`` works out the states' side once, a call compares one query a hypothesis with it."""

    def __init__(self, config: DotProductConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        query, memory = takes["query"], takes["memory"]
        assert isinstance(query, Vector)
        assert isinstance(memory, States)
        assert config.dim is not None
        self.num_heads = config.num_heads
        self.query = linear(query.dim, config.dim, bias=False)
        self.key = linear(memory.dim, config.dim, bias=False)
        self.scale = (config.dim // config.num_heads) ** -0.5

    def remember(self, memory_BSC: Tensor, mask_BS: Tensor) -> Memory:
        heads = (self.num_heads, -1)
        keys = self.key(memory_BSC).unflatten(-1, heads).transpose(1, 2)
        return Memory(keys, memory_BSC.unflatten(-1, heads).transpose(1, 2), mask_BS)

    def forward(self, query_NQ: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Contexts ``[N, C]`` and, mean over the heads, where they come from, ``[N, S]``."""
        queries = self.query(query_NQ).unflatten(-1, (self.num_heads, -1))
        queries_BHKE = queries.view(memory.keys.shape[0], -1, *queries.shape[1:]).transpose(1, 2)
        weights_BHKS = memory.softmax(queries_BHKE @ memory.keys.transpose(-1, -2) * self.scale)
        context_BKHE = (weights_BHKS @ memory.values).transpose(1, 2)
        return context_BKHE.flatten(2).flatten(0, 1), weights_BHKS.mean(1).flatten(0, 1)
