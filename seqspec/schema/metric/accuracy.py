"""Share of labels that are right."""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_labels
from seqspec.schema.types import Type


class AccuracyConfig(Config):
    """For classification."""

    percent: ClassVar[bool] = True

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_labels(source, metric="accuracy")
