"""White space of every kind as single ASCII spaces, or none at the ends."""

from typing import Literal

from seqspec.schema.config import Config


class WhitespaceConfig(Config):
    """Unicode white space, the ideographic space U+3000 and line breaks among it."""

    collapse: bool = True
    """One ASCII space for each run of white space; without it, one for each code point."""
    trim: bool = True
    """No white space at the beginning and the end."""
    between_japanese: Literal["keep", "remove"] = "keep"
    """White space between two letters of Japanese (kana or kanji), which means nothing in running text."""
