"""What every search may say beside its own settings."""

from __future__ import annotations

from typing import Annotated

from seqspec.schema.config import Config
from seqspec.schema.units import Later


class SearchConfig(Config):
    """How answers are read from what the model gives."""

    on: Annotated[str | None, Later] = None
    """Output of the model that answers are read from; left out, the main one."""
