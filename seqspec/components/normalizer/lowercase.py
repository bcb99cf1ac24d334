"""``str.lower`` with an alignment."""

from __future__ import annotations

from seqspec.components.normalizer._each import align_lengths
from seqspec.data.text.aligned import Aligned
from seqspec.schema.normalizer.lowercase import LowercaseConfig
from seqspec.schema.types import Type


class Lowercase:
    """Full case mapping of every letter."""

    def __init__(self, config: LowercaseConfig, source: Type) -> None:
        self.config = config

    def apply(self, text: str) -> str:
        """Text after the mapping."""
        return text.lower()

    def align(self, text: str) -> Aligned:
        """Text after the mapping and where each code point came from."""
        return align_lengths(text, text.lower(), [len(c.lower()) for c in text])
