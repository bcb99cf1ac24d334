"""Residual network over images."""

# B batch, C channels, H height, W width, D width of the vector

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.resnet import ResnetBody
from seqspec.schema.encoder.resnet import ResnetConfig
from seqspec.schema.types import Image


class Resnet(nn.Module):
    """``[B, C, H, W]`` gives ``[B, D]``."""

    def __init__(self, config: ResnetConfig, source: Image) -> None:
        super().__init__()
        self.body = ResnetBody(source.channels, depth=config.depth, stem=config.stem)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        vector_BD: Tensor = self.body(x_BCHW)[-1].mean((2, 3))
        return vector_BD, None
