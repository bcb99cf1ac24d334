"""What every head may say beside its own settings."""

from __future__ import annotations

from typing import Annotated

from seqspec.schema.config import Config
from seqspec.schema.units import Later


class HeadConfig(Config):
    """Scores a vocabulary or classes; under ``model.outputs`` it is one of several by name."""

    on: Annotated[str | None, Later] = None
    """Part of the model whose states it scores; only for a head under ``outputs``."""
