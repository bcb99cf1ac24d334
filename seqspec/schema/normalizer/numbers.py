"""Digits of one form.  Without this step numbers are left alone."""

from typing import Literal

from seqspec.schema.config import Config


class NumbersConfig(Config):
    """Decimal digits of every script; kanji numerals are words and stay."""

    digits: Literal["ascii", "full", "mask", "keep"] = "ascii"
    """``ascii`` and ``full`` width; ``mask`` writes 0 for every digit; ``keep`` leaves them."""
    separators: Literal["keep", "strip"] = "keep"
    """Commas between groups of three digits: 1,000 as 1000."""
