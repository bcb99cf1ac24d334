"""Adam: Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", arXiv:1412.6980."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import PositiveFloat, Probability


class AdamConfig(OptimizerConfig):
    """Adam."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(default="constant", validate_default=True)
    """The learning rate at each step."""
    beta1: Probability = 0.9
    """Decay of the running mean of the gradient."""
    beta2: Probability = 0.999
    """Decay of the running mean of the squared gradient."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the squared gradient."""
    amsgrad: bool = False
    """Divide by the largest running mean so far (AMSGrad: Reddi et al. 2018, arXiv:1904.09237)."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 2 + self.amsgrad
