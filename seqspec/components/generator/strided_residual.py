"""Residual layers and transposed convolutions from a small map to an image."""

# B batch, C channels, H height, W width

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.components._layers.image_residual import residual_stack
from seqspec.schema.generator.strided_residual import StridedResidualConfig, doublings
from seqspec.schema.types import Image, Type


class StridedResidual(nn.Module):
    """``[B, C, h, w]`` gives ``[B, C, H, W]`` before the last non-linearity."""

    def __init__(self, config: StridedResidualConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        latent, image = takes["latent"], takes["image"]
        assert isinstance(latent, Image)
        assert isinstance(image, Image)
        layers: list[nn.Module] = [nn.Conv2d(latent.channels, config.channels, 3, padding=1)]
        layers += residual_stack(config.channels, config.residual_channels, count=config.num_residual)
        width, times = config.channels, doublings(latent, image)
        for stage in range(times):
            last = stage == times - 1
            outputs = image.channels if last else config.channels // 2
            layers.append(nn.ConvTranspose2d(width, outputs, 4, stride=2, padding=1))
            layers += [] if last else [nn.ReLU()]
            width = outputs
        if not times:
            layers.append(nn.Conv2d(width, image.channels, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, latent_BCHW: Tensor, classes_B: Tensor | None = None) -> Tensor:
        given: Tensor = self.layers(latent_BCHW)
        return given
