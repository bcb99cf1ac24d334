"""Transformer decoder: Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762; without a
memory, a language model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.decoder._width import width_of
from seqspec.schema.layers.transformer import ExchangeableLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark

if TYPE_CHECKING:
    from seqspec.schema.decoder._shape import Shape
    from seqspec.schema.hugging_face_folder import Layout, PairForm


class TransformerConfig(ExchangeableLayers):
    """Causal self-attention over the target, and attention over the encoder's states where there is an
    encoder.
    """

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a Transformer decoder gives tokens, and the target is {target}")
        dim = width_of(self.dim, memory=memory, flow=flow)
        self.settle(flow, dim=dim)
        self.wire_inner(States(dim, causal=True), flow)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)

    def parameters(self, takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters, the embedding's apart; unsaid where layers differ."""
        assert self.dim is not None
        if self.feed_forward or self.self_attention:
            return None
        memory = takes.get("memory")
        return self.stack_parameters(
            dim=self.dim, memory_dim=memory.dim if isinstance(memory, States) else None
        )

    def _shape(self) -> Shape:
        from seqspec.schema.decoder._shape import shape_of  # few specs are written out or read from a folder

        return shape_of(self)

    def pair_form(self, encoder: Any) -> PairForm:
        """The whole model with ``encoder`` as an architecture that computes the same.  Raises ``Mismatch``
        where there is none.
        """
        from seqspec.schema.decoder._pair import pegasus_of  # few specs are written out

        return pegasus_of(encoder, self)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """Names of the same weights in an architecture of Hugging Face's that computes the same.  Raises
        ``Mismatch`` where there is none.
        """
        return self._shape().layout

    def head_layout(self) -> Layout:
        """The head beside it."""
        return self._shape().head

    def write_settings(self) -> dict[str, Any]:
        """config.json of that architecture, without its vocabulary."""
        return self._shape().settings
