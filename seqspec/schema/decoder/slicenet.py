"""SliceNet's decoder: Kaiser et al. (2017), "Depthwise Separable Convolutions for Neural Machine
Translation", arXiv:1706.03059.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.decoder._width import width_of
from seqspec.schema.layers.separable import SeparableLayers, separable
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark, Positive, Probability

LOOK = ((5, 1), (5, 4))
"""Kernel and dilation of the two convolutions in front of attention."""
MERGE = 4
"""Groups of the convolution that merges the target with what it looked at."""
MERGE_KERNEL = 3


class SlicenetConfig(SeparableLayers):
    """Depthwise-separable convolutions that see what was written; after each layer, and once before them,
    attention over the target and over the encoder's states, where there is an encoder.
    """

    keeps_documents_apart: ClassVar[bool] = False

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    num_heads: Positive = 8
    """Attention heads, which must divide ``dim``."""
    attention_dropout: Probability = 0.2
    """Rate of dropout on attention probabilities."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"SliceNet's decoder writes tokens, and the target is {target}")
        dim = width_of(self.dim, memory=memory, flow=flow)
        self.check(dim=dim, middles=False)
        require_shares(dim, self.num_heads)
        require_shares(dim, MERGE, key="dim", what="groups, in which it is merged,")
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        dim, memory = self.dim, takes.get("memory")
        assert dim is not None
        parts = zip(LOOK, self.groups[:2], strict=True)
        look = sum(separable(dim, kernel, groups) for (kernel, _), groups in parts) + 4 * dim * dim
        if isinstance(memory, States):
            look += 2 * dim * dim + 2 * memory.dim * dim
        merge = 2 * dim // MERGE * dim * MERGE_KERNEL + dim * dim + 3 * dim
        return (self.num_layers + 1) * look + merge + self.stack_parameters(dim=dim)
