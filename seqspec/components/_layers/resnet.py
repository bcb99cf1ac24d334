"""Residual networks over images: He et al. (2016), "Deep Residual Learning for Image Recognition",
arXiv:1512.03385; the stride of a bottleneck stands at its 3 × 3 convolution, as in torchvision.
"""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.image_batch_norm import ImageBatchNorm

BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
BOTTLENECK = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
WIDTHS = (64, 128, 256, 512)


class ResnetBody(nn.Module):
    """``[B, C, H, W]`` gives the maps of the four stages.

    ``stride``: pixels of the image to one of the last map; 16 or 8 keeps the size of the last stages by
    dilated convolutions (Chen et al. 2017, "Rethinking Atrous Convolution", arXiv:1706.05587).
    """

    def __init__(self, channels: int, *, depth: int, stem: str = "imagenet", stride: int = 32) -> None:
        super().__init__()
        counts = {**BASIC, **BOTTLENECK}[depth]
        block = _Basic if depth in BASIC else _Bottleneck
        self.large = stem == "imagenet"
        kernel, step = (7, 2) if self.large else (3, 1)
        self.stem = convolution(channels, 64, kernel=kernel, stride=step)
        self.norm = ImageBatchNorm(64)
        self.stages = nn.ModuleList()
        inputs, dilation, so_far = 64, 1, 4
        for number, (count, width) in enumerate(zip(counts, WIDTHS, strict=True)):
            step, before = (1, dilation) if not number else (2, dilation)
            if step == 2 and so_far >= stride:
                step, dilation = 1, dilation * 2
            so_far *= step
            blocks = [block(inputs, width, stride=step, dilation=before)]
            inputs = width * block.expansion
            blocks += [block(inputs, width, dilation=dilation) for _ in range(count - 1)]
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        x_BCHW = self.norm(self.stem(x_BCHW)).relu()
        if self.large:
            x_BCHW = pooled(x_BCHW)
        maps = []
        for stage in self.stages:
            x_BCHW = stage(x_BCHW)
            maps.append(x_BCHW)
        return maps


class _Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, width: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, width, kernel=3, stride=stride, dilation=dilation)
        self.second = convolution(width, width, kernel=3, dilation=dilation)
        self.norms = nn.ModuleList(ImageBatchNorm(width) for _ in range(2))
        self.shortcut = _shortcut(inputs, width, stride=stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = self.norms[0](self.first(x_BCHW)).relu()
        given = self.norms[1](self.second(given))
        return (given + self.shortcut(x_BCHW)).relu()


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, width: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.first = convolution(inputs, width, kernel=1)
        self.second = convolution(width, width, kernel=3, stride=stride, dilation=dilation)
        self.third = convolution(width, outputs, kernel=1)
        self.norms = nn.ModuleList(ImageBatchNorm(size) for size in (width, width, outputs))
        self.shortcut = _shortcut(inputs, outputs, stride=stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = self.norms[0](self.first(x_BCHW)).relu()
        given = self.norms[1](self.second(given)).relu()
        given = self.norms[2](self.third(given))
        return (given + self.shortcut(x_BCHW)).relu()


def _shortcut(inputs: int, outputs: int, *, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, kernel=1, stride=stride), ImageBatchNorm(outputs))


def convolution(
    inputs: int, outputs: int, *, kernel: int, stride: int = 1, dilation: int = 1, bias: bool = False
) -> nn.Conv2d:
    """Padded to keep the size, with He's normal values over the outputs."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def pooled(x_BCHW: Tensor) -> Tensor:
    """The largest of 3 × 3 pixels at every second row and column, a border of one around the map."""
    if x_BCHW.is_cuda and torch.are_deterministic_algorithms_enabled():
        # The gradient of torch's own kernel adds up in no fixed order on CUDA, and is refused.
        padded = functional.pad(x_BCHW, (1, 1, 1, 1), value=-torch.inf)
        return _in_order(_in_order(padded, dim=2), dim=3)
    return functional.max_pool2d(x_BCHW, 3, stride=2, padding=1)


def _in_order(x_BCHW: Tensor, *, dim: int) -> Tensor:
    """The largest of three rows or columns at every second one."""
    count = (x_BCHW.shape[dim] - 3) // 2 + 1
    places = [slice(None)] * 4
    found: list[Tensor] = []
    for start in range(3):
        places[dim] = slice(start, start + 2 * count - 1, 2)
        found.append(x_BCHW[tuple(places)])
    return torch.maximum(torch.maximum(found[0], found[1]), found[2])
