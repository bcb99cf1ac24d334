"""Adam: Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", arXiv:1412.6980."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import PositiveFloat, Probability


class AdamConfig(Config):
    """Adam."""

    schedule: Annotated[Config, Slot("schedule")] = Field(default="constant", validate_default=True)
    """The learning rate at each step."""
    beta1: Probability = 0.9
    """Decay of the running mean of the gradient."""
    beta2: Probability = 0.999
    """Decay of the running mean of the squared gradient."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the squared gradient."""
    amsgrad: bool = False
    """Divide by the largest running mean so far (AMSGrad: Reddi et al. 2018, arXiv:1904.09237)."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
