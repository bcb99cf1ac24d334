"""Bits per byte: negative log2-likelihood over the UTF-8 bytes of the reference text."""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_whole_text
from seqspec.schema.types import Type


class BitsPerByteConfig(Config):
    """Teacher-forced; comparable across tokenizers and languages."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_whole_text(source, metric="bits_per_byte")
