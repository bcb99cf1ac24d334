"""A named table of code points."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.components.normalizer._rules import Rewriter, Rule, table_rule
from seqspec.schema.normalizer.table import TableConfig


class Table(Rewriter[TableConfig]):
    """Every code point of the table becomes its plain form."""

    @staticmethod
    def rules(config: TableConfig) -> tuple[Rule, ...]:
        """What the config asks for."""
        return (table_rule(_TABLES[config.name]),)


def _each(characters: str, to: str) -> dict[str, str]:
    return dict.fromkeys(characters, to)


_TABLES: Mapping[str, Mapping[str, str]] = {
    "ja-dashes-1": {
        **_each("\u02d7\u058a\u2010\u2011\u2012\u2013\u2043\u207b\u208b\u2212\ufe63\uff0d", "-"),
        **_each("\u2014\u2015\u2500\u2501\ufe58", "\u2014"),
        "\uff70": "\u30fc",
    },
    "ja-tildes-1": _each("\u223c\u223e\u3030\uff5e", "\u301c"),
    "quotes-1": {
        **_each("\u2018\u2019\u201a\u201b\u2032\uff07", "'"),
        **_each("\u201c\u201d\u201e\u201f\u2033\uff02", '"'),
    },
    "yen-1": {"\uffe5": "\u00a5"},
}
