"""Convolutions over images, with the padding of TensorFlow's "SAME": what does not divide evenly is
added below and to the right.
"""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.separable import glorot


class ImageConvolution(nn.Module):
    """ReLU, a convolution without a bias, layer normalisation over the channels of each pixel.

    ``separable``: each channel alone, then a mixture of them.  ``relu`` False leaves the input as it is.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        separable: bool = False,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.relu = kernel, stride, relu
        if separable:
            each = nn.Conv2d(inputs, inputs, kernel, stride=stride, groups=inputs, bias=False)
            layers = [each, nn.Conv2d(inputs, outputs, 1, bias=False)]
        else:
            layers = [nn.Conv2d(inputs, outputs, kernel, stride=stride, bias=False)]
        for layer in layers:
            glorot(layer)
        self.convolutions = nn.Sequential(*layers)
        self.norm = PixelNorm(outputs)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if self.relu:
            x_BCHW = torch.relu(x_BCHW)
        padded = pad_same(x_BCHW, kernel=self.kernel, stride=self.stride)
        given: Tensor = self.norm(self.convolutions(padded))
        return given


class PixelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = self.norm(x_BCHW.permute(0, 2, 3, 1))
        return given.permute(0, 3, 1, 2)


def pad_same(x_BCHW: Tensor, *, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """As much around an image as makes ``ceil(size / stride)`` windows in each direction."""
    sides: list[int] = []
    for size in (x_BCHW.shape[3], x_BCHW.shape[2]):
        more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides += [more // 2, more - more // 2]
    return functional.pad(x_BCHW, sides, value=value) if any(sides) else x_BCHW


def pool_same(x_BCHW: Tensor) -> Tensor:
    """The largest of 3 × 3 pixels at every second row and column."""
    padded = pad_same(x_BCHW, kernel=3, stride=2, value=-torch.inf)
    if x_BCHW.is_cuda and torch.are_deterministic_algorithms_enabled():
        # The gradient of torch's own kernel adds up in no fixed order on CUDA, and is refused.
        return _pool_in_order(padded)
    return functional.max_pool2d(padded, 3, stride=2)


def _pool_in_order(x_BCHW: Tensor) -> Tensor:
    """The same by comparing rows, then columns, which repeats to the bit on any device."""
    for dim in (2, 3):
        count = (x_BCHW.shape[dim] - 3) // 2 + 1
        first, second, third = (
            x_BCHW.narrow(dim, start, 2 * count - 1).unfold(dim, 1, 2).squeeze(-1) for start in range(3)
        )
        x_BCHW = torch.maximum(torch.maximum(first, second), third)
    return x_BCHW
