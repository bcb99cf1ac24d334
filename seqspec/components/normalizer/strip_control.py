"""Control characters and invisible marks taken out."""

from __future__ import annotations

import regex

from seqspec.components.normalizer._rules import Rule, align_rules, apply_rules
from seqspec.data.aligned import Aligned
from seqspec.schema.normalizer.strip_control import StripControlConfig
from seqspec.schema.types import Type


class StripControl:
    """By Unicode category."""

    def __init__(self, config: StripControlConfig, source: Type) -> None:
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


def _rules(config: StripControlConfig) -> tuple[Rule, ...]:
    kept = r"\t\n\r"
    kept += r"\u200c\u200d" if config.joiners == "keep" else ""
    kept += r"\u00ad" if config.soft_hyphen == "keep" else ""
    pattern = rf"[\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Noncharacter_Code_Point}}--[{kept}]]"
    return (Rule(regex.compile(pattern, flags=regex.VERSION1), lambda _: ""),)
