"""Nats a token: the mean negative log-likelihood of a target token, the end symbol counted."""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_scored_text
from seqspec.schema.types import Type


class NatsPerTokenConfig(Config):
    """Teacher-forced, the logarithm of ``perplexity``; of music it is the loss an event that papers report.
    Comparable only under one and the same tokenizer.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_scored_text(source, metric="nats_per_token")
