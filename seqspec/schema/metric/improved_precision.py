"""Precision and recall of a generator: Kynkäänniemi, Karras, Laine, Lehtinen and Aila (2019), "Improved
Precision and Recall Metric for Assessing Generative Models", NeurIPS, arXiv:1904.06991.
"""

from seqspec.schema.metric._feature_run import FeatureRunConfig
from seqspec.schema.units import Positive


class ImprovedPrecisionConfig(FeatureRunConfig):
    """``improved_precision`` is the share of generated images that lie among the data's, ``improved_recall``
    the share of the data's that lie among the generated ones: nearer to one of them than its own neighbours
    of the same kind reach.
    """

    num_neighbors: Positive = 3
    """The neighbour of an image that its ball reaches to."""
