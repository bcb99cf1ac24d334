"""Fully convolutional network: Long et al. (2015), "Fully Convolutional Networks for Semantic Segmentation",
arXiv:1411.4038; on a dilated residual network, as torchvision has it.
"""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.resnet import Depth, channels_of, shrunk_to
from seqspec.schema.types import Image, Type
from seqspec.schema.units import Probability


class FcnConfig(Config):
    """A residual network, then one 3 × 3 convolution to a quarter of its channels."""

    depth: Depth = 50
    """Layers of the residual network."""
    stride: Literal[8, 16, 32] = 8
    """Pixels of the image to one of the map, in each direction."""
    dropout: Probability = 0.1
    """Dropout on what is given."""

    def output(self, source: Type) -> Image:
        if not isinstance(source, Image):
            raise Mismatch(f"`fcn` reads images, and this is {source}")
        return shrunk_to(source, stride=self.stride, channels=channels_of(self.depth)[-1] // 4)
