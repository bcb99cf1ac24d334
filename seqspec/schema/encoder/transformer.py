"""Transformer encoder: Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.layers.chunks import require_chunks
from seqspec.schema.layers.transformer import ExchangeableLayers
from seqspec.schema.streaming import Obstacle, Streams
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Count, Dim, Later, Positive


class TransformerConfig(ExchangeableLayers):
    """Self-attention over the whole input."""

    dim: Dim = 512
    """Width of the model, in features."""
    chunk: Annotated[Positive | None, Later] = None
    """Positions that are worked on together: attention sees those of its own chunk and some before it, so
    that the encoder can follow a recording while it is spoken; left out, attention sees everything."""
    left_context: Annotated[Count | None, Later] = None
    """Positions before its chunk that attention sees; left out, all of them."""
    dynamic_chunk: Annotated[Positive | None, Later] = None
    """Train half of the batches with sight of everything and the others with chunks of 1 to so many
    positions, drawn for each batch (Zhang et al. 2020, arXiv:2012.05481); left out, all with ``chunk``."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a Transformer encoder reads a sequence of vectors, and this is {source}")
        self.settle(flow, dim=self.dim)
        self.wire_inner(States(self.dim), flow)
        self._check_chunks()
        return States(self.dim, rate=source.rate)

    def parameters(self, _takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters; unsaid where layers differ."""
        return None if self.feed_forward or self.self_attention else self.stack_parameters(dim=self.dim)

    def _check_chunks(self) -> None:
        require_chunks(self)
        if self.chunk is None:
            return
        if self.self_attention is not None:
            name = self.self_attention.component[1]
            raise Mismatch(
                f"`{name}` stands in place of the attention that would see chunks",
                at=("chunk",),
                help="take `chunk` or `self_attention` out",
            )
        if self.feed_forward_kernel > 1:
            width = self.feed_forward_kernel
            raise Mismatch(
                f"a kernel of {width} sees positions ahead in every layer, beyond the chunk",
                at=("feed_forward_kernel",),
                help="set `feed_forward_kernel: 1`",
            )

    def streaming(self, source: Type) -> Streams | Obstacle:
        """By chunks."""
        if self.chunk is None:
            return Obstacle("its attention sees the whole recording", "set `chunk: 64`", ("chunk",))
        if self.feed_forward is not None:
            name = self.feed_forward.component[1]
            return Obstacle(f"`{name}` looks at all positions together", "take it out", ("feed_forward",))
        return Streams(self.chunk, asked=True)
