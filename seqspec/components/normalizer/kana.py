"""Kana of one kind."""

from __future__ import annotations

import re
from collections.abc import Callable

from seqspec.components.normalizer._rules import Rule, align_rules, apply_rules
from seqspec.data.aligned import Aligned
from seqspec.schema.normalizer.kana import KanaConfig
from seqspec.schema.types import Type

_DISTANCE = 0x60


def _shift(distance: int) -> Callable[[str], str]:
    return lambda text: "".join(chr(ord(letter) + distance) for letter in text)


_RULES = {
    "katakana": Rule(re.compile("[ぁ-ゖゝゞ]+"), _shift(_DISTANCE)),
    "hiragana": Rule(re.compile("[ァ-ヶヽヾ]+"), _shift(-_DISTANCE)),
}


class Kana:
    """Shifts a letter by the 96 code points between the two scripts."""

    def __init__(self, config: KanaConfig, source: Type) -> None:
        self.config = config
        self._rules = (_RULES[config.to],)

    def __getstate__(self) -> dict[str, object]:
        return {"config": self.config}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.config = state["config"]  # type: ignore[assignment]
        self._rules = (_RULES[self.config.to],)

    def apply(self, text: str) -> str:
        """Text after the change."""
        return apply_rules(self._rules, text)

    def align(self, text: str) -> Aligned:
        """Text after the change and where each code point came from."""
        return align_rules(self._rules, text)
