"""Kana of one kind: hiragana as katakana, or katakana as hiragana."""

from typing import Literal

from seqspec.schema.config import Config


class KanaConfig(Config):
    """Letters that stand in both scripts, and iteration marks; ``ー`` and the letters of one script only
    stay.
    """

    to: Literal["katakana", "hiragana"]
    """The script of the result."""
