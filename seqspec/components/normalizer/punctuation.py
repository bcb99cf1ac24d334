"""Punctuation taken out."""

from __future__ import annotations

import regex

from seqspec.components.normalizer._rules import Rule, align_rules, apply_rules
from seqspec.data.aligned import Aligned
from seqspec.schema.normalizer.punctuation import PunctuationConfig
from seqspec.schema.types import Type


class Punctuation:
    """By Unicode category."""

    def __init__(self, config: PunctuationConfig, source: Type) -> None:
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


def _rules(config: PunctuationConfig) -> tuple[Rule, ...]:
    kept = "".join(regex.escape(mark) for mark in dict.fromkeys(config.keep))
    families = r"\p{P}\p{S}" if config.symbols == "strip" else r"\p{P}"
    pattern = f"[{families}--[{kept}]]" if kept else f"[{families}]"
    replacement = " " if config.replace_with == "space" else ""
    return (Rule(regex.compile(pattern, flags=regex.VERSION1), lambda _: replacement),)
