"""Transformer decoder that looks back two blocks at most: Parmar et al. (2018), "Image Transformer",
arXiv:1802.05751, section 4.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, Positive


class LocalTransformerConfig(TransformerLayers):
    """Causal self-attention in blocks, without an encoder; what a position does costs the same however long
    the input is.
    """

    keeps_documents_apart: ClassVar[bool] = False

    dim: Dim = 512
    """Width of the model, in features."""
    block: Positive = 256
    """Positions of a block; each position sees its own block up to itself, and all of the block before."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a Transformer decoder gives tokens, and the target is {target}")
        if not isinstance(memory, Nothing):
            raise Mismatch(
                "`local_transformer` looks at no encoder",
                help="use decoder `transformer`, or a model without",
            )
        if self.positions in ("relative", "linear"):
            raise Mismatch(
                f"attention in blocks cannot add positions `{self.positions}`",
                at=("positions",),
                help="use `sinusoidal`, `learned` or `rotary`",
            )
        if self.feed_forward_kernel > 1:
            raise Mismatch(
                "a layer with blocks has no convolution", at=("feed_forward_kernel",), help="take it out"
            )
        self.settle(flow, dim=self.dim)
        flow.node("embedding", target, dim=(self.dim, "the decoder's width"))
        return States(self.dim, causal=True)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        return self.stack_parameters(dim=self.dim)
