"""Digits of one form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from unicodedata import decimal

from seqspec.components.normalizer._rules import Rule, align_rules, apply_rules
from seqspec.data.aligned import Aligned
from seqspec.schema.normalizer.numbers import NumbersConfig
from seqspec.schema.types import Type


class Numbers:
    """Separators first, then the digits."""

    def __init__(self, config: NumbersConfig, source: Type) -> None:
        self.config = config
        self._rules = _rules(config)

    def __getstate__(self) -> dict[str, object]:
        return {"config": self.config}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.config = state["config"]  # type: ignore[assignment]
        self._rules = _rules(self.config)

    def apply(self, text: str) -> str:
        """Text after the change."""
        return apply_rules(self._rules, text)

    def align(self, text: str) -> Aligned:
        """Text after the change and where each code point came from."""
        return align_rules(self._rules, text)


def _rules(config: NumbersConfig) -> tuple[Rule, ...]:
    rules = (
        [Rule(re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))"), lambda _: "")]
        if config.separators == "strip"
        else []
    )
    if config.digits != "keep":
        rules.append(Rule(re.compile(r"\d"), _FORMS[config.digits]))
    return tuple(rules)


_FORMS: Mapping[str, Callable[[str], str]] = {
    "ascii": lambda digit: str(decimal(digit)),
    "full": lambda digit: chr(0xFF10 + decimal(digit)),
    "mask": lambda digit: "0",
}
