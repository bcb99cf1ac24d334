"""DeepLabV3+: Chen et al. (2018), "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", arXiv:1802.02611; with plain convolutions in place of separable ones.
"""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.resnet import Depth, shrunk_to
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Probability

WIDTH = 256
"""Channels of the pyramid, and of what is given."""


class DeeplabV3PlusConfig(Config):
    """Dilated convolutions of several reaches over a residual network's last map, joined to its first."""

    depth: Depth = 50
    """Layers of the residual network."""
    stride: Literal[8, 16] = 16
    """Pixels of the image to one of the last map; the reaches are 6, 12 and 18, or twice that at 8."""
    dropout: Probability = 0.1
    """Dropout on the pyramid's map."""

    def output(self, source: Type) -> Image:
        if not isinstance(source, Image):
            raise Mismatch(f"`deeplab_v3_plus` reads images, and this is {source}")
        return shrunk_to(source, stride=4, channels=WIDTH)
