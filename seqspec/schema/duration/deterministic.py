"""One duration a token: Kim et al. (2020), "Glow-TTS", arXiv:2005.11129, section 3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.duration._duration import states_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Floats, Type


class DeterministicConfig(Config):
    """Predicts the logarithm of a token's frames and is trained on its squared error; every reading of a text
    has the same pace.
    """

    predictor: Annotated[Config, Slot("predictor")] = Field(default="convolution", validate_default=True)
    """Gives a number a token."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Floats:
        flow.node("predictor", states_of(source))
        return Floats()
