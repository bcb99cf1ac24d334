"""MultiModel's input/output mixer and decoder: Kaiser et al. (2017), "One Model To Learn Them All",
arXiv:1706.05137, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.decoder._width import width_of
from seqspec.schema.layers.multimodel import MultimodelLayers
from seqspec.schema.layers.separable import separable
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Count, Dim, InferredMark, Layers, Positive, Probability

LOOK = ((5, 1), (5, 4))
"""Kernel and dilation of the two convolutions in front of attention."""
MERGE_KERNEL = 3


class MultimodelConfig(MultimodelLayers):
    """A mixer that joins the target so far with what it sees of the source, then blocks of separable
    convolutions that see what was written, attention after each, and a mixture of experts between them.

    The defaults are the paper's, experts apart.
    """

    keeps_documents_apart: ClassVar[bool] = False

    num_layers: Layers = 4
    """Convolutional blocks, with attention after each; those of the mixer apart."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    attention: Literal["multi_head", "simple"] = "multi_head"
    """Attention of ``num_heads`` over the target and over the encoder's states, or one head without weights
    over the encoder's states alone (Tensor2Tensor's first version).
    """
    num_heads: Positive = 8
    """Heads of ``multi_head`` attention, which must divide ``dim``."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on the probabilities of ``multi_head`` attention."""
    mixer_layers: Count = 2
    """Convolutional blocks at the end of the mixer; Tensor2Tensor has none."""
    merge_groups: Count = 0
    """Groups of the convolution that joins the target and what it saw, whose features are then mixed; 0 is
    a separable convolution.  Tensor2Tensor has 4.
    """
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers + 1

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"MultiModel's decoder writes tokens, and the target is {target}")
        dim = width_of(self.dim, memory=memory, flow=flow)
        self.check(dim=dim, middles=False)
        self._check_attention(memory, dim=dim)
        self.wire_experts(flow, dim=dim, causal=True, share=2)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)

    def _check_attention(self, memory: Type, *, dim: int) -> None:
        if self.attention == "simple" and (not isinstance(memory, States) or memory.dim != dim):
            seen = f"states of width {memory.dim}" if isinstance(memory, States) else "no encoder"
            message = f"`simple` attention has no weights, so it needs states of width {dim}, and sees {seen}"
            raise Mismatch(message, at=("attention",), help="use `multi_head`, or make the widths alike")
        if self.merge_groups:
            require_shares(dim, self.merge_groups, key="merge_groups", what="groups")
        if self.attention == "multi_head" and self.num_heads:
            require_shares(dim, self.num_heads)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, those of the embedding, the experts and their router apart."""
        dim, memory = self.dim, takes.get("memory")
        assert dim is not None
        pairs = zip(LOOK, self.groups[:2], strict=True)
        look = sum(separable(dim, kernel, groups) for (kernel, _), groups in pairs)
        if self.attention == "multi_head":
            look += 4 * dim * dim + 2 * dim
        if isinstance(memory, States):
            look += 2 * dim + (2 * dim * (dim + memory.dim) if self.attention == "multi_head" else 0)
        wide = 2 * dim
        merge = wide * MERGE_KERNEL + wide * dim
        if self.merge_groups:
            merge = wide // self.merge_groups * dim * MERGE_KERNEL + dim * dim + dim
        each = self.stack_parameters(dim=dim) // self.num_layers
        norm = 2 * dim if self.experts is not None else 0
        return (
            (self.num_layers + 1) * look
            + merge
            + 2 * dim
            + (self.num_layers + self.mixer_layers) * each
            + norm
        )
