"""DeepLabV3+."""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.components._layers.resnet import ResnetBody, convolution
from seqspec.schema.encoder.deeplab_v3_plus import WIDTH, DeeplabV3PlusConfig
from seqspec.schema.layers.resnet import channels_of
from seqspec.schema.types import Image

LOW = 48
"""Channels that the first map is brought down to (section 3.1 of the paper)."""
REACHES = {16: (6, 12, 18), 8: (12, 24, 36)}


class DeeplabV3Plus(nn.Module):
    """``[B, C, H, W]`` gives ``[B, 256, H / 4, W / 4]``."""

    def __init__(self, config: DeeplabV3PlusConfig, source: Image) -> None:
        super().__init__()
        first, *_, last = channels_of(config.depth)
        self.body = ResnetBody(source.channels, depth=config.depth, stride=config.stride)
        self.pyramid = _Pyramid(last, REACHES[config.stride], dropout=config.dropout)
        self.low = _Normalised(first, LOW, kernel=1)
        self.join = _Normalised(WIDTH + LOW, WIDTH, kernel=3)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        first_BCHW, *_, last_BCHW = self.body(x_BCHW)
        low_BCHW = self.low(first_BCHW)
        high_BCHW = resized(self.pyramid(last_BCHW), low_BCHW.shape[-2], low_BCHW.shape[-1])
        return self.join(torch.cat([low_BCHW, high_BCHW], dim=1)), None


class _Pyramid(nn.Module):
    """Atrous spatial pyramid pooling: Chen et al. (2017), arXiv:1706.05587, section 3.3."""

    def __init__(self, inputs: int, reaches: tuple[int, ...], *, dropout: float) -> None:
        super().__init__()
        reaching = (_Normalised(inputs, WIDTH, kernel=3, dilation=reach) for reach in reaches)
        self.branches = nn.ModuleList([_Normalised(inputs, WIDTH, kernel=1), *reaching])
        self.whole = _Normalised(inputs, WIDTH, kernel=1)
        self.project = _Normalised((len(reaches) + 2) * WIDTH, WIDTH, kernel=1)
        self.dropout = Dropout(dropout)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        whole_BCHW = self.whole(x_BCHW.mean((2, 3), keepdim=True)).expand(-1, -1, *x_BCHW.shape[-2:])
        joined = torch.cat([*(branch(x_BCHW) for branch in self.branches), whole_BCHW], dim=1)
        given: Tensor = self.dropout(self.project(joined))
        return given


class _Normalised(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.convolution = convolution(inputs, outputs, kernel=kernel, dilation=dilation)
        self.norm = ImageBatchNorm(outputs)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = self.norm(self.convolution(x_BCHW)).relu()
        return given


def resized(x_BCHW: Tensor, height: int, width: int) -> Tensor:
    """Another size, bilinear; the corners of both lie on one another's outer edges."""
    if x_BCHW.shape[-2:] == (height, width):
        return x_BCHW
    return functional.interpolate(x_BCHW, size=(height, width), mode="bilinear", align_corners=False)
