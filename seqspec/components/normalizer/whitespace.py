"""White space as single ASCII spaces."""

from __future__ import annotations

from seqspec.components.normalizer._rules import Rewriter, Rule, constant_rule
from seqspec.schema.normalizer.whitespace import WhitespaceConfig

_JAPANESE = (
    "[\u3005\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Iteration mark, zero, hiragana, katakana, kanji."""


class Whitespace(Rewriter[WhitespaceConfig]):
    """Runs first, then the ends."""

    @staticmethod
    def rules(config: WhitespaceConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        rules = [constant_rule(r"\s+" if config.collapse else r"\s", " ")]
        if config.trim:
            rules.append(constant_rule(r"^ +| +$", ""))
        if config.between_japanese == "remove":
            rules.append(constant_rule(f"(?<={_JAPANESE}) +(?={_JAPANESE})", ""))
        return tuple(rules)
