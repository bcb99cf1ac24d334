"""U-Net."""

# B batch, C channels, H height, W width

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.components._layers.resnet import convolution
from seqspec.components.encoder.lenet import pool_in_order
from seqspec.schema.encoder.unet import UnetConfig
from seqspec.schema.types import Image


class Unet(nn.Module):
    """``[B, C, H, W]`` gives ``[B, channels, H, W]``."""

    def __init__(self, config: UnetConfig, source: Image) -> None:
        super().__init__()
        width, learned = config.channels, config.up == "transposed"
        widths = [width << stage for stage in range(config.halvings + 1)]
        narrow = 1 if learned else 2
        widths[-1] //= narrow
        self.first = _Pair(source.channels, width)
        self.down = nn.ModuleList(_Pair(a, b) for a, b in pairwise(widths))
        self.up = nn.ModuleList()
        for stage in reversed(range(config.halvings)):
            below, inner = width << stage + 1, width << stage
            outputs = inner // narrow if stage else inner
            self.up.append(_Up(below, inner, outputs, learned=learned))

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        maps = [self.first(x_BCHW)]
        for stage in self.down:
            maps.append(stage(halved(maps[-1])))
        given = maps.pop()
        for stage in self.up:
            given = stage(given, maps.pop())
        return given, None


class _Pair(nn.Module):
    """Two 3 × 3 convolutions, each with batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, *, inner: int | None = None) -> None:
        super().__init__()
        inner = inner or outputs
        self.layers = nn.Sequential(
            convolution(inputs, inner, kernel=3), ImageBatchNorm(inner), nn.ReLU(),
            convolution(inner, outputs, kernel=3), ImageBatchNorm(outputs), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = self.layers(x_BCHW)
        return given


class _Up(nn.Module):
    """Doubles a map and joins that of the way down to it, whose size decides."""

    def __init__(self, inputs: int, inner: int, outputs: int, *, learned: bool) -> None:
        super().__init__()
        self.doubling = nn.ConvTranspose2d(inputs, inner, 2, stride=2) if learned else None
        self.pair = _Pair(inputs, outputs, inner=None if learned else inputs // 2)

    def forward(self, x_BCHW: Tensor, beside_BCHW: Tensor) -> Tensor:
        if self.doubling is not None:
            x_BCHW = self.doubling(x_BCHW)
        else:
            x_BCHW = functional.interpolate(x_BCHW, scale_factor=2, mode="bilinear", align_corners=True)
        off = [a - b for a, b in zip(beside_BCHW.shape[-2:], x_BCHW.shape[-2:], strict=True)]
        if any(off):
            sides = (off[1] // 2, off[1] - off[1] // 2, off[0] // 2, off[0] - off[0] // 2)
            x_BCHW = functional.pad(x_BCHW, sides)
        given: Tensor = self.pair(torch.cat([beside_BCHW, x_BCHW], dim=1))
        return given


def halved(x_BCHW: Tensor) -> Tensor:
    """The largest of every 2 × 2 pixels; an odd last row or column is left out."""
    height, width = (size // 2 * 2 for size in x_BCHW.shape[-2:])
    if x_BCHW.is_cuda and torch.are_deterministic_algorithms_enabled():
        return pool_in_order(x_BCHW[..., :height, :width])
    return functional.max_pool2d(x_BCHW, 2)
