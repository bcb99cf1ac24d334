"""Punctuation taken out."""

from __future__ import annotations

import regex

from seqspec.components.normalizer._rules import Rewriter, Rule
from seqspec.schema.normalizer.punctuation import PunctuationConfig


class Punctuation(Rewriter[PunctuationConfig]):
    """By Unicode category."""

    @staticmethod
    def rules(config: PunctuationConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        kept = "".join(regex.escape(mark) for mark in dict.fromkeys(config.keep))
        families = r"\p{P}\p{S}" if config.symbols == "strip" else r"\p{P}"
        pattern = f"[{families}--[{kept}]]" if kept else f"[{families}]"
        replacement = " " if config.replace_with == "space" else ""
        return (Rule(regex.compile(pattern, flags=regex.VERSION1), lambda _: replacement),)
