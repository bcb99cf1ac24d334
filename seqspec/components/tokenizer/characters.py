"""One id for each character of the training text."""

from __future__ import annotations

from seqspec.components.tokenizer._learned import LearnedSymbols
from seqspec.schema.tokenizer.characters import CharactersConfig


class Characters(LearnedSymbols[CharactersConfig]):
    """Learned; every code point is a symbol."""

    separator = ""

    def cut(self, text: str) -> str:
        """The code points."""
        return text

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return [(i, i + 1) for i in range(len(text))]
