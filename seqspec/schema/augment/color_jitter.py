"""Other brightness, contrast and saturation: Howard (2013), "Some Improvements on Deep Convolutional Neural
Network Based Image Classification", arXiv:1312.5402.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.augment._image import ImageAugmentConfig

Strength = Annotated[float, Field(ge=0, le=1)]


class ColorJitterConfig(ImageAugmentConfig):
    """Each is multiplied by a factor drawn evenly between one less and one more its strength, in this order;
    values stay in [0, 1].
    """

    reads_pixels: ClassVar[str | None] = "unit"

    brightness: Strength = 0.4
    """Strength for all values alike."""
    contrast: Strength = 0.4
    """Strength for the distance to the image's mean grey."""
    saturation: Strength = 0.4
    """Strength for the distance to each pixel's own grey; grey images have none."""
