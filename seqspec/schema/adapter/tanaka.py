"""Tanaka corpus: Tanaka (2001), "Compilation of a multilingual parallel corpus", PACLING; as edited in
edrdg.org's ``examples.utf``.
"""

from typing import Literal

from seqspec.schema.adapter._adapter import AdapterConfig, Download, Pattern
from seqspec.schema.types import Text, Type


class TanakaConfig(AdapterConfig):
    """Read ``examples.utf``: lines ``A: Japanese<tab>English#ID=…``, each followed by its word index, ``B:
    …``.

    There are no splits: everything is ``train``, and ``data.split`` cuts the others out.
    """

    file: Pattern = "examples.utf"
    """File name below ``root``; ``examples.utf.gz`` is opened as it is."""
    source_language: Literal["ja", "en"] = "ja"
    """Language that the model reads; the other one is the target."""

    def roles(self) -> dict[str, Type]:
        return {
            "source": Text(self.source_language),
            "target": Text("en" if self.source_language == "ja" else "ja"),
        }

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://ftp.edrdg.org/pub/Nihongo/examples.utf.gz", "8 MB", unpack=False),)
