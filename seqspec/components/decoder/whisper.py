"""Whisper's decoder, on the Transformer's layers."""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.transformer_layer import Context, make_norm
from seqspec.components._layers.transformer_step import (
    TransformerState,
    empty_cache,
    has_padding,
    memory_mask,
    step_layer,
)
from seqspec.components._layers.whisper_layers import whisper_layers
from seqspec.schema.decoder.whisper import WhisperConfig
from seqspec.schema.types import Type

STD = 0.02
"""Of positions that begin at random."""


class Whisper(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(self, config: WhisperConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.max_positions is not None
        self.max_positions = config.max_positions
        self.embedding = parts("embedding")
        self.learned_TD = nn.Parameter(torch.empty(config.max_positions, config.dim).normal_(std=STD))
        self.dropout = Dropout(config.dropout)
        self.layers = whisper_layers(config, causal=True, memory_dim=config.dim)
        self.norm = make_norm(config.stack(), config.dim)

    def forward(
        self, ids_BU: Tensor, memory_BSD: Tensor | None = None, memory_lengths_B: Tensor | None = None
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  Raises ``InputTooLong``."""
        seen = memory_mask(memory_BSD, memory_lengths_B)
        context = Context(causal=True, memory_BSD=memory_BSD, memory_mask=seen)
        x_BUD = self._placed(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        hidden: Tensor = self.norm(x_BUD)
        return hidden

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
        x_ND = self._placed(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        caches, attention = [], None
        for layer, cache in zip(self.layers, state.layers, strict=True):
            asked = look and layer is self.layers[-1]
            x_ND, cache, attention = step_layer(layer, x_ND, cache, state, mask=None, look=asked)
            caches.append(cache)
        after = replace(state, position=state.position + 1, layers=tuple(caches), attention=attention)
        return self.norm(x_ND), after

    def _placed(self, x_BUD: Tensor, *, start: int = 0) -> Tensor:
        end = start + x_BUD.shape[1]
        if end > self.max_positions:
            raise InputTooLong(end, self.max_positions)
        placed: Tensor = self.dropout(x_BUD + self.learned_TD[start:end])
        return placed
