"""T5's decoder, on the Transformer's layers."""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.transformer_layer import Context, Entrance, TransformerLayer, make_norm
from seqspec.components._layers.transformer_step import (
    TransformerState,
    empty_cache,
    has_padding,
    memory_mask,
    step_layer,
)
from seqspec.schema.decoder.t5 import T5Config
from seqspec.schema.types import Type


class T5(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(self, config: T5Config, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        stack, dim = config.stack(), config.dim
        self.embedding = parts("embedding")
        self.entrance = Entrance(stack, dim=dim, causal=True)
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=dim, causal=True, memory_dim=dim) for _ in range(config.num_layers)
        )
        self.norm = make_norm(stack, dim)
        self.dropout = Dropout(config.dropout)
        self.scale = dim**-0.5 if config.scale_output else 1.0

    def forward(
        self, ids_BU: Tensor, memory_BSD: Tensor | None = None, memory_lengths_B: Tensor | None = None
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u."""
        size = ids_BU.shape[1]
        mask = self.entrance.biased(None, queries=size, keys=size, causal=True, device=ids_BU.device)
        seen = memory_mask(memory_BSD, memory_lengths_B)
        context = Context(mask=mask, memory_BSD=memory_BSD, memory_mask=seen)
        x_BUD = self.entrance(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        return self._out(x_BUD)

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> TransformerState:
        """Nothing read yet; the memory's keys and values are worked out once."""
        layers = tuple(empty_cache(layer, memory_BSD, examples=examples) for layer in self.layers)
        padded = has_padding(memory_BSD, memory_lengths_B)
        return TransformerState(0, layers, memory_mask(memory_BSD, memory_lengths_B), padded=padded)

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.entrance(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        keys = state.position + 1
        mask = self.entrance.biased(None, queries=1, keys=keys, causal=False, device=ids_N.device)
        caches, attention = [], None
        for layer, cache in zip(self.layers, state.layers, strict=True):
            asked = look and layer is self.layers[-1]
            x_ND, cache, attention = step_layer(layer, x_ND, cache, state, mask=mask, look=asked)
            caches.append(cache)
        return self._out(x_ND), replace(state, position=keys, layers=tuple(caches), attention=attention)

    def _out(self, x: Tensor) -> Tensor:
        return self.dropout(self.norm(x)) * self.scale
