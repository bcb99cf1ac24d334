"""Adagrad: Duchi, Hazan and Singer (2011), "Adaptive Subgradient Methods", JMLR 12."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import NonNegative, PositiveFloat


class AdagradConfig(OptimizerConfig):
    """Steps divided by the root of the sum of all squared gradients."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(
        default={"type": "constant", "peak": 0.01}, validate_default=True
    )
    """The learning rate at each step."""
    initial_accumulator: NonNegative = 0.0
    """Where the sum of squared gradients begins."""
    epsilon: PositiveFloat = 1e-10
    """Added to the root of the sum."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 1
