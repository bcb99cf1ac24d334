"""The decoder of Tensor2Tensor's set ``multimodel_base``."""

# B examples, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.attention import Attention
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components._layers.module_list import ModuleList
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.transformer_step import LayerCache, TransformerState, memory_mask
from seqspec.components.protocols import StepwiseFeedForward
from seqspec.schema.decoder.multimodel_base import MultimodelBaseConfig
from seqspec.schema.types import PAD, States, Type


class MultimodelBase(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(self, config: MultimodelBaseConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        memory = takes["memory"]
        assert isinstance(memory, States)
        self.embedding = parts("embedding")
        self.auxiliary = tuple(config.auxiliary())
        experts = iter(parts.copies("experts", len(config.expert_layers)))
        self.layers = ModuleList(
            _Layer(config, memory.dim, next(experts) if number in config.expert_layers else None)
            for number in range(1, config.num_layers + 1)
        )

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor,
        memory_lengths_B: Tensor,
        *,
        auxiliary: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u."""
        mask = memory_mask(memory_BSD, memory_lengths_B)
        x_BUD = self.embedding(ids_BU)
        size, dim = x_BUD.shape[1:]
        x_BUD = x_BUD + sinusoids(0, size, dim=dim, device=x_BUD.device).to(x_BUD.dtype)
        for layer in self.layers:
            x_BUD = layer(x_BUD, memory_BSD, mask, ids_BU != PAD, auxiliary)
        return x_BUD

    def start(self, memory_BSD: Tensor, memory_lengths_B: Tensor, *, examples: int) -> TransformerState:
        """Nothing read yet; the memory's keys and values are worked out once."""
        caches = tuple(layer.start(memory_BSD, examples=examples) for layer in self.layers)
        return TransformerState(0, caches, memory_mask(memory_BSD, memory_lengths_B))

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        layers: list[LayerCache] = []
        attention: Tensor | None = None
        x_ND = self.embedding(ids_N)
        x_ND = x_ND + sinusoids(state.position, 1, dim=x_ND.shape[1], device=x_ND.device).to(x_ND.dtype)
        for layer, cache in zip(self.layers, state.layers, strict=True):
            x_ND, kept, attention = layer.step(x_ND, cache, state, look=look)
            layers.append(kept)
        state = replace(state, position=state.position + 1, layers=tuple(layers), attention=attention)
        return x_ND, state


class _Layer(nn.Module):
    def __init__(
        self, config: MultimodelBaseConfig, memory_dim: int, experts: StepwiseFeedForward | None
    ) -> None:
        super().__init__()
        assert config.dim is not None
        dim = config.dim
        more: dict[str, Any] = {"num_heads": config.num_heads, "bias": False}
        self.own = Attention(dim, dropout=config.attention_dropout, **more)
        self.across = Attention(dim, memory_dim=memory_dim, dropout=config.attention_dropout, **more)
        self.routed = experts is not None
        self.inner: StepwiseFeedForward = experts or FeedForward(
            dim, inner=config.inner_dim, activation="relu", dropout=config.dropout
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for _ in range(2))
        self.dropout = Dropout(config.dropout)

    def forward(
        self,
        x_BUD: Tensor,
        memory_BSD: Tensor,
        mask: Tensor | None,
        real_BU: Tensor,
        auxiliary: dict[str, Tensor] | None,
    ) -> Tensor:
        own_BUD = self.own(x_BUD, causal=True)
        x_BUD = self._looked(x_BUD, own_BUD, self.across(own_BUD, memory_BSD, mask=mask))
        more = {"auxiliary": auxiliary} if self.routed else {}
        return self._added(x_BUD, self.inner(x_BUD, real_BU, **more))

    def start(self, memory_BSD: Tensor, *, examples: int) -> LayerCache:
        return LayerCache(self.own.no_past(examples=examples), self.across.remember(memory_BSD), None)

    def step(
        self, x_ND: Tensor, cache: LayerCache, state: TransformerState, *, look: bool
    ) -> tuple[Tensor, LayerCache, Tensor | None]:
        assert cache.memory is not None
        own_ND, past = self.own.step(x_ND, cache.past, position=state.position)
        seen_ND = self.across.look(own_ND, cache.memory, mask=state.memory_mask)
        attention = None
        if look:
            attention = self.across.look_weights(own_ND, cache.memory, mask=state.memory_mask)
        x_ND = self._looked(x_ND, own_ND, seen_ND)
        y_ND, _ = self.inner.step(x_ND, None)
        return self._added(x_ND, y_ND), cache._replace(past=past), attention

    def _looked(self, x: Tensor, own: Tensor, across: Tensor) -> Tensor:
        given: Tensor = self.norms[0](x + self.dropout(own) + self.dropout(across))
        return given

    def _added(self, x: Tensor, y: Tensor) -> Tensor:
        given: Tensor = self.norms[1](x + self.dropout(y))
        return given
