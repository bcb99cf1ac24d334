"""Every extended grapheme cluster is a word."""

from __future__ import annotations

from typing import Any

import regex

from seqspec.schema.segmenter.graphemes import GraphemesConfig
from seqspec.schema.types import Type

_CLUSTER = regex.compile(r"\X")


class Graphemes:
    """Every cluster that is not white space."""

    separator = ""
    surface = True

    def __init__(self, config: GraphemesConfig, source: Type) -> None:
        self.config = config

    def spans(self, text: str) -> list[tuple[int, int]]:
        """One span a cluster."""
        return [match.span() for match in _CLUSTER.finditer(text) if not match.group().isspace()]

    def words(self, text: str) -> list[str]:
        """The clusters."""
        return [cluster for cluster in _CLUSTER.findall(text) if not cluster.isspace()]

    def fingerprint(self) -> dict[str, Any]:
        """The library holds the Unicode tables, so its version decides."""
        from importlib.metadata import version

        return {"type": "graphemes", "library": f"regex-{version('regex')}"}
