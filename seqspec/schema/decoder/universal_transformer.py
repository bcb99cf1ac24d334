"""Universal Transformer decoder: Dehghani et al. (2019), arXiv:1807.03819."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.decoder._width import width_of
from seqspec.schema.layers.universal import UniversalLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark


class UniversalTransformerConfig(UniversalLayers):
    """One layer of causal self-attention, and of attention over the encoder's states, again and again."""

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a Transformer decoder writes tokens, and the target is {target}")
        self.check()
        dim = width_of(self.dim, memory=memory, flow=flow)
        self.settle(flow, dim=dim)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)
