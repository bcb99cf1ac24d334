"""JESC: Pryzant et al. (2018), "JESC: Japanese-English Subtitle Corpus", LREC, arXiv:1710.10639."""

from typing import Literal

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Text, Type


class JescConfig(AdapterConfig):
    """Read subtitles: ``split/{train,dev,test}``, English, a tab, Japanese, whose blanks stand for
    punctuation.
    """

    source_language: Literal["ja", "en"] = "ja"
    """Language that the model reads; the other one is the target."""

    def roles(self) -> dict[str, Type]:
        return {
            "source": Text(self.source_language),
            "target": Text("en" if self.source_language == "ja" else "ja"),
        }

    def downloads(self) -> tuple[Download, ...]:
        return (Download("https://nlp.stanford.edu/projects/jesc/data/split.tar.gz", "97 MB"),)
