"""Images seen in a mirror: Krizhevsky et al. (2012), "ImageNet Classification with Deep Convolutional
Neural Networks".
"""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Fraction


class FlipConfig(Config):
    """Mirrors an image now and then."""

    axis: Literal["left_right", "top_bottom"] = "left_right"
    """What changes sides; never use one that changes what the image shows, such as digits."""
    chance: Fraction = 0.5
    """Share of images that are mirrored."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Image):
            raise Mismatch(f"`flip` mirrors images, and gets {source}")
        return source
