"""The decoder of today's language models: all positions at once for training, one at a time with cached keys
and values for search.
"""

# B batch, N hypotheses (B times the beam), U target time, D width, F inner width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.grouped_attention import GroupedAttention, window_mask
from seqspec.components._layers.kv_cache import select
from seqspec.components._layers.linear import Linear, affine_together
from seqspec.components._layers.masks import document_mask
from seqspec.components._layers.places import at_places
from seqspec.components._layers.rms_norm import RMSNorm
from seqspec.components._layers.rotary import Rotary, Turns
from seqspec.components._layers.tensor_parallel import Columns, Group, Rows, TensorPlan
from seqspec.schema.decoder.llama import LlamaConfig
from seqspec.schema.types import Type


class Llama(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)
    reads_places = True
    """Its last layer can work out some places alone."""

    def __init__(
        self, config: LlamaConfig, takes: Mapping[str, Type], parts: Callable[[str], nn.Module]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        assert config.head_dim is not None
        assert config.norm_epsilon is not None
        assert config.rotary_base is not None
        self.embedding = parts("embedding")
        self.rotary = Rotary(config.head_dim, base=config.rotary_base, scaling=config.rotary_scaling)
        self.layers = nn.ModuleList(
            _Layer(config, config.window_of(index)) for index in range(config.num_layers)
        )
        self.norm = RMSNorm(config.dim, eps=config.norm_epsilon)
        for module in self.layers.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=config.std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
        places_BK: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  ``segments_BU`` keeps packed documents
        apart; with ``places_BK`` there are states ``[B, K, D]`` of these places alone.
        """
        size = ids_BU.shape[1]
        turns = self.rotary(0, size)
        documents = None if segments_BU is None else document_mask(segments_BU)
        masks = {
            window: _mask(documents, size, window=window, device=ids_BU.device)
            for window in {layer.attention.window for layer in self._stack()}
        }
        x_BUD = self.embedding(ids_BU)
        *layers, last = self._stack()
        for layer in layers:
            x_BUD = layer(x_BUD, turns, masks[layer.attention.window])
        x_BUD = last(x_BUD, turns, masks[last.attention.window], places_BK)
        normed: Tensor = self.norm(x_BUD)
        return normed

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> LlamaState:
        """Nothing read yet."""
        pasts = tuple(layer.attention.no_past(examples=examples) for layer in self._stack())
        return LlamaState(0, pasts, tuple(layer.attention.window for layer in self._stack()))

    def step(self, ids_N: Tensor, state: LlamaState, *, look: bool = False) -> tuple[Tensor, LlamaState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.embedding(ids_N)
        turns = self.rotary(state.position, 1)
        pasts = []
        for layer, past in zip(self._stack(), state.pasts, strict=True):
            x_ND, past = layer.step(x_ND, past, turns, position=state.position)
            pasts.append(past)
        return self.norm(x_ND), LlamaState(state.position + 1, tuple(pasts), state.windows)

    def _stack(self) -> list[Any]:
        return list(self.layers)


@dataclass(frozen=True)
class LlamaState:
    """Where a search stands: how many tokens were read, and each layer's keys and values."""

    position: int
    pasts: tuple[Tensor, ...]
    """``[T, 2, N, G, E]`` a layer, or one row longer: see ``kv_cache``; T is the window less one at most."""
    windows: tuple[int | None, ...]
    attention: None = None
    """There is no memory to look at."""

    def select(self, rows_N: Tensor) -> LlamaState:
        """The hypotheses in ``rows_N``, each as often as it is named."""
        filled = (
            self.position if window is None else min(self.position, window - 1) for window in self.windows
        )
        pasts = (select(past, rows_N, filled=rows) for past, rows in zip(self.pasts, filled, strict=True))
        return LlamaState(self.position, tuple(pasts), self.windows)

    def keep(self, examples_B: Tensor) -> LlamaState:
        """Nothing belongs to examples rather than to hypotheses."""
        return self


class _Layer(nn.Module):
    """Attention and a gated feed-forward network, each behind a norm."""

    recompute = False
    """As a Transformer's layer: keep the input alone and work the rest out again in the backward pass."""
    group: Group | None = None
    """The processes that share the inner features of its feed-forward network."""

    def __init__(self, config: LlamaConfig, window: int | None) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.feed_forward_dim is not None
        assert config.norm_epsilon is not None
        bias = bool(config.feed_forward_bias)
        self.attention_norm = RMSNorm(config.dim, eps=config.norm_epsilon)
        self.attention = _attention(config, window)
        self.feed_forward_norm = RMSNorm(config.dim, eps=config.norm_epsilon)
        self.gate = Linear(config.dim, config.feed_forward_dim, bias=bias)
        self.up = Linear(config.dim, config.feed_forward_dim, bias=bias)
        self.down = Linear(config.feed_forward_dim, config.dim, bias=bias)
        self.dropout = Dropout(config.dropout)

    def tensor_plan(self) -> TensorPlan:
        """Of the feed-forward network; attention has one of its own."""
        layers: dict[str, Columns | Rows] = {"gate": Columns(), "up": Columns(), "down": Rows()}
        return TensorPlan(layers, counts={"feed_forward_dim": self.down.in_features})

    def forward(
        self, x_BUD: Tensor, turns: Turns, mask: Tensor | None, places_BK: Tensor | None = None
    ) -> Tensor:
        if self.recompute and self.training and torch.is_grad_enabled():
            given: Tensor = checkpoint(self._states, x_BUD, turns, mask, places_BK, use_reentrant=False)
            return given
        return self._states(x_BUD, turns, mask, places_BK)

    def _states(self, x_BUD: Tensor, turns: Turns, mask: Tensor | None, places_BK: Tensor | None) -> Tensor:
        y_BUD = self.attention(self.attention_norm(x_BUD), turns, mask=mask, places_BK=places_BK)
        if places_BK is not None:
            x_BUD = at_places(x_BUD, places_BK)
        return self._feed_forward(self.dropout.added(x_BUD, y_BUD))

    def step(self, x_ND: Tensor, past: Tensor, turns: Turns, *, position: int) -> tuple[Tensor, Tensor]:
        y_ND, past = self.attention.step(self.attention_norm(x_ND), past, turns, position=position)
        return self._feed_forward(x_ND + y_ND), past

    def _feed_forward(self, x: Tensor) -> Tensor:
        """Shazeer (2020), "GLU Variants Improve Transformer", arXiv:2002.05202: SwiGLU."""
        gate, up = affine_together(self.feed_forward_norm(x), self.gate, self.up)
        return self.dropout.added(x, self.down(functional.silu(gate) * up))


def _attention(config: LlamaConfig, window: int | None) -> GroupedAttention:
    assert config.dim is not None
    assert config.num_heads is not None
    assert config.num_kv_heads is not None
    assert config.head_dim is not None
    return GroupedAttention(
        config.dim,
        num_heads=config.num_heads,
        num_kv_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        bias=(config.attention_bias in ("inputs", "all"), config.attention_bias == "all"),
        norm_epsilon=config.norm_epsilon if config.query_key_norm else None,
        window=window,
        dropout=config.attention_dropout,
    )


def _mask(documents: Tensor | None, size: int, *, window: int | None, device: torch.device) -> Tensor | None:
    """Whether a query sees a key; ``None`` where that is causality alone."""
    if window is None or window >= size:
        return documents
    near = window_mask(size, window=window, device=device)
    return near if documents is None else documents & near
