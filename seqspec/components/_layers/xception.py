"""Xception's entry and exit over images: Chollet (2017), "Xception: Deep Learning with Depthwise Separable
Convolutions", arXiv:1610.02357, figure 5, as Tensor2Tensor has them.
"""

# B batch, C channels, H height, W width, S states, D width of the model

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.image import ImageConvolution, PixelNorm, pad_same, pool_same
from seqspec.components._layers.separable import glorot


def entry_flow(channels: int, widths: Sequence[int]) -> Iterator[nn.Module]:
    """Two convolutions, the first of stride 2, then a residual block of stride 2 for each further width."""
    first, *rest = widths
    yield ImageConvolution(channels, first, kernel=3, stride=2, relu=False)
    yield ImageConvolution(first, rest[0], kernel=3)
    for depth, (inputs, outputs) in enumerate(pairwise(rest)):
        yield ShrinkingBlock(inputs, outputs, relu=depth == 0)


class ShrinkingBlock(nn.Module):
    """Two separable convolutions and the largest of 3 × 3 pixels, beside a convolution of stride 2."""

    def __init__(self, inputs: int, outputs: int, *, relu: bool) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            ImageConvolution(inputs, outputs, kernel=3, separable=True),
            ImageConvolution(outputs, outputs, kernel=3, separable=True),
        )
        self.beside = ImageConvolution(inputs, outputs, kernel=1, stride=2, relu=relu)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = pool_same(self.convolutions(x_BCHW)) + self.beside(x_BCHW)
        return given


class ExitFlow(nn.Module):
    """States as a square image, or as a line, shortened while their width grows.

    ``columns``: every convolution of a square has weights for an image of one column beside, which
    Tensor2Tensor made and never used on larger ones.
    """

    def __init__(
        self, dim: int, widths: tuple[int, int, int], *, grid: Literal["square", "line"], columns: bool
    ) -> None:
        super().__init__()
        self.line = grid == "line"
        first, second, last = widths
        shape = {"line": self.line, "columns": columns}
        self.beside = _ExitConvolution(dim, first, strided=True, separable=False, **shape)
        self.before = nn.Sequential(
            _ExitConvolution(dim, dim, **shape), _ExitConvolution(dim, first, **shape)
        )
        self.after = nn.Sequential(
            _ExitConvolution(first, second, relu=False, **shape),
            _ExitConvolution(second, last, **shape),
        )

    def forward(self, x_BSD: Tensor) -> Tensor:
        """``[B, S, D]`` to ``[B, S', widths[2]]``; on a line no state sees a later one."""
        x_BDS = x_BSD.transpose(1, 2)
        if self.line:
            x_BCHW = x_BDS[..., None]
        else:
            side = _side(x_BDS.shape[2])
            x_BCHW = x_BDS.unflatten(2, (side, side))
        pooled = _pool_line(self.before(x_BCHW)) if self.line else pool_same(self.before(x_BCHW))
        given: Tensor = self.after(pooled + self.beside(x_BCHW)).relu()
        return given.flatten(2).transpose(1, 2)


LINE_KERNEL, LINE_STRIDE = 5, 4
"""Of convolutions and pooling along a line (Tensor2Tensor)."""


class _ExitConvolution(nn.Module):
    """ReLU, a convolution, layer normalisation; on a line windows end at their place."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        line: bool,
        columns: bool,
        strided: bool = False,
        separable: bool = True,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.line, self.relu = line, relu
        self.stride = (LINE_STRIDE if line else 2) if strided else 1
        kernel = (LINE_KERNEL, 1) if line else (3, 3)
        self.convolutions = _convolutions(inputs, outputs, kernel, self.stride, separable=separable)
        self.column = (
            _convolutions(inputs, outputs, (3, 1), self.stride, separable=separable) if columns else None
        )
        self.norm = PixelNorm(outputs)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if self.relu:
            x_BCHW = torch.relu(x_BCHW)
        convolutions: nn.Module = self.convolutions
        if self.line:
            padded = functional.pad(x_BCHW, (0, 0, LINE_KERNEL - 1, 0))
        elif self.column is not None and x_BCHW.shape[3] == 1:
            convolutions = self.column
            padded = pad_same(x_BCHW, kernel=3, stride=self.stride)[..., 1:2]
        else:
            padded = pad_same(x_BCHW, kernel=3, stride=self.stride)
        given: Tensor = self.norm(convolutions(padded))
        return given


def _convolutions(
    inputs: int, outputs: int, kernel: tuple[int, int], stride: int, *, separable: bool
) -> nn.Sequential:
    steps = (stride, stride if kernel[1] > 1 else 1)
    if separable:
        each = nn.Conv2d(inputs, inputs, kernel, stride=steps, groups=inputs, bias=False)
        layers = [each, nn.Conv2d(inputs, outputs, 1, bias=False)]
    else:
        layers = [nn.Conv2d(inputs, outputs, kernel, stride=steps, bias=False)]
    for layer in layers:
        glorot(layer)
    return nn.Sequential(*layers)


def _pool_line(x_BCH1: Tensor) -> Tensor:
    padded = functional.pad(x_BCH1[..., 0], (LINE_KERNEL - 1, 0), value=-torch.inf)
    return padded.unfold(2, LINE_KERNEL, LINE_STRIDE).amax(-1)[..., None]


def _side(size: int) -> int:
    side: int = round(size**0.5)
    if side * side != size:
        raise ValueError(f"{size} states make no square (`grid: line`)")
    return side
