"""Share of the predictions of a label that are right, averaged over labels."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_labels
from seqspec.schema.types import Type


class PrecisionConfig(Config):
    """For classification, where labels are uneven."""

    percent: ClassVar[bool] = True

    average: Literal["macro", "micro", "weighted"] = "macro"
    """Every label alike, every example alike, or labels by how often they are the reference."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_labels(source, metric="precision")
