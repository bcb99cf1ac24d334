"""Transformer encoder: self-attention over the whole input."""

# B batch, T time, D width

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues
from seqspec.components._layers.chunks import Chunks, ChunkStream, by_chunks, chunk_mask, drawn
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.transformer_layer import (
    Context,
    Entrance,
    TransformerLayer,
    exchanged,
    make_norm,
)
from seqspec.schema.encoder.transformer import TransformerConfig
from seqspec.schema.types import Frames


class Transformer(nn.Module):
    """An input of another width than ``dim`` goes through a linear layer first."""

    stacked = ("layers",)

    def __init__(self, config: TransformerConfig, source: Frames, parts: Any = None) -> None:
        super().__init__()
        inner = exchanged(config, parts, dim=config.dim)
        self.auxiliary = tuple(config.auxiliary())
        self.tells_padding = any(one.feed_forward is None for one in inner) and config.feed_forward_kernel > 1
        self.tells_padding |= any(part is not None for one in inner for part in one)
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        self.entrance = Entrance(config, dim=config.dim, causal=False)
        layers = (TransformerLayer(config, dim=config.dim, causal=False, **one._asdict()) for one in inner)
        self.layers = nn.ModuleList(layers)
        left = config.left_context
        self.chunks = None if config.chunk is None else Chunks(config.chunk, left)
        self.dynamic_chunk = config.dynamic_chunk
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, *, auxiliary: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]`` and the lengths as they were; what is beyond a length changes nothing before
        it.
        """
        size = x_BTD.shape[1]
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        visible = chunk_mask(self._sight(), lengths_B, size)
        mask = self.entrance.biased(visible, queries=size, keys=size, causal=False, device=x_BTD.device)
        real_BT = length_mask(lengths_B, size) if self.tells_padding else None
        context = Context(mask=mask, real_BT=real_BT, auxiliary=auxiliary)
        x_BTD = self.entrance(x_BTD)
        for layer in self.layers:
            x_BTD = layer(x_BTD, context)
        return (x_BTD if self.norm is None else self.norm(x_BTD)), lengths_B

    def _sight(self) -> Chunks | None:
        if self.training and self.chunks is not None and self.dynamic_chunk is not None:
            return drawn(self.chunks, self.dynamic_chunk)
        return self.chunks

    def advance(self, x_BTD: Tensor, state: ChunkStream | None, *, last: bool) -> tuple[Tensor, ChunkStream]:
        """More positions of a stream: the states of the chunks that are full by now, or of what is left."""
        assert self.chunks is not None
        x_BTD = x_BTD if self.project is None else self.project(x_BTD)
        size, layers = self.chunks.size, len(self.layers)
        return by_chunks(x_BTD, state, self._chunk, size=size, layers=layers, last=last)

    def _chunk(
        self, x_BTD: Tensor, pasts: tuple[KeysValues | None, ...], *, position: int
    ) -> tuple[Tensor, tuple[KeysValues | None, ...]]:
        assert self.chunks is not None
        size, after = x_BTD.shape[1], []
        seen = min(position, self.chunks.left if self.chunks.left is not None else position)
        mask = self.entrance.biased(None, queries=size, keys=seen + size, causal=False, device=x_BTD.device)
        x_BTD = self.entrance(x_BTD, start=position)
        for layer, past in zip(self.layers, pasts, strict=True):
            assert isinstance(layer, TransformerLayer)
            x_BTD, past = layer.advance(x_BTD, past, position=position, keep=self.chunks.left, mask=mask)
            after.append(past)
        return (x_BTD if self.norm is None else self.norm(x_BTD)), tuple(after)
