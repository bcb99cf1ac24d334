"""Expected calibration error: Guo et al. (2017), "On Calibration of Modern Neural Networks",
arXiv:1706.04599, equation 3.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_labels
from seqspec.schema.types import Type


class EceConfig(Config):
    """For classification: how far the probability of the predicted label is from how often it is right."""

    percent: ClassVar[bool] = True

    bins: Annotated[int, Field(ge=1, le=10_000)] = 15
    """Intervals of equal width that probabilities are sorted into."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_labels(source, metric="ece")
