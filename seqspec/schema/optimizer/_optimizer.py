"""What every optimiser declares: what it moves, in which groups, and how far a gradient counts."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Later, NonNegative, PositiveFloat

PartPath = str
"""A part of the model by its path in the spec, such as ``model.encoder``."""
LayerDecay = Annotated[float, Field(gt=0, le=1)]


class ParameterGroup(Config):
    """Parameters that are moved otherwise than the rest."""

    parts: Annotated[list[PartPath], Field(min_length=1)]
    """Parts of the model, by their paths in the spec."""
    rate: PositiveFloat = 1.0
    """Factor on the learning rate."""
    weight_decay: NonNegative | None = None
    """Weight decay in place of the optimiser's."""
    layer_decay: LayerDecay | None = None
    """Factor on the learning rate from each numbered layer of a part to the one before it; what stands before
    the first layer is one further down, what stands behind the last keeps the whole rate (Clark et al. 2020,
    ELECTRA, arXiv:2003.10555).
    """


class OptimizerConfig(Config):
    """The settings that all optimisers share."""

    parameters: Annotated[list[PartPath] | None, Later] = None
    """Parts of the model that this optimiser moves; left out, all of it."""
    without: Annotated[list[PartPath], Later] = []
    """Parts below those that another optimiser moves: what is no part by itself goes with the rest."""
    groups: Annotated[list[ParameterGroup] | None, Later] = None
    """Parts with learning rates or weight decay of their own."""
    clip_norm: Annotated[PositiveFloat | None, Later] = None
    """Scale this optimiser's gradients down to this global norm, in place of ``train.clip_norm``."""
    clip_value: Annotated[PositiveFloat | None, Later] = None
    """Clip each element of these gradients to this size, in place of ``train.clip_value``."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        flow.node("schedule", source)
        return Nothing()
