"""Words of text that someone has cut already."""

from __future__ import annotations

import re
from typing import Any

from seqspec.schema.segmenter.pretokenized import PretokenizedConfig
from seqspec.schema.types import Type

_WORD = re.compile(r"[^ \t\n\r]+")


class Pretokenized:
    """What stands between ASCII white space."""

    separator = " "
    surface = True

    def __init__(self, config: PretokenizedConfig, source: Type) -> None:
        self.config = config
        self._by = config.by

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of the words."""
        return [match.span() for match in _WORD.finditer(text)]

    def words(self, text: str) -> list[str]:
        """The words."""
        return _WORD.findall(text)

    def fingerprint(self) -> dict[str, Any]:
        """Who cut the text decides the words."""
        return {"type": "pretokenized", "by": self._by}
