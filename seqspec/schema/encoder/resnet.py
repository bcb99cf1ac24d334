"""Residual network over images: He et al. (2016), "Deep Residual Learning for Image Recognition",
arXiv:1512.03385.
"""

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.resnet import Depth, Stem, channels_of
from seqspec.schema.types import Image, Type, Vector


class ResnetConfig(Config):
    """Four stages of residual blocks, each on half the height and width of the one before; then the mean over
    the pixels, as one vector.
    """

    depth: Depth = 50
    """Layers; from 50 on, blocks are bottlenecks of three convolutions."""
    stem: Stem = "imagenet"
    """What comes before the blocks: a 7 × 7 convolution and a pooling that shrink the image fourfold, or for
    small images a 3 × 3 convolution that keeps their size.
    """

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(
                f"`resnet` reads images, and this is {source}",
                help="for text use `transformer` or `slicenet`, for sound `conformer` or `conv_lstm`",
            )
        return Vector(channels_of(self.depth)[-1])
