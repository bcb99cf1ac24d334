"""Area under the ROC curve: Hanley & McNeil (1982), "The Meaning and Use of the Area under a Receiver
Operating Characteristic (ROC) Curve", Radiology 143.
"""

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_labels
from seqspec.schema.types import Type


class AucConfig(Config):
    """For classification: how often an example of a label is given a higher probability of it than an example
    of another; one label against all others, 0.5 is chance.
    """

    average: Literal["macro", "weighted"] = "macro"
    """Every label alike, or by how often it is the reference; of two labels both are the same number."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_labels(source, metric="auc")
