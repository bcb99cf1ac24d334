"""Rectangles of noise: Zhong et al. (2020), "Random Erasing Data Augmentation", arXiv:1708.04896."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.augment._image import ImageAugmentConfig
from seqspec.schema.units import Fraction

Share = Annotated[float, Field(gt=0, lt=1)]


class RandomErasingConfig(ImageAugmentConfig):
    """Overwrites a rectangle of an image with the mean of its values; a mask stays."""

    chance: Fraction = 0.5
    """Share of images that lose a rectangle."""
    least_area: Share = 0.02
    """Smallest area, as a share of the image's."""
    most_area: Share = 0.4
    """Largest area, as a share of the image's."""
