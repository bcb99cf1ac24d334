"""ByteNet's decoder: Kalchbrenner et al. (2016), arXiv:1610.10099."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.decoder._width import width_of
from seqspec.schema.layers.dilated import DilatedLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark


class BytenetConfig(DilatedLayers):
    """Dilated convolutions that see what was written; the encoder's state at the same place, zeros beyond its
    end, stands beside each id.
    """

    keeps_documents_apart: ClassVar[bool] = False

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"ByteNet's decoder writes tokens, and the target is {target}")
        self.check()
        dim = width_of(self.dim, memory=memory, flow=flow)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)
