"""Kana of one kind."""

from __future__ import annotations

import re
from collections.abc import Callable

from seqspec.components.normalizer._rules import Rewriter, Rule
from seqspec.schema.normalizer.kana import KanaConfig

_DISTANCE = 0x60


def _shift(distance: int) -> Callable[[str], str]:
    return lambda text: "".join(chr(ord(letter) + distance) for letter in text)


_RULES = {
    "katakana": Rule(re.compile("[ぁ-ゖゝゞ]+"), _shift(_DISTANCE)),
    "hiragana": Rule(re.compile("[ァ-ヶヽヾ]+"), _shift(-_DISTANCE)),
}


class Kana(Rewriter[KanaConfig]):
    """Shifts a letter by the 96 code points between the two scripts."""

    @staticmethod
    def rules(config: KanaConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        return (_RULES[config.to],)
