"""Adafactor: Shazeer and Stern (2018), "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
arXiv:1804.04235.

The formulas are Tensor2Tensor's: factored second moments as row and column means of g² + epsilon1, decay rate
1 - t^-exponent, the update clipped to a root mean square of ``clip_rms``, and steps scaled by
max(rms(weight), epsilon2).
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.optimizer._optimizer import OptimizerConfig
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import PositiveFloat, Probability


class AdafactorConfig(OptimizerConfig):
    """Adam's second moment at the cost of a row and a column."""

    schedule: Annotated[ScheduleConfig, Slot("schedule")] = Field(
        default={"type": "inverse_sqrt", "peak": 0.01, "warmup_steps": 10000, "warmup": "constant"},
        validate_default=True,
    )
    """The learning rate at each step."""
    beta1: Probability = 0.0
    """Decay of the running mean of the update; 0 keeps none."""
    decay_rate: Literal["power", "adam"] = "power"
    """The second moment's decay at step t: 1 - t^-exponent, or Adam's with ``beta2``, bias corrected."""
    exponent: PositiveFloat = 0.8
    """Exponent of ``power``."""
    beta2: Probability = 0.999
    """Decay of ``adam``."""
    clip_rms: PositiveFloat | None = 1.0
    """Largest root mean square of an update before the learning rate."""
    scale_by_parameter: bool = True
    """Multiply a step by the root mean square of the weight it changes."""
    factored: bool = True
    """Keep row and column means for matrices instead of every square."""
    epsilon1: PositiveFloat = 1e-30
    """Added to squared gradients."""
    epsilon2: PositiveFloat = 1e-3
    """Least root mean square of a weight that steps are scaled by."""

    @property
    def state_size(self) -> int:
        """Numbers that are kept for each weight; those of rows and columns are next to nothing."""
        return 0
