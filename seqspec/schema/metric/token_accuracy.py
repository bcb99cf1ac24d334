"""Share of target tokens that get the highest probability when all tokens before are given."""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_scored_text
from seqspec.schema.types import Type


class TokenAccuracyConfig(Config):
    """Teacher-forced: it flatters a model, since its own mistakes never reach it.  Compare
    ``sequence_accuracy``.
    """

    percent: ClassVar[bool] = True

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_scored_text(source, metric="token_accuracy")
