"""The 76 graphemes of Lingvo's LibriSpeech experiment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.components.tokenizer._table import Table
from seqspec.schema.tokenizer.lingvo_graphemes import LingvoGraphemesConfig
from seqspec.schema.types import Type

# The order of Lingvo's own ids, less its special ones.
_SYMBOLS = (
    " ", "<noise>", *"abcdefghijklmnopqrstuvwxyz", *".'-:!~`;", *"0123456789", *'"#$%&()*+,/<=>?@[\\]^_{|}',
    "<text_only>", "<sorw>",
)  # fmt: skip
_SYMBOL = re.compile(r"<(?:noise|text_only|sorw)>|.", re.DOTALL)


class LingvoGraphemes:
    """Fixed; nothing to learn."""

    trainable = False

    def __init__(self, config: LingvoGraphemesConfig, source: Type) -> None:
        self.config = config
        self._table = Table(_SYMBOLS)
        self.vocab_size = self._table.size

    def train(self, texts: Iterable[str]) -> bytes:
        """There is nothing to learn."""
        return b""

    def load(self, artifact: bytes) -> None:
        """There is nothing to load."""

    def encode(self, text: str) -> list[int]:
        """One id a character or marker, letters in lower case."""
        return self._table.encode([_lower(symbol) for symbol in _SYMBOL.findall(text)])

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, in lower case."""
        return self._table.decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The symbols of ids."""
        return [self._table.piece(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return [match.span() for match in _SYMBOL.finditer(text)]

    def fingerprint(self) -> dict[str, Any]:
        """The table never changes."""
        return {"type": "lingvo_graphemes"}


def _lower(symbol: str) -> str:
    return symbol.lower() if symbol.isascii() else symbol
