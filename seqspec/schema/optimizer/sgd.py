"""Stochastic gradient descent."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative


class SgdConfig(Config):
    """The gradient times the learning rate."""

    schedule: Annotated[Config, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.1}, validate_default=True
    )
    """The learning rate at each step."""
    weight_decay: NonNegative = 0.0
    """Weight of the L2 penalty that is added to the gradient."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
