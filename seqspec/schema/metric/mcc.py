"""Correlation of predicted and true labels (Matthews 1975, Gorodkin 2004)."""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_labels
from seqspec.schema.types import Type


class MccConfig(Config):
    """For classification."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_labels(source, metric="mcc")
