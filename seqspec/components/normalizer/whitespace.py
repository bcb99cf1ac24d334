"""White space as single ASCII spaces."""

from __future__ import annotations

from seqspec.components.normalizer._rules import Rule, align_rules, apply_rules, constant_rule
from seqspec.data.aligned import Aligned
from seqspec.schema.normalizer.whitespace import WhitespaceConfig
from seqspec.schema.types import Type

_JAPANESE = (
    "[\u3005\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Iteration mark, zero, hiragana, katakana, kanji."""


class Whitespace:
    """Runs first, then the ends."""

    def __init__(self, config: WhitespaceConfig, source: Type) -> None:
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


def _rules(config: WhitespaceConfig) -> tuple[Rule, ...]:
    rules = [constant_rule(r"\s+" if config.collapse else r"\s", " ")]
    if config.trim:
        rules.append(constant_rule(r"^ +| +$", ""))
    if config.between_japanese == "remove":
        rules.append(constant_rule(f"(?<={_JAPANESE}) +(?={_JAPANESE})", ""))
    return tuple(rules)
