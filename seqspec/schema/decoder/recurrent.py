"""A stack of LSTM or GRU layers that writes the target, with attention over an encoder's states or, as a
language model, alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.recurrent import RecurrentLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type, Vector


class RecurrentConfig(RecurrentLayers):
    """The first layer's output asks the attention; every layer, and the head, see the answer of the step
    before or the step.
    """

    keeps_documents_apart: ClassVar[bool] = False
    carries: ClassVar[bool] = True
    """As a language model, from one packed row to the next in lanes (``data.pack.sample``)."""

    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors; as wide as a layer's output unless it says otherwise."""
    attention: Annotated[Config | None, Slot("attention")] = None
    """How the encoder's states are looked at; left out, additively, and not at all where there is no encoder.
    """

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a recurrent decoder writes tokens, and the target is {target}")
        self.check()
        if getattr(self.embedding, "dim", None) is None:
            flow.node("embedding", target, dim=(self.output_dim, "the width of a layer's output"))
        else:
            flow.node("embedding", target)
        if not isinstance(memory, States):
            if self.attention is not None:
                raise Mismatch(
                    "there is no encoder to attend to", at=("attention",), help="take `attention` out"
                )
            return States(self.output_dim, causal=True)
        if self.attention is None:
            flow.fill("attention", "additive", "the usual attention of a recurrent decoder")
        flow.node("attention", {"query": Vector(self.output_dim), "memory": memory})
        return States(self.output_dim + memory.dim, causal=True)
