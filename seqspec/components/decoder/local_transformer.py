"""Transformer decoder that looks back two blocks at most."""

# B batch, N hypotheses (B times the beam), U target time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from seqspec.components._layers.transformer_layer import Context, Entrance, TransformerLayer, make_norm
from seqspec.components._layers.transformer_step import TransformerState, empty_cache, step_layer
from seqspec.components.decoder._packed_documents import refuse_documents
from seqspec.schema.decoder.local_transformer import LocalTransformerConfig
from seqspec.schema.types import Type


class LocalTransformer(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(
        self,
        config: LocalTransformerConfig,
        takes: Mapping[str, Type],
        parts: Callable[[str], nn.Module],
    ) -> None:
        super().__init__()
        self.block = config.block
        self.embedding = parts("embedding")
        self.entrance = Entrance(config, dim=config.dim, causal=True)
        self.entrance.suit(self.embedding)
        layers = (TransformerLayer(config, dim=config.dim, causal=True) for _ in range(config.num_layers))
        self.layers = nn.ModuleList(layers)
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None

    @property
    def max_positions(self) -> int | None:
        """Positions that it knows, where they are learned."""
        return self.entrance.max_positions

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: None = None,
        memory_lengths_B: None = None,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u, in its block and the one before."""
        refuse_documents(segments_BU, what="blocks")
        context = Context(block=self.block)
        x_BUD = self.entrance(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        return x_BUD if self.norm is None else self.norm(x_BUD)

    def start(self, memory_BSD: None, memory_lengths_B: None, *, examples: int) -> TransformerState:
        """Nothing read yet.  ``examples`` is B."""
        layers = tuple(empty_cache(layer, None, examples=examples) for layer in self.layers)
        return TransformerState(0, layers, None)

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.entrance(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        first = (state.position // self.block - 1) * self.block
        seen_K = torch.arange(state.position + 1, device=ids_N.device) >= first
        caches = []
        for layer, cache in zip(self.layers, state.layers, strict=True):
            x_ND, cache, _ = step_layer(layer, x_ND, cache, state, mask=seen_K[None, None, None], look=False)
            caches.append(cache)
        hidden = x_ND if self.norm is None else self.norm(x_ND)
        return hidden, replace(state, position=state.position + 1, layers=tuple(caches))
