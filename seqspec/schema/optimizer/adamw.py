"""AdamW: Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", arXiv:1711.05101."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import NonNegative, PositiveFloat, Probability


class AdamwConfig(OptimizerConfig):
    """Adam with weight decay that does not go through the moments."""

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
    weight_decay: NonNegative = 0.01
    """Share of each weight that a step with learning rate 1 takes away."""
    decay: Literal["matrices", "all"] = "matrices"
    """``matrices`` leaves biases, gains and other vectors alone."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight."""
        return 2 + self.amsgrad
