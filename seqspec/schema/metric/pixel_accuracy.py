"""Share of pixels that are right, of all and of each class."""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._masks import require_masks
from seqspec.schema.types import Type


class PixelAccuracyConfig(Config):
    """With `mean_class_accuracy`, the mean over the classes that the split holds; pixels without a class do
    not count.
    """

    by_class: bool = False
    """Whether the value of each class is told too."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_masks(source, metric="pixel_accuracy")
