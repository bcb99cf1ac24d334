"""Every code point is a word."""

from __future__ import annotations

from typing import Any

from seqspec.schema.segmenter.characters import CharactersConfig
from seqspec.schema.types import Type


class Characters:
    """Every code point that is not white space."""

    separator = ""
    surface = True

    def __init__(self, config: CharactersConfig, source: Type) -> None:
        self.config = config

    def spans(self, text: str) -> list[tuple[int, int]]:
        """One span a code point."""
        return [(i, i + 1) for i, character in enumerate(text) if not character.isspace()]

    def words(self, text: str) -> list[str]:
        """The code points."""
        return [character for character in text if not character.isspace()]

    def fingerprint(self) -> dict[str, Any]:
        """What is white space is Unicode's to say."""
        from unicodedata import unidata_version

        return {"type": "characters", "unicode": unidata_version}
