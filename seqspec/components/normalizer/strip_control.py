"""Control characters and invisible marks taken out."""

from __future__ import annotations

import regex

from seqspec.components.normalizer._rules import Rewriter, Rule
from seqspec.schema.normalizer.strip_control import StripControlConfig


class StripControl(Rewriter[StripControlConfig]):
    """By Unicode category."""

    @staticmethod
    def rules(config: StripControlConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        kept = r"\t\n\r"
        kept += r"\u200c\u200d" if config.joiners == "keep" else ""
        kept += r"\u00ad" if config.soft_hyphen == "keep" else ""
        pattern = rf"[\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Noncharacter_Code_Point}}--[{kept}]]"
        return (Rule(regex.compile(pattern, flags=regex.VERSION1), lambda _: ""),)
