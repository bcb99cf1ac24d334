"""Unicode normalisation form KC, with an alignment."""

from __future__ import annotations

from unicodedata import normalize

from seqspec.components.normalizer._form import align_form
from seqspec.data.text.aligned import Aligned
from seqspec.schema.normalizer.nfkc import NfkcConfig
from seqspec.schema.types import Type


class Nfkc:
    """NFKC."""

    def __init__(self, config: NfkcConfig, source: Type) -> None:
        self.config = config

    def apply(self, text: str) -> str:
        """Text in NFKC."""
        return normalize("NFKC", text)

    def align(self, text: str) -> Aligned:
        """Text in NFKC and where each code point came from."""
        return align_form("NFKC", text)
