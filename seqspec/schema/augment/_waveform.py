"""What augmentation of recordings shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Type, Waveform
from seqspec.schema.units import Cosmetic, Fraction

Folder = Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
"""A folder of recordings; their bytes are in the lock, and their place is this machine's affair."""
Decibels = Annotated[float, Field(ge=-200, le=200)]
Range = Annotated[list[Decibels], Field(min_length=2, max_length=2)]
"""The least and the most, from which a number is drawn evenly."""


class WaveformAugmentConfig(Config):
    """Changes the samples of a training recording before features are computed."""

    chance: Fraction = 1.0
    """Share of recordings that are changed."""

    def output(self, source: Type) -> Type:
        name = self.component[1]
        if not isinstance(source, Waveform):
            raise Mismatch(
                f"`{name}` changes the samples of recordings, and gets {source}",
                help=f"write it in the list that comes before the features: `waveform_augment: [{name}]`",
            )
        return source


def require_ordered(range_: list[float], field: str) -> None:
    """Raises ``Mismatch`` where a range ends before it begins."""
    if range_[0] > range_[1]:
        low, high = sorted(range_)
        raise Mismatch(
            f"the range from {range_[0]:g} to {range_[1]:g} holds no number",
            at=(field,),
            help=f"write `{field}: [{low:g}, {high:g}]`",
        )
