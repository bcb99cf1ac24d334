"""RandAugment: Cubuk et al. (2020), "RandAugment: Practical Automated Data Augmentation with a Reduced Search
Space", arXiv:1909.13719.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.augment._image import ImageAugmentConfig
from seqspec.schema.units import Count


class RandAugmentConfig(ImageAugmentConfig):
    """Some changes in a row, each drawn evenly among the paper's fourteen, all of one magnitude; what moves
    an image moves its mask. Ranges at magnitude 30 are those of the authors' code; pixels from beyond the
    edge are mid-grey.
    """

    reads_pixels: ClassVar[str | None] = "unit"

    num_layers: Count = 2
    """Changes in a row; the paper's N."""
    magnitude: Annotated[int, Field(ge=0, le=30)] = 9
    """How strong each is; the paper's M."""
