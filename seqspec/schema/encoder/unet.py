"""U-Net: Ronneberger et al. (2015), "U-Net: Convolutional Networks for Biomedical Image Segmentation",
arXiv:1505.04597; with padded convolutions and batch normalisation, as it is used now.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Dim


class UnetConfig(Config):
    """Halves an image again and again and doubles it as often, each time beside the map of the same size from
    the way down; gives ``channels`` features a pixel.
    """

    channels: Dim = 64
    """Channels of the image's own size; each next size has twice as many."""
    halvings: Annotated[int, Field(ge=1, le=8)] = 4
    """How often height and width are halved."""
    up: Literal["transposed", "bilinear"] = "transposed"
    """How maps are doubled: by a learned convolution, or by interpolation."""

    def output(self, source: Type) -> Image:
        if not isinstance(source, Image):
            raise Mismatch(f"`unet` reads images, and this is {source}")
        least = 2**self.halvings
        if min(source.height, source.width) < least:
            raise Mismatch(
                f"{source.height} × {source.width} pixels cannot be halved {self.halvings} times",
                at=("halvings",),
                help=f"use {min(source.height, source.width).bit_length() - 1} or fewer",
            )
        return Image(self.channels, source.height, source.width)
