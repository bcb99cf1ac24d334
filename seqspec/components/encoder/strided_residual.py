"""Strided convolutions and residual layers to a small map."""

# B batch, C channels, H height, W width

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.image_residual import residual_stack
from seqspec.schema.encoder.strided_residual import StridedResidualConfig
from seqspec.schema.types import Image


class StridedResidual(nn.Module):
    """``[B, C, H, W]`` gives ``[B, dim, H / 2^halvings, W / 2^halvings]``."""

    def __init__(self, config: StridedResidualConfig, source: Image) -> None:
        super().__init__()
        width, layers = source.channels, list[nn.Module]()
        for stage in range(config.halvings):
            outputs = config.channels if stage else config.channels // 2
            layers += [nn.Conv2d(width, outputs, 4, stride=2, padding=1), nn.ReLU()]
            width = outputs
        layers.append(nn.Conv2d(width, config.channels, 3, padding=1))
        layers += residual_stack(config.channels, config.residual_channels, count=config.num_residual)
        self.layers = nn.Sequential(*layers, nn.Conv2d(config.channels, config.dim, 1))

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        return self.layers(x_BCHW), None
