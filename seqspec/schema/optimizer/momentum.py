"""Gradient descent with momentum: Polyak (1964); Nesterov's form as in Sutskever et al. (2013)."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import NonNegative, Probability


class MomentumConfig(OptimizerConfig):
    """Gradient descent along a running sum of gradients."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.1}, validate_default=True
    )
    """The learning rate at each step."""
    momentum: Probability = 0.9
    """Decay of the running sum."""
    nesterov: bool = False
    """Look ahead along the sum before taking the step."""
    weight_decay: NonNegative = 0.0
    """Weight of the L2 penalty that is added to the gradient."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 1
