"""Residual layers and transposed convolutions from a small map to an image: van den Oord et al. (2017),
"Neural Discrete Representation Learning", arXiv:1711.00937, section 4.1.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Count, Dim


class StridedResidualConfig(Config):
    """Doubles height and width as often as the map is smaller than the image."""

    channels: Annotated[Dim, Field(multiple_of=2)] = 128
    """Channels inside; the last convolution reads half of them."""
    residual_channels: Dim = 32
    """Channels inside a residual layer."""
    num_residual: Count = 2
    """Residual layers."""

    def output(self, source: Mapping[str, Type]) -> Image:
        latent, image = source["latent"], source["image"]
        if not isinstance(latent, Image) or not isinstance(image, Image):
            raise Mismatch(
                f"`strided_residual` makes images of a map, and is given {latent}",
                help="for a vector use `dcgan`, `resnet` or `mlp`",
            )
        times = doublings(latent, image)
        if (latent.height << times, latent.width << times) != (image.height, image.width):
            raise Mismatch(f"{latent} does not become {image} by doubling height and width")
        return image


def doublings(latent: Image, image: Image) -> int:
    """How often the map's height is doubled."""
    return max(0, (image.height // latent.height).bit_length() - 1)
