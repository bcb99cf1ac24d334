"""RMSProp: Tieleman and Hinton (2012), Neural Networks for Machine Learning, lecture 6.5."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import NonNegative, PositiveFloat, Probability


class RmspropConfig(OptimizerConfig):
    """Steps divided by the root of a running mean of squared gradients."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(default="constant", validate_default=True)
    """The learning rate at each step."""
    decay: Probability = 0.9
    """Decay of the running mean of the squared gradient."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the mean."""
    momentum: NonNegative = 0.0
    """Decay of the running sum of steps."""
    centered: bool = False
    """Divide by the deviation instead: the mean gradient is taken off."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 1
