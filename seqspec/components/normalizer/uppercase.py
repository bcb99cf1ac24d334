"""``str.upper`` with an alignment."""

from __future__ import annotations

from seqspec.components.normalizer._each import align_lengths
from seqspec.data.text.aligned import Aligned
from seqspec.schema.normalizer.uppercase import UppercaseConfig
from seqspec.schema.types import Type


class Uppercase:
    """Full case mapping of every letter."""

    def __init__(self, config: UppercaseConfig, source: Type) -> None:
        self.config = config

    def apply(self, text: str) -> str:
        """Text after the mapping."""
        return text.upper()

    def align(self, text: str) -> Aligned:
        """Text after the mapping and where each code point came from."""
        return align_lengths(text, text.upper(), [len(c.upper()) for c in text])
