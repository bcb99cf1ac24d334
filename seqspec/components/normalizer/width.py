"""Half-width and full-width forms."""

from __future__ import annotations

import string
from unicodedata import normalize

from seqspec.components.normalizer._rules import Rewriter, Rule, table_rule
from seqspec.schema.normalizer.width import WidthConfig

_LETTERS, _DIGITS = string.ascii_letters, string.digits
_SYMBOLS = string.punctuation
_DISTANCE = 0xFEE0
"""From an ASCII code point to its full-width form."""


class Width(Rewriter[WidthConfig]):
    """One table over the groups that change."""

    @staticmethod
    def rules(config: WidthConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        table: dict[str, str] = {}
        groups = ((config.letters, _LETTERS), (config.digits, _DIGITS), (config.symbols, _SYMBOLS))
        for width, half in groups:
            table |= _change(width, half, "".join(chr(ord(c) + _DISTANCE) for c in half))
        table |= _change(config.space, " ", "\u3000")
        if config.katakana == "full":
            table |= katakana_table()
        return (table_rule(table),) if table else ()


def _change(width: str, half: str, full: str) -> dict[str, str]:
    match width:
        case "half":
            return dict(zip(full, half, strict=True))
        case "full":
            return dict(zip(half, full, strict=True))
        case _:
            return {}


def half_width_table() -> dict[str, str]:
    """Full-width letters, digits and symbols by their ASCII form."""
    return {chr(ord(c) + _DISTANCE): c for c in _LETTERS + _DIGITS + _SYMBOLS}


def katakana_table(*, lone_marks: bool = True) -> dict[str, str]:
    """Half-width katakana, those with a voicing mark first of all: ``ｶﾞ`` is one letter."""
    singles = {chr(code): normalize("NFKC", chr(code)) for code in range(0xFF61, 0xFF9E)}
    voiced = {
        half + mark: whole
        for half in singles
        for mark in "\uff9e\uff9f"
        if len(whole := normalize("NFKC", half + mark)) == 1
    }
    # A mark that no letter can take stands by itself.
    alone = {"\uff9e": "\u309b", "\uff9f": "\u309c"} if lone_marks else {}
    return {**singles, **voiced, **alone}
