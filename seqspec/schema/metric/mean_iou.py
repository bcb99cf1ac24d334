"""Intersection over union: Everingham et al. (2010), "The Pascal Visual Object Classes (VOC) Challenge",
International Journal of Computer Vision.
"""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._masks import require_masks
from seqspec.schema.types import Type


class MeanIouConfig(Config):
    """The mean over the classes of hits over hits, misses and false alarms, all of them counted over the
    whole split; classes that neither side has do not count. `by_class` tells each class's.
    """

    by_class: bool = False
    """Whether the value of each class is told too."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_masks(source, metric="mean_iou")
