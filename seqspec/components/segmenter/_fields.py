"""Where a MeCab dictionary keeps readings, by the number of its feature fields.

ipadic has 9 (7 for unknown words); UniDic 2.1.2, unidic-lite's, has 26, with 17 in its short form; UniDic 2.3
and later have 29.
"""

from __future__ import annotations

from typing import NamedTuple

from seqspec.schema.diagnostic import DataError


class Fields(NamedTuple):
    """Indices into a word's features."""

    schema: str
    kana: int
    pronunciation: int
    part_of_speech: int
    """How many leading fields name the part of speech."""


_BY_COUNT = {
    9: Fields("ipadic", kana=7, pronunciation=8, part_of_speech=4),
    17: Fields("unidic17", kana=6, pronunciation=9, part_of_speech=4),
    26: Fields("unidic26", kana=17, pronunciation=9, part_of_speech=4),
    29: Fields("unidic29", kana=20, pronunciation=9, part_of_speech=4),
}


def fields_of(count: int, *, dictionary: str) -> Fields:
    """The table for a dictionary whose known words have ``count`` fields."""
    try:
        return _BY_COUNT[count]
    except KeyError:
        raise DataError(
            f"words of dictionary `{dictionary}` have {count} fields; where readings stand is not known",
            help="known are ipadic (9 fields) and UniDic (17, 26 or 29), without additions such as NEologd's",
            code="SQ423",
        ) from None
