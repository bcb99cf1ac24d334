"""Conformer encoder.

Differs from the paper in two places: rotary positions (Su et al. 2021, arXiv:2104.09864) stand in for
Transformer-XL's relative ones, and layer normalisation for batch normalisation inside the convolution module,
so that an utterance does not depend on its batch.
"""

# B batch, T frames, S states, D width

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import Attention, KeysValues
from seqspec.components._layers.chunks import Chunks, ChunkStream, by_chunks, chunk_mask, drawn
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
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
        left = config.left_context
        self.chunks = None if config.chunk is None else Chunks(config.chunk, left)
        self.dynamic_chunk = config.dynamic_chunk
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_layers))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BSD, lengths_B = self.convolutions(x_BTD, lengths_B)
        size = x_BSD.shape[1]
        real_BS1 = length_mask(lengths_B, size)[..., None]
        seen = chunk_mask(self._sight(), lengths_B, size)
        x_BSD = self.dropout(self.project(x_BSD))
        for block in self.blocks:
            x_BSD = block(x_BSD, real_BS1, seen)
        return x_BSD * real_BS1, lengths_B

    def _sight(self) -> Chunks | None:
        if self.training and self.chunks is not None and self.dynamic_chunk is not None:
            return drawn(self.chunks, self.dynamic_chunk)
        return self.chunks

    def advance(
        self, x_BTD: Tensor, state: ConformerStream | None, *, last: bool
    ) -> tuple[Tensor, ConformerStream]:
        """More frames of a stream: the states of the chunks that are full by now, or of what is left."""
        assert self.chunks is not None
        frames, before = state or (None, None)
        x_BSD, held = self.convolutions.advance(x_BTD, frames, last=last)
        size, layers = self.chunks.size, len(self.blocks)
        x_BSD, after = by_chunks(
            self.project(x_BSD), before, self._chunk, size=size, layers=layers, last=last
        )
        return x_BSD, ConformerStream(held, after)

    def _chunk(
        self, x_BSD: Tensor, pasts: tuple[_Past | None, ...], *, position: int
    ) -> tuple[Tensor, tuple[_Past | None, ...]]:
        assert self.chunks is not None
        after = []
        for block, past in zip(self.blocks, pasts, strict=True):
            assert isinstance(block, _Block)
            x_BSD, past = block.advance(x_BSD, past, position=position, keep=self.chunks.left)
            after.append(past)
        return x_BSD, tuple(after)


class ConformerStream(NamedTuple):
    """What a stream has to remember between two pieces."""

    frames: tuple[Tensor, ...]
    """Frames, and states of each convolution, that the next ones need beside them."""
    states: ChunkStream


class _Past(NamedTuple):
    attention: KeysValues
    convolution: Tensor


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
        x_BSD = torch.add(x_BSD, self.before(x_BSD), alpha=0.5)
        x_BSD = self.dropout.added(x_BSD, self.attention(self.attention_norm(x_BSD), mask=seen))
        x_BSD = x_BSD + self.convolution(x_BSD, real_BS1)
        x_BSD = torch.add(x_BSD, self.after(x_BSD), alpha=0.5)
        given: Tensor = self.norm(x_BSD)
        return given

    def advance(
        self, x_BSD: Tensor, past: _Past | None, *, position: int, keep: int | None
    ) -> tuple[Tensor, _Past]:
        """A chunk of a stream."""
        x_BSD = torch.add(x_BSD, self.before(x_BSD), alpha=0.5)
        attention, convolution = past or (None, None)
        y_BSD, attention = self.attention.advance(
            self.attention_norm(x_BSD), attention, position=position, keep=keep
        )
        x_BSD = x_BSD + y_BSD
        y_BSD, convolution = self.convolution.advance(x_BSD, convolution)
        x_BSD = x_BSD + y_BSD
        x_BSD = torch.add(x_BSD, self.after(x_BSD), alpha=0.5)
        return self.norm(x_BSD), _Past(attention, convolution)


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
        self.causal = config.causal
        around = 0 if config.causal else config.kernel // 2
        self.depthwise = nn.Conv1d(config.dim, config.dim, config.kernel, padding=around, groups=config.dim)
        self.middle_norm = nn.LayerNorm(config.dim)
        self.mix = linear(config.dim, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BSD: Tensor, real_BS1: Tensor) -> Tensor:
        x_BSD = functional.glu(self.gate(self.norm(x_BSD)), dim=-1) * real_BS1
        if self.causal:
            x_BSD = functional.pad(x_BSD, (0, 0, self.depthwise.kernel_size[0] - 1, 0))
        return self._mixed(x_BSD)

    def advance(self, x_BSD: Tensor, held: Tensor | None) -> tuple[Tensor, Tensor]:
        """Further states behind those in ``held``, and what is to be held for the next ones."""
        x_BSD = functional.glu(self.gate(self.norm(x_BSD)), dim=-1)
        before = self.depthwise.kernel_size[0] - 1
        held = x_BSD.new_zeros(len(x_BSD), before, x_BSD.shape[2]) if held is None else held
        x_BSD = torch.cat([held, x_BSD], dim=1)
        return self._mixed(x_BSD), x_BSD[:, x_BSD.shape[1] - before :]

    def _mixed(self, x_BSD: Tensor) -> Tensor:
        x_BSD = self.depthwise(x_BSD.transpose(1, 2)).transpose(1, 2)
        given: Tensor = self.dropout(self.mix(functional.silu(self.middle_norm(x_BSD))))
        return given
