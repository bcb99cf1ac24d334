"""Digits of one form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from unicodedata import decimal

from seqspec.components.normalizer._rules import Rewriter, Rule
from seqspec.schema.normalizer.numbers import NumbersConfig


class Numbers(Rewriter[NumbersConfig]):
    """Separators first, then the digits."""

    @staticmethod
    def rules(config: NumbersConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
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
