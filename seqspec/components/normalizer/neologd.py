"""The clean-up of the mecab-ipadic-NEologd project, rule by rule."""

from __future__ import annotations

from seqspec.components.normalizer._rules import Rewriter, Rule, constant_rule, table_rule
from seqspec.components.normalizer.width import half_width_table, katakana_table
from seqspec.schema.normalizer.neologd import NeologdConfig

_TILDES = "[~\u223c\u223e\u301c\u3030\uff5e]"
_WIDE = "[\u3000-\u30ff\u3300-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]"
"""Japanese punctuation, kana, kanji and full-width forms."""


class Neologd(Rewriter[NeologdConfig]):
    """Width, dashes, long vowels, tildes, spaces, in this order."""

    @staticmethod
    def rules(config: NeologdConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        rules = [
            table_rule({**_letters_and_symbols(), **katakana_table(lone_marks=False)}),
            constant_rule("-?[\u02d7\u058a\u2010\u2011\u2012\u2013\u2043\u207b\u208b\u2212]+", "-"),
            constant_rule("[\ufe63\uff0d\uff70\u2014\u2015\u2500\u2501\u30fc]+", "\u30fc"),
        ]
        if config.tildes != "keep":
            rules.append(constant_rule(_TILDES, "" if config.tildes == "remove" else "\u301c"))
        rules += [constant_rule("[ \u3000]+", " "), constant_rule("^ +| +$", "")]
        if config.spaces == "remove":
            rules.append(
                constant_rule(f"(?<={_WIDE}) (?={_WIDE})|(?<={_WIDE}) (?=[!-~])|(?<=[!-~]) (?={_WIDE})", "")
            )
        return tuple(rules)


def _letters_and_symbols() -> dict[str, str]:
    """Full-width ASCII as half-width; the hyphen and the tilde have rules of their own, the yen sign is a
    backslash's look-alike.
    """
    table = half_width_table()
    del table["\uff0d"], table["\uff5e"]
    return {**table, "\u201d": '"', "\u2019": "'", "\uffe5": "\u00a5"}
