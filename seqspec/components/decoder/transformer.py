"""Transformer decoder: all positions at once for training, one at a time with cached keys and values for
search.
"""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues
from seqspec.components._layers.masks import attention_mask, document_mask
from seqspec.components._layers.transformer_layer import (
    Context,
    Entrance,
    LayerCache,
    TransformerLayer,
    make_norm,
)
from seqspec.schema.decoder.transformer import TransformerConfig
from seqspec.schema.types import States, Type


@dataclass(frozen=True)
class TransformerState:
    """Where a search stands: how many tokens were read, and each layer's keys and values."""

    position: int
    layers: tuple[LayerCache, ...]
    memory_mask: Tensor | None
    attention: Tensor | None = None
    """``[N, S]``: where the last step looked, mean over the heads of the last layer; only where it was asked
    for.
    """

    def select(self, rows_N: Tensor) -> TransformerState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        layers = (
            layer._replace(keys=layer.keys[rows_N], values=layer.values[rows_N]) for layer in self.layers
        )
        return replace(self, layers=tuple(layers), attention=None)

    def keep(self, examples_B: Tensor) -> TransformerState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        if self.memory_mask is None:
            return self
        layers = (layer._replace(memory=_keep(layer.memory, examples_B)) for layer in self.layers)
        return replace(self, layers=tuple(layers), memory_mask=self.memory_mask[examples_B])


def _keep(memory: KeysValues | None, examples_B: Tensor) -> KeysValues | None:
    return None if memory is None else KeysValues(memory.keys[examples_B], memory.values[examples_B])


class Transformer(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    def __init__(
        self, config: TransformerConfig, takes: Mapping[str, Type], parts: Callable[[str], nn.Module]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        memory = takes.get("memory")
        memory_dim = memory.dim if isinstance(memory, States) else None
        self.embedding = parts("embedding")
        self.entrance = Entrance(config, dim=config.dim, causal=True)
        layers = (
            TransformerLayer(config, dim=config.dim, causal=True, memory_dim=memory_dim)
            for _ in range(config.num_layers)
        )
        self.layers = nn.ModuleList(layers)
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  ``segments_BU`` keeps packed documents
        apart.
        """
        size = ids_BU.shape[1]
        mask = None if segments_BU is None else document_mask(segments_BU)
        biased = self.entrance.biased(mask, queries=size, keys=size, causal=True, device=ids_BU.device)
        context = Context(
            mask=biased,
            causal=biased is None,
            memory_BSD=memory_BSD,
            memory_mask=_memory_mask(memory_BSD, memory_lengths_B),
        )
        x_BUD = self.entrance(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        return x_BUD if self.norm is None else self.norm(x_BUD)

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> TransformerState:
        """Nothing read yet; the memory's keys and values are worked out once.  ``examples`` is B."""
        layers = tuple(self._empty(layer, memory_BSD, examples) for layer in self.layers)
        return TransformerState(0, layers, _memory_mask(memory_BSD, memory_lengths_B))

    def _empty(self, layer: nn.Module, memory_BSD: Tensor | None, examples: int) -> LayerCache:
        assert isinstance(layer, TransformerLayer)
        attention = layer.self_attention
        weight = attention.key.weight
        none = weight.new_empty(examples, attention.num_heads, 0, weight.shape[0] // attention.num_heads)
        if layer.cross_attention is None or memory_BSD is None:
            return LayerCache(none, none, None)
        return LayerCache(none, none, layer.cross_attention.remember(memory_BSD))

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``.  ``look`` asks for ``attention`` in
        the state.
        """
        x_ND = self.entrance(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        keys = state.position + 1
        mask = self.entrance.biased(None, queries=1, keys=keys, causal=False, device=ids_N.device)
        caches = []
        attention = None
        for layer, cache in zip(self.layers, state.layers, strict=True):
            asked = look and layer is self.layers[-1]
            x_ND, cache, attention = _step(layer, x_ND, cache, state, mask=mask, look=asked)
            caches.append(cache)
        hidden = x_ND if self.norm is None else self.norm(x_ND)
        return hidden, replace(state, position=keys, layers=tuple(caches), attention=attention)


def _step(
    layer: nn.Module,
    x_ND: Tensor,
    cache: LayerCache,
    state: TransformerState,
    *,
    mask: Tensor | None,
    look: bool,
) -> tuple[Tensor, LayerCache, Tensor | None]:
    assert isinstance(layer, TransformerLayer)
    query = layer.self_residual.before(x_ND)
    new = layer.self_attention.remember(query[:, None], start=state.position)
    cache = cache._replace(
        keys=torch.cat([cache.keys, new.keys], 2), values=torch.cat([cache.values, new.values], 2)
    )
    own = KeysValues(cache.keys, cache.values)
    y = layer.self_attention.look(query, own, mask=mask, start=state.position)
    x_ND = layer.self_residual.after(x_ND, y)
    attention = None
    if cache.memory is not None and layer.cross_attention is not None and layer.cross_residual is not None:
        query = layer.cross_residual.before(x_ND)
        y = layer.cross_attention.look(query, cache.memory, mask=state.memory_mask)
        if look:
            attention = layer.cross_attention.look_weights(query, cache.memory, mask=state.memory_mask)
        x_ND = layer.cross_residual.after(x_ND, y)
    y = layer.feed_forward(layer.feed_forward_residual.before(x_ND))
    return layer.feed_forward_residual.after(x_ND, y), cache, attention


def _memory_mask(memory_BSD: Tensor | None, lengths_B: Tensor | None) -> Tensor | None:
    if memory_BSD is None or lengths_B is None:
        return None
    return attention_mask(lengths_B, memory_BSD.shape[1])
