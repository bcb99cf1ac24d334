"""The decoder of Tensor2Tensor's set ``multimodel_base`` (2017 to 2018), another than the paper's: Kaiser et
al. (2017), "One Model To Learn Them All", arXiv:1706.05137.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark, Layers, Positive, Probability


class MultimodelBaseConfig(Config):
    """Self-attention, attention over the encoder's states from what it gave, both added to the input and
    normalised; then a feed-forward network, or a mixture of experts, added and normalised.
    """

    keeps_documents_apart: ClassVar[bool] = False

    num_layers: Layers = 4
    """Layers of the stack."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, the encoder's."""
    num_heads: Positive = 8
    """Attention heads, which must divide ``dim``."""
    inner_dim: Dim = 2048
    """Width inside the feed-forward networks, and inside the experts where these do not say it."""
    experts: Annotated[Config, Slot("feed_forward")] = Field(default="experts", validate_default=True)
    """The mixture of experts that stands in some layers."""
    expert_layers: Annotated[list[Positive], Field(min_length=1, max_length=1000)] = [2]
    """Layers, from 1, that have experts in place of a feed-forward network."""
    dropout: Probability = 0.1
    """Rate of dropout on what each network gives."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory")
        if not isinstance(target, Tokens):
            raise Mismatch(f"this decoder writes tokens, and the target is {target}")
        if not isinstance(memory, States):
            raise Mismatch("this decoder needs an encoder", help="use decoder `transformer` without one")
        dim = self.dim if self.dim is not None else flow.derive("dim", memory.dim, "the encoder's width")
        require_shares(dim, self.num_heads)
        if self.expert_layers != sorted(set(self.expert_layers)) or self.expert_layers[-1] > self.num_layers:
            message = f"the layers with experts do not rise from 1 to at most {self.num_layers}"
            raise Mismatch(message, at=("expert_layers",))
        follows = {
            "inner_dim": (self.inner_dim, "the layer's"),
            "activation": ("relu", "as in Tensor2Tensor"),
        }
        follows |= {"dropout": (0.0, "the layer drops already")}
        left_out = {key: value for key, value in follows.items() if getattr(self.experts, key, 0) is None}
        flow.node("experts", States(dim, causal=True), **left_out)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        return States(dim, causal=True)

    def auxiliary(self) -> dict[str, float | Auxiliary]:
        """What is trained beside the states: the experts' losses of balance, summed over layers."""
        experts: Any = self.experts
        return dict(experts.auxiliary())

    def repeats(self, weight: str) -> float:
        """How often a position goes through a weight of this name: a share of the experts' weights."""
        parts = weight.split(".")
        experts: Any = self.experts
        if parts[0] == "layers" and parts[2] == "inner" and int(parts[1]) + 1 in self.expert_layers:
            return float(experts.share(".".join(parts[3:])))
        return 1.0

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, those of the embedding, the experts and their routers apart."""
        dim, memory = self.dim, takes["memory"]
        assert dim is not None
        assert isinstance(memory, States)
        plain = self.num_layers - len(self.expert_layers)
        inner = plain * (2 * dim * self.inner_dim + self.inner_dim + dim)
        return inner + self.num_layers * (6 * dim * dim + 2 * dim * memory.dim + 4 * dim)
