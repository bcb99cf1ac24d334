"""Transformer with relative positions inside a window."""

# B batch, T time, D width, H heads, E width of a head, W distances in the window

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.schema.encoder.relative_transformer import RelativeTransformerConfig
from seqspec.schema.types import Frames


class RelativeTransformer(nn.Module):
    """An input of another width than ``dim`` goes through a linear layer first."""

    def __init__(self, config: RelativeTransformerConfig, source: Frames) -> None:
        super().__init__()
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_layers))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]``, zero beyond the lengths, and the lengths as they were."""
        size = x_BTD.shape[1]
        visible, real_BT1 = attention_mask(lengths_B, size), length_mask(lengths_B, size)[:, :, None]
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        x_BTD = x_BTD * real_BT1
        for layer in self.layers:
            x_BTD = layer(x_BTD, visible, real_BT1)
        return x_BTD * real_BT1, lengths_B


class _Layer(nn.Module):
    def __init__(self, config: RelativeTransformerConfig) -> None:
        super().__init__()
        self.attention = _WindowedAttention(
            config.dim, num_heads=config.num_heads, window=config.window, dropout=config.dropout
        )
        self.first = MaskedConvolution(config.dim, config.feed_forward_dim, kernel=config.kernel)
        self.second = MaskedConvolution(config.feed_forward_dim, config.dim, kernel=config.kernel)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(config.dim), nn.LayerNorm(config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, visible: Tensor, real_BT1: Tensor) -> Tensor:
        y_BTD = self.attention(x_BTD, visible)
        x_BTD = self.attention_norm(self.dropout.added(x_BTD, y_BTD))
        hidden = self.dropout(torch.relu(self.first(x_BTD, real_BT1)))
        y_BTD = self.second(hidden, real_BT1)
        given: Tensor = self.feed_forward_norm(self.dropout.added(x_BTD, y_BTD))
        return given


class _WindowedAttention(nn.Module):
    """Keys and values have a learned vector added for each distance of the window, shared by the heads."""

    def __init__(self, dim: int, *, num_heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.window = num_heads, window
        self.queries_keys_values = nn.Linear(dim, 3 * dim)
        for weight in self.queries_keys_values.weight.chunk(3):
            nn.init.xavier_uniform_(weight.data)
        self.output = nn.Linear(dim, dim)
        width = dim // num_heads
        self.near_keys_WE, self.near_values_WE = (
            nn.Parameter(nn.init.normal_(torch.empty(2 * window + 1, width), std=width**-0.5))
            for _ in range(2)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x_BTD: Tensor, visible: Tensor) -> Tensor:
        batch, size, dim = x_BTD.shape
        mixed = self.queries_keys_values(x_BTD).view(batch, size, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        query = query * (dim // self.heads) ** -0.5
        near_BHTW = query @ self.near_keys_WE.t()
        scores = query @ key.transpose(2, 3) + _by_key(near_BHTW, self.window)
        share = self.dropout(scores.masked_fill(~visible, -1e4).softmax(-1))
        y_BHTE = share @ value + _by_distance(share, self.window) @ self.near_values_WE
        y_BTD: Tensor = self.output(y_BHTE.transpose(1, 2).flatten(2))
        return y_BTD


def _by_key(near_BHTW: Tensor, window: int) -> Tensor:
    """``[B, H, T, T]``: what stands under the distance of each key, 0 outside the window."""
    size = near_BHTW.shape[2]
    places = torch.arange(size, device=near_BHTW.device)
    distance = places[None, :] - places[:, None] + window
    index = distance.clamp(0, 2 * window).expand(*near_BHTW.shape[:2], -1, -1)
    return near_BHTW.gather(3, index) * ((distance >= 0) & (distance <= 2 * window))


def _by_distance(share_BHTT: Tensor, window: int) -> Tensor:
    """``[B, H, T, W]``: what stands under the key at each distance, 0 where there is none."""
    size = share_BHTT.shape[2]
    padded = functional.pad(share_BHTT, (window, window))
    places = torch.arange(size, device=share_BHTT.device)[:, None]
    index = places + torch.arange(2 * window + 1, device=share_BHTT.device)
    return padded.gather(3, index.expand(*share_BHTT.shape[:2], -1, -1))
