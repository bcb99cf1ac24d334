"""A part of an image, scaled to all of its size: Szegedy et al. (2015), "Going Deeper with Convolutions",
arXiv:1409.4842, section 6.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.augment._image import ImageAugmentConfig

Share = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(ge=1, le=10)]


class RandomResizedCropConfig(ImageAugmentConfig):
    """A rectangle of random area and shape at a random place, by bilinear interpolation, of a mask by the
    nearest pixel.
    """

    least_area: Share = 0.08
    """Smallest area, as a share of the image's."""
    most_ratio: Ratio = 4 / 3
    """Longest side over the shortest, at most, as it is against the image's own shape."""
