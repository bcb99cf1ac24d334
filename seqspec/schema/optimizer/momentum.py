"""Gradient descent with momentum: Polyak (1964); Nesterov's form as in Sutskever et al. (2013)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative, Probability


class MomentumConfig(Config):
    """Gradient descent along a running sum of gradients."""

    schedule: Annotated[Config, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.1}, validate_default=True
    )
    """The learning rate at each step."""
    momentum: Probability = 0.9
    """Decay of the running sum."""
    nesterov: bool = False
    """Look ahead along the sum before taking the step."""
    weight_decay: NonNegative = 0.0
    """Weight of the L2 penalty that is added to the gradient."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
