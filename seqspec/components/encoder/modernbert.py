"""ModernBERT's encoder.  Layers with a window work in blocks: their cost grows with the window, and no matrix
of all pairs is made.
"""

# B batch, T time, D width, H heads, E width of a head

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.banded import Band, banded
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.linear import Linear, affine_together
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.components._layers.module_list import ModuleList
from seqspec.components._layers.projections import Projected
from seqspec.components._layers.rotary import Rotary, Turns
from seqspec.schema.encoder.modernbert import ModernbertConfig
from seqspec.schema.types import Tokens


class Modernbert(nn.Module):
    """Ids ``[B, T]`` to states ``[B, T, D]``."""

    def __init__(self, config: ModernbertConfig, source: Tokens, parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        assert config.num_heads is not None
        assert config.rotary_base is not None
        assert config.local_rotary_base is not None
        self.max_positions = config.max_positions or 0
        width = config.dim // config.num_heads
        self.embedding = parts("embedding")
        self.embedding_norm = _norm(config)
        self.dropout = Dropout(config.dropout)
        self.rotary = Rotary(width, base=config.rotary_base, scaling=None)
        self.local_rotary = Rotary(width, base=config.local_rotary_base, scaling=None)
        self.layers = ModuleList(_Layer(config, index) for index in range(config.num_layers))
        self.norm = _norm(config)
        for module in self.layers.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=config.std)

    def forward(self, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """States and lengths as they were.  Raises ``InputTooLong``."""
        size = ids_BT.shape[1]
        if size > self.max_positions:
            raise InputTooLong(size, self.max_positions)
        far, near = self.rotary(0, size), self.local_rotary(0, size)
        seen = attention_mask(lengths_B, size), length_mask(lengths_B, size)
        x_BTD = self.dropout(self.embedding_norm(self.embedding(ids_BT)))
        for layer in self.layers:
            x_BTD = layer(x_BTD, far if layer.attention.window is None else near, *seen)
        return self.norm(x_BTD), lengths_B


def _norm(config: ModernbertConfig) -> nn.LayerNorm:
    assert config.dim is not None
    assert config.norm_epsilon is not None
    return nn.LayerNorm(config.dim, eps=config.norm_epsilon, bias=False)


class _Layer(nn.Module):
    """Attention and a gated feed-forward network, each behind a norm; the first has none before attention."""

    recompute = False
    """As a Transformer's layer: keep the input alone and work the rest out again in the backward pass."""

    def __init__(self, config: ModernbertConfig, index: int) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.feed_forward_dim is not None
        self.attention_norm = _norm(config) if index else None
        self.attention = _Attention(config, config.window_of(index))
        self.feed_forward_norm = _norm(config)
        self.expand = Linear(config.dim, 2 * config.feed_forward_dim, bias=False)
        self.contract = Linear(config.feed_forward_dim, config.dim, bias=False)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, turns: Turns, mask: Tensor, real_BT: Tensor) -> Tensor:
        if self.recompute and self.training and torch.is_grad_enabled():
            given: Tensor = checkpoint(self._states, x_BTD, turns, mask, real_BT, use_reentrant=False)
            return given
        return self._states(x_BTD, turns, mask, real_BT)

    def _states(self, x_BTD: Tensor, turns: Turns, mask: Tensor, real_BT: Tensor) -> Tensor:
        query = x_BTD if self.attention_norm is None else self.attention_norm(x_BTD)
        x_BTD = self.dropout.added(x_BTD, self.attention(query, turns, mask, real_BT))
        inner, gate = self.expand(self.feed_forward_norm(x_BTD)).chunk(2, dim=-1)
        return self.dropout.added(x_BTD, self.contract(functional.gelu(inner) * gate))


class _Attention(nn.Module):
    """Over everything, or over a window of neighbours."""

    def __init__(self, config: ModernbertConfig, window: int | None) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_heads is not None
        self.num_heads, self.window, self.drop = config.num_heads, window, config.attention_dropout
        self.query, self.key, self.value, self.output = (
            Linear(config.dim, config.dim, bias=False) for _ in range(4)
        )

    def forward(self, x_BTD: Tensor, turns: Turns, mask: Tensor, real_BT: Tensor) -> Tensor:
        parts = affine_together(x_BTD, self.query, self.key, self.value)
        query, key, value = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in parts)
        query, key = turns(query), turns(key)
        drop = self.drop if self.training else 0.0
        if self.window is None:
            given = attend(query, KeysValues(key, value), mask=mask, drop=drop)
        else:
            band = Band(self.window, self.window)
            given = banded(Projected(query, key, value), band, real_BT=real_BT, drop=drop)
        return self.output(given.transpose(1, 2).flatten(2))
