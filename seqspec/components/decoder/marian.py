"""The decoder of Marian, Pegasus and NLLB, on the Transformer's layers."""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.position_table import PositionTable
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.components._layers.transformer_step import (
    TransformerState,
    empty_cache,
    has_padding,
    memory_mask,
    step_layer,
)
from seqspec.schema.decoder.marian import MarianConfig
from seqspec.schema.types import Type


class Marian(PositionTable):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(self, config: MarianConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__(config)
        assert config.dim is not None
        assert config.num_layers is not None
        stack, dim = config.stack(), config.dim
        self.embedding = parts("embedding")
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=dim, causal=True, memory_dim=dim) for _ in range(config.num_layers)
        )
        self.norm = make_norm(stack, dim) if config.norm == "pre" else None

    def forward(
        self, ids_BU: Tensor, memory_BSD: Tensor | None = None, memory_lengths_B: Tensor | None = None
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  Raises ``InputTooLong``."""
        seen = memory_mask(memory_BSD, memory_lengths_B)
        context = Context(causal=True, memory_BSD=memory_BSD, memory_mask=seen)
        x_BUD = self.placed(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        return x_BUD if self.norm is None else self.norm(x_BUD)

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
        x_ND = self.placed(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        caches, attention = [], None
        for layer, cache in zip(self.layers, state.layers, strict=True):
            asked = look and layer is self.layers[-1]
            x_ND, cache, attention = step_layer(layer, x_ND, cache, state, mask=None, look=asked)
            caches.append(cache)
        hidden = x_ND if self.norm is None else self.norm(x_ND)
        after = replace(state, position=state.position + 1, layers=tuple(caches), attention=attention)
        return hidden, after
