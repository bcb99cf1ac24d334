"""RMSProp: Tieleman and Hinton (2012), Neural Networks for Machine Learning, lecture 6.5."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative, PositiveFloat, Probability


class RmspropConfig(Config):
    """Steps divided by the root of a running mean of squared gradients."""

    schedule: Annotated[Config, Slot("schedule")] = Field(default="constant", validate_default=True)
    """The learning rate at each step."""
    decay: Probability = 0.9
    """Decay of the running mean of the squared gradient."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the mean."""
    momentum: NonNegative = 0.0
    """Decay of the running sum of steps."""
    centered: bool = False
    """Divide by the deviation instead: the mean gradient is taken off."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
