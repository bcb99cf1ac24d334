"""Residual blocks from an image to one number."""

# B batch, C channels, H height, W width

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.spectral_norm import normalised
from seqspec.schema.discriminator.resnet import ResnetConfig
from seqspec.schema.types import Image, Type

GAIN = 2**0.5


class Resnet(nn.Module):
    """``[B, C, H, W]`` in [-1, 1] gives ``[B]``; larger is more real."""

    def __init__(self, config: ResnetConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image, width, how = takes["image"], config.channels, config.normalize
        assert isinstance(image, Image)
        assert config.halvings is not None
        first = _Block(image.channels, width, how=how, halves=True, first=True)
        halving = (_Block(width, width, how=how, halves=True) for _ in range(config.halvings - 1))
        more = (_Block(width, width, how=how, halves=False) for _ in range(config.more_blocks))
        self.blocks = nn.ModuleList([first, *halving, *more])
        linear = nn.Linear(width, 1)
        nn.init.xavier_uniform_(linear.weight)
        self.last = normalised(linear, how)
        classes = classes_of(takes)
        self.projection = None if classes is None else normalised(nn.Embedding(classes, width), how)

    def forward(self, x_BCHW: Tensor, classes_B: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        features_BC = x_BCHW.relu().sum((2, 3))
        scores_B: Tensor = self.last(features_BC).squeeze(1)
        if self.projection is not None:
            scores_B = scores_B + (self.projection(classes_B) * features_BC).sum(1)
        return scores_B


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the first block of all takes no ReLU of the image."""

    def __init__(self, inputs: int, outputs: int, *, how: str, halves: bool, first: bool = False) -> None:
        super().__init__()
        self.halves, self.first = halves, first
        self.one = _convolution(inputs, outputs, kernel=3, how=how, gain=GAIN)
        self.two = _convolution(outputs, outputs, kernel=3, how=how, gain=GAIN)
        self.shortcut = _convolution(inputs, outputs, kernel=1, how=how) if halves else None

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = self.two(self.one(x_BCHW if self.first else x_BCHW.relu()).relu())
        if self.shortcut is None:
            return x_BCHW + given
        if self.first:
            return functional.avg_pool2d(given, 2) + self.shortcut(functional.avg_pool2d(x_BCHW, 2))
        return functional.avg_pool2d(given, 2) + functional.avg_pool2d(self.shortcut(x_BCHW), 2)


def _convolution(inputs: int, outputs: int, *, kernel: int, how: str, gain: float = 1.0) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return normalised(layer, how)
