"""Perplexity: the exponential of the mean negative log-likelihood of a target token, the end symbol
counted.
"""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_scored_text
from seqspec.schema.types import Type


class PerplexityConfig(Config):
    """Teacher-forced.  Comparable only under one and the same tokenizer; across tokenizers use
    ``bits_per_character``.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_scored_text(source, metric="perplexity")
