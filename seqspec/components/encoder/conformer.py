"""Conformer encoder.

Differs from the paper in two places: rotary positions (Su et al. 2021, arXiv:2104.09864) stand in for
Transformer-XL's relative ones, and layer normalisation for batch normalisation inside the convolution module,
so that an utterance does not depend on its batch.
"""

# B batch, T frames, S states, D width

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import Attention
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.components._layers.subsampling import ConvStack
from seqspec.schema.encoder.conformer import ConformerConfig
from seqspec.schema.types import Frames


class Conformer(nn.Module):
    """``[B, T, dim]`` frames give ``[B, ceil(T / subsampling), dim]`` states; what lies beyond a length
    changes nothing.
    """

    stacked = ("blocks",)

    def __init__(self, config: ConformerConfig, source: Frames) -> None:
        super().__init__()
        halvings = config.subsampling.bit_length() - 1
        self.convolutions = ConvStack(
            source.dim // source.channels,
            inputs=source.channels,
            channels=[config.subsampling_channels or config.dim] * halvings,
            strides=[(2, 2)] * halvings,
        )
        self.project = linear(self.convolutions.dim, config.dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_layers))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BSD, lengths_B = self.convolutions(x_BTD, lengths_B)
        size = x_BSD.shape[1]
        real_BS1 = length_mask(lengths_B, size)[..., None]
        seen = attention_mask(lengths_B, size)
        x_BSD = self.dropout(self.project(x_BSD))
        for block in self.blocks:
            x_BSD = block(x_BSD, real_BS1, seen)
        return x_BSD * real_BS1, lengths_B


class _Block(nn.Module):
    """Half a feed-forward step, attention, convolution, half a feed-forward step: section 2.4 of the
    paper.
    """

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.before = _FeedForward(config)
        self.attention_norm = nn.LayerNorm(config.dim)
        self.attention = Attention(
            config.dim, num_heads=config.num_heads, dropout=config.attention_dropout, rotary=True
        )
        self.convolution = _Convolution(config)
        self.after = _FeedForward(config)
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BSD: Tensor, real_BS1: Tensor, seen: Tensor) -> Tensor:
        x_BSD = x_BSD + 0.5 * self.before(x_BSD)
        x_BSD = self.dropout.added(x_BSD, self.attention(self.attention_norm(x_BSD), mask=seen))
        x_BSD = x_BSD + self.convolution(x_BSD, real_BS1)
        x_BSD = x_BSD + 0.5 * self.after(x_BSD)
        given: Tensor = self.norm(x_BSD)
        return given


class _FeedForward(nn.Module):
    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim)
        self.inner = linear(config.dim, config.feed_forward_dim)
        self.outer = linear(config.feed_forward_dim, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BSD: Tensor) -> Tensor:
        inner = self.dropout(functional.silu(self.inner(self.norm(x_BSD))))
        given: Tensor = self.dropout(self.outer(inner))
        return given


class _Convolution(nn.Module):
    """Gate, depthwise convolution over real states, normalisation, Swish: section 2.2."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim)
        self.gate = linear(config.dim, 2 * config.dim)
        self.depthwise = nn.Conv1d(
            config.dim, config.dim, config.kernel, padding=config.kernel // 2, groups=config.dim
        )
        self.middle_norm = nn.LayerNorm(config.dim)
        self.mix = linear(config.dim, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BSD: Tensor, real_BS1: Tensor) -> Tensor:
        x_BSD = functional.glu(self.gate(self.norm(x_BSD)), dim=-1) * real_BS1
        x_BSD = self.depthwise(x_BSD.transpose(1, 2)).transpose(1, 2)
        given: Tensor = self.dropout(self.mix(functional.silu(self.middle_norm(x_BSD))))
        return given
