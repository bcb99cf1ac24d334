"""Half-width and full-width forms, group by group; unlike NFKC nothing else changes (``㍿`` and ``①``
stay).
"""

from typing import Literal

from seqspec.schema.config import Config

Width = Literal["half", "full", "keep"]


class WidthConfig(Config):
    """Unicode block "Halfwidth and Fullwidth Forms"."""

    letters: Width = "half"
    """Latin letters."""
    digits: Width = "half"
    """Digits."""
    symbols: Width = "half"
    """ASCII punctuation and symbols."""
    space: Width = "half"
    """The ideographic space U+3000 and the ASCII space."""
    katakana: Literal["full", "keep"] = "full"
    """Half-width katakana with their voicing marks, and half-width ``｡｢｣､･``."""
