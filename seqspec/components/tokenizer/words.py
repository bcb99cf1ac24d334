"""One id for each word of the training text."""

from __future__ import annotations

import re

from seqspec.components.tokenizer._learned import LearnedSymbols
from seqspec.schema.tokenizer.words import WordsConfig

# Only these cut, so that a word may be U+3000 itself.
_WORD = re.compile(r"[^ \t\n\r]+")


class Words(LearnedSymbols[WordsConfig]):
    """Learned; what stands between spaces is a symbol."""

    separator = " "

    def cut(self, text: str) -> list[str]:
        """The words."""
        return _WORD.findall(text)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return [match.span() for match in _WORD.finditer(text)]
