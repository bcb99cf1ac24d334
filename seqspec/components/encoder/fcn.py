"""Fully convolutional network on a dilated residual network."""

# B batch, C channels, H height, W width

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.components._layers.resnet import ResnetBody, convolution
from seqspec.schema.encoder.fcn import FcnConfig
from seqspec.schema.layers.resnet import channels_of
from seqspec.schema.types import Image


class Fcn(nn.Module):
    """``[B, C, H, W]`` gives a smaller map."""

    def __init__(self, config: FcnConfig, source: Image) -> None:
        super().__init__()
        self.body = ResnetBody(source.channels, depth=config.depth, stride=config.stride)
        width = channels_of(config.depth)[-1]
        self.last = convolution(width, width // 4, kernel=3)
        self.norm = ImageBatchNorm(width // 4)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        given = self.norm(self.last(self.body(x_BCHW)[-1])).relu()
        return self.dropout(given), None
