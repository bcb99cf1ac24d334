"""Stochastic gradient descent."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import NonNegative


class SgdConfig(OptimizerConfig):
    """The gradient times the learning rate."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.1}, validate_default=True
    )
    """The learning rate at each step."""
    weight_decay: NonNegative = 0.0
    """Weight of the L2 penalty that is added to the gradient."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 0
