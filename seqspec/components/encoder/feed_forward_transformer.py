"""Feed-forward Transformer of FastSpeech; sines and cosines stand side by side, as elsewhere here."""

# B batch, T time, D width, H heads, E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.components._layers.positions import sinusoids
from seqspec.schema.encoder.feed_forward_transformer import FeedForwardTransformerConfig
from seqspec.schema.types import Frames


class FeedForwardTransformer(nn.Module):
    """An input of another width than ``dim`` goes through a linear layer first."""

    stacked = ("layers",)

    def __init__(self, config: FeedForwardTransformerConfig, source: Frames) -> None:
        super().__init__()
        self.dim = config.dim
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.dim) if config.norm == "pre" else None

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]`` and the lengths as they were."""
        size = x_BTD.shape[1]
        visible, real_BT1 = attention_mask(lengths_B, size), length_mask(lengths_B, size)[:, :, None]
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        x_BTD = x_BTD + sinusoids(0, size, dim=self.dim, device=x_BTD.device).to(x_BTD.dtype)
        x_BTD = self.dropout(x_BTD)
        for layer in self.layers:
            x_BTD = layer(x_BTD, visible, real_BT1)
        return (x_BTD if self.norm is None else self.norm(x_BTD)) * real_BT1, lengths_B


class _Layer(nn.Module):
    def __init__(self, config: FeedForwardTransformerConfig) -> None:
        super().__init__()
        assert config.head_dim is not None
        self.pre = config.norm == "pre"
        self.heads, self.attention_dropout = config.num_heads, config.attention_dropout
        inner = config.num_heads * config.head_dim
        self.queries_keys_values = linear(config.dim, 3 * inner)
        self.output = linear(inner, config.dim, bias=False)
        self.first = MaskedConvolution(config.dim, config.feed_forward_dim, kernel=config.kernel)
        self.second = MaskedConvolution(config.feed_forward_dim, config.dim, kernel=config.second_kernel)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(config.dim), nn.LayerNorm(config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, visible: Tensor, real_BT1: Tensor) -> Tensor:
        y = self._attend(self.attention_norm(x_BTD) if self.pre else x_BTD, visible)
        x_BTD = self.dropout.added(x_BTD, y)
        x_BTD = x_BTD if self.pre else self.attention_norm(x_BTD)
        y = self.first(self.feed_forward_norm(x_BTD) if self.pre else x_BTD, real_BT1)
        y = self.second(torch.relu(y), real_BT1)
        x_BTD = self.dropout.added(x_BTD, y)
        return x_BTD if self.pre else self.feed_forward_norm(x_BTD)

    def _attend(self, x_BTD: Tensor, visible: Tensor) -> Tensor:
        batch, size, _ = x_BTD.shape
        mixed = self.queries_keys_values(x_BTD).view(batch, size, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        rate = self.attention_dropout if self.training else 0.0
        y_BHTE = functional.scaled_dot_product_attention(query, key, value, visible, dropout_p=rate)
        y_BTD: Tensor = self.output(y_BHTE.transpose(1, 2).flatten(2))
        return y_BTD
