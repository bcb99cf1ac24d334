"""Adagrad: Duchi, Hazan and Singer (2011), "Adaptive Subgradient Methods", JMLR 12."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative, PositiveFloat


class AdagradConfig(Config):
    """Steps divided by the root of the sum of all squared gradients."""

    schedule: Annotated[Config, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.01}, validate_default=True
    )
    """The learning rate at each step."""
    initial_accumulator: NonNegative = 0.0
    """Where the sum of squared gradients begins."""
    epsilon: PositiveFloat = 1e-10
    """Added to the root of the sum."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
