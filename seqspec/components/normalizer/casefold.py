"""``str.casefold`` with an alignment."""

from __future__ import annotations

from seqspec.components.normalizer._each import align_lengths
from seqspec.data.text.aligned import Aligned
from seqspec.schema.normalizer.casefold import CasefoldConfig
from seqspec.schema.types import Type


class Casefold:
    """Full case mapping of every letter."""

    def __init__(self, config: CasefoldConfig, source: Type) -> None:
        self.config = config

    def apply(self, text: str) -> str:
        """Text after the mapping."""
        return text.casefold()

    def align(self, text: str) -> Aligned:
        """Text after the mapping and where each code point came from."""
        return align_lengths(text, text.casefold(), [len(c.casefold()) for c in text])
