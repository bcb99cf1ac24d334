"""Words are what stands between white space."""

from __future__ import annotations

import re
from typing import Any

from seqspec.schema.segmenter.whitespace import WhitespaceConfig
from seqspec.schema.types import Type

_WORD = re.compile(r"\S+")


class Whitespace:
    """Cuts at white space of any kind."""

    separator = " "
    surface = True

    def __init__(self, config: WhitespaceConfig, source: Type) -> None:
        self.config = config

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Maximal runs without white space."""
        return [match.span() for match in _WORD.finditer(text)]

    def words(self, text: str) -> list[str]:
        """The runs themselves."""
        return _WORD.findall(text)

    def fingerprint(self) -> dict[str, Any]:
        """The rule is Python's own."""
        return {"type": "whitespace"}
