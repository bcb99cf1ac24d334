"""Strided convolutions and residual layers to a small map: van den Oord et al. (2017), "Neural Discrete
Representation Learning", arXiv:1711.00937, section 4.1.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.image_stages import divides
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Count, Dim


class StridedResidualConfig(Config):
    """Halves height and width some times, then gives ``dim`` channels for each place that is left."""

    dim: Dim = 64
    """Channels that are given."""
    channels: Annotated[Dim, Field(multiple_of=2)] = 128
    """Channels inside; the first convolution has half of them."""
    residual_channels: Dim = 32
    """Channels inside a residual layer."""
    num_residual: Count = 2
    """Residual layers."""
    halvings: Annotated[int, Field(ge=1, le=8)] = 2
    """Convolutions that halve height and width."""

    def output(self, source: Type) -> Image:
        if not isinstance(source, Image):
            raise Mismatch(f"`strided_residual` reads images, and this is {source}")
        if not divides(source, times=self.halvings):
            raise Mismatch(
                f"{source.height} × {source.width} pixels cannot be halved {self.halvings} times",
                at=("halvings",),
                help="use fewer, or images of another size",
            )
        return Image(self.dim, source.height >> self.halvings, source.width >> self.halvings)
