"""What every adapter's config shares.  An adapter yields raw records and knows nothing of models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.types import Type
from seqspec.schema.units import Cosmetic, Count

DataPath = Annotated[str, Field(min_length=1, max_length=4096)]
"""A path of this machine; ``${env:NAME}`` may stand in it.  Bytes, not paths, make the data digest."""


class AdapterConfig(Config):
    """An adapter: ``roles()`` says what its records hold."""

    root: Annotated[DataPath | None, Cosmetic] = None
    """Folder that holds the corpus."""
    synthetic: Count = 0
    """Examples of a synthetic corpus that is written in the real layout and read instead of ``root``; 0 reads the real one."""

    def roles(self) -> dict[str, Type]:
        """The type of ``source`` and ``target`` as far as the corpus has them: ``Text``, ``Waveform``, ``Image``, ``Classes``, …"""
        raise NotImplementedError(type(self).__name__)
