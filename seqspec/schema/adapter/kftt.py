"""Kyoto Free Translation Task: Neubig (2011), phontron.com/kftt; Japanese and English Wikipedia articles
about Kyoto.
"""

from typing import Literal

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type


class KfttConfig(AdapterConfig):
    """Read ``kftt-data-1.0/data/{orig,tok}/kyoto-{train,dev,tune,test}.{ja,en}``; ``tune`` is the split
    ``dev_other``.
    """

    source_language: Literal["ja", "en"] = "ja"
    """Language that the model reads; the other one is the target."""
    version: Literal["orig", "tok"] = "orig"
    """``orig``: raw text; ``tok``: cut into words, Japanese by KyTea, English by the Stanford tokeniser."""
    max_words: Literal["any", "40"] = "any"
    """``40`` reads the training pairs of at most 40 words (``cln``); only ``tok`` has them."""

    def roles(self) -> dict[str, Type]:
        if self.max_words == "40" and self.version == "orig":
            raise Mismatch(
                "the raw text has no version of at most 40 words",
                at=("max_words",),
                help="set `version: tok`",
            )
        return {
            "source": Text(self.source_language),
            "target": Text("en" if self.source_language == "ja" else "ja"),
        }

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://www.phontron.com/kftt/download/kftt-data-1.0.tar.gz", "99 MB"),)
