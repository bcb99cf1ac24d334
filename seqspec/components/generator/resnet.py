"""Residual blocks from a vector to an image."""

# B batch, Z latent width, C channels, H height, W width

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.class_vector import class_vector
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.schema.config import stated_width
from seqspec.schema.generator.resnet import ResnetConfig
from seqspec.schema.types import Image, Type


class Resnet(nn.Module):
    """``[B, Z]`` gives ``[B, C, H, W]`` before the last non-linearity."""

    def __init__(self, config: ResnetConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image, width = takes["image"], config.channels
        assert isinstance(image, Image)
        assert config.doublings is not None
        self.start = width, image.height >> config.doublings, image.width >> config.doublings
        self.label = class_vector(takes, config)
        given = stated_width(takes["latent"]) + (self.label.dim if self.label else 0)
        self.linear = nn.Linear(given, width * self.start[1] * self.start[2])
        nn.init.xavier_uniform_(self.linear.weight)
        self.blocks = nn.ModuleList(_Doubling(width) for _ in range(config.doublings))
        self.norm = ImageBatchNorm(width)
        self.last = convolution(width, image.channels, kernel=3)

    def forward(self, latent_BZ: Tensor, classes_B: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent_BZ = self.label(latent_BZ, classes_B)
        x_BCHW: Tensor = self.linear(latent_BZ).unflatten(1, self.start)
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        given: Tensor = self.last(self.norm(x_BCHW).relu())
        return given


class _Doubling(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ImageBatchNorm(channels) for _ in range(2))
        gain = 2**0.5
        self.first, self.second = (convolution(channels, channels, kernel=3, gain=gain) for _ in range(2))
        self.shortcut = convolution(channels, channels, kernel=1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = self.first(doubled(self.norms[0](x_BCHW).relu()))
        given = self.second(self.norms[1](given).relu())
        kept: Tensor = self.shortcut(doubled(x_BCHW))
        return kept + given


def doubled(x_BCHW: Tensor) -> Tensor:
    """Twice the height and width, bilinear, as in the reference implementation (mimicry)."""
    return functional.interpolate(x_BCHW, scale_factor=2, mode="bilinear", align_corners=False)


def convolution(inputs: int, outputs: int, *, kernel: int, gain: float = 1.0) -> nn.Conv2d:
    """Of one size, with Glorot's uniform values and a bias of zero."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
