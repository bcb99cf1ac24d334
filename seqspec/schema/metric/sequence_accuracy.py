"""Share of hypotheses that equal their reference, letter by letter."""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type


class SequenceAccuracyConfig(Config):
    """Exact match of generated text."""

    percent: ClassVar[bool] = True

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_text(source, metric="sequence_accuracy")
