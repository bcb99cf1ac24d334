"""Transformer encoder: Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.layers.transformer import ExchangeableLayers
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class TransformerConfig(ExchangeableLayers):
    """Self-attention over the whole input."""

    dim: Dim = 512
    """Width of the model, in features."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a Transformer encoder reads a sequence of vectors, and this is {source}")
        self.settle(flow, dim=self.dim)
        self.wire_inner(States(self.dim), flow)
        return States(self.dim, rate=source.rate)

    def parameters(self, _takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters; unsaid where layers differ."""
        return None if self.feed_forward or self.self_attention else self.stack_parameters(dim=self.dim)
