"""What every router's config shares."""

from __future__ import annotations

from typing import Annotated

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Auxiliary, Counted, States, Type
from seqspec.schema.units import InferredMark, NonNegative, Positive

EXAMPLES = Counted("target", "examples")


class RouterConfig(Config):
    """A linear layer, without bias and in float32, scores the experts of each position.

    Losses are means over sequences of what each sequence gives by itself, so they do not depend on how a
    step is cut into micro-batches; padding counts nowhere.
    """

    num_experts: Annotated[Positive | None, InferredMark()] = None
    """Experts to choose from; left out, those of the layer."""
    z_weight: NonNegative = 0.0
    """Weight of the auxiliary output ``router_z``, the squared log-normaliser of the scores: Zoph et al.
    (2022), "ST-MoE", arXiv:2202.08906, equation 5, who use 0.001.
    """

    @property
    def choices(self) -> float:
        """Experts that a position goes to on average, where none is full."""
        raise NotImplementedError(type(self).__name__)

    def balances(self) -> dict[str, float]:
        """Weights of the losses that keep the experts equally loaded, by name."""
        raise NotImplementedError(type(self).__name__)

    def parameters(self, takes: dict[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, States)
        return source.dim * (self.num_experts or 0)

    def output(self, source: Type) -> Type:
        """``source`` as it came; refuses more choices than there are experts."""
        assert self.num_experts is not None
        if self.choices > self.num_experts:
            raise Mismatch(
                f"a position cannot go to {self.choices:g} of {self.num_experts} experts",
                help="set `num_experts` higher, or choose fewer",
            )
        return source

    def auxiliary(self) -> dict[str, Auxiliary]:
        """What is trained beside: each mean over sequences with its weight; without weight it is not
        worked out.
        """
        weights = {**self.balances(), "router_z": self.z_weight}
        return {name: Auxiliary(weight, EXAMPLES) for name, weight in weights.items() if weight}
