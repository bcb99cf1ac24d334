"""A mixture of experts: Shazeer et al. (2017), arXiv:1701.06538; shared experts as in Dai et al. (2024),
"DeepSeekMoE", arXiv:2401.06066.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.transformer import GATED
from seqspec.schema.router._router import RouterConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, States, Type
from seqspec.schema.units import Count, Dim, InferredMark, Positive, Probability


class ExpertsConfig(Config):
    """Several feed-forward networks without biases, of which each position goes through few.

    An expert that no position goes to has a gradient of zero, not none, so an optimiser with momentum goes on
    moving it.
    """

    num_experts: Annotated[int, Field(ge=2, le=65_536)] = 8
    """Experts that positions are routed to."""
    inner_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of each expert; left out, the layer's ``feed_forward_dim``."""
    activation: Annotated[
        Literal["relu", "gelu", "gelu_tanh", "silu", "glu", "reglu", "geglu", "swiglu", "bilinear"] | None,
        InferredMark(),
    ] = None
    """Activation of each expert; left out, the layer's."""
    dropout: Annotated[Probability | None, InferredMark()] = None
    """Rate of dropout inside each expert; left out, the layer's ``feed_forward_dropout``."""
    shared_experts: Count = 0
    """Experts beside those that every position goes through."""
    every: Positive = 1
    """The last of every so many layers has experts, the others their plain network; GShard has 2."""
    router: Annotated[RouterConfig, Slot("router")] = Field(default="top_two", validate_default=True)
    """Chooses the experts of a position."""

    def wire(self, source: Type, flow: Flow) -> Type:
        if not isinstance(source, States):
            raise Mismatch(f"experts read a sequence of vectors, and this is {source}")
        flow.node("router", source, num_experts=(self.num_experts, "the experts of the layer"))
        return source

    def auxiliary(self) -> dict[str, Auxiliary]:
        """What is trained beside, summed over the layers."""
        return self.router.auxiliary()

    def has_layer(self, index: int) -> bool:
        """Whether the layer of a number, from 0, has experts."""
        return (index + 1) % self.every == 0

    def share(self, weight: str) -> float:
        """The share of a weight of this name that a position goes through."""
        if weight.startswith(("expand", "contract")):
            return min(1.0, self.router.choices / self.num_experts)
        return 1.0

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters of one layer, the router's apart."""
        source = takes["source"]
        assert isinstance(source, States)
        assert self.inner_dim is not None
        wide = self.inner_dim * (2 if self.activation in GATED else 1)
        return (self.num_experts + self.shared_experts) * source.dim * (wide + self.inner_dim)
