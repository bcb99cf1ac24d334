"""Unicode normalisation form C, with an alignment."""

from __future__ import annotations

from unicodedata import normalize

from seqspec.components.normalizer._form import align_form
from seqspec.data.text.aligned import Aligned
from seqspec.schema.normalizer.nfc import NfcConfig
from seqspec.schema.types import Type


class Nfc:
    """NFC."""

    def __init__(self, config: NfcConfig, source: Type) -> None:
        self.config = config

    def apply(self, text: str) -> str:
        """Text in NFC."""
        return normalize("NFC", text)

    def align(self, text: str) -> Aligned:
        """Text in NFC and where each code point came from."""
        return align_form("NFC", text)
