"""LeNet as Lingvo has it.

Differs in where ReLU stands: after the pooling, which gives the same numbers for a quarter of the work.
"""

# B batch, C channels, H height, W width, D width of the vector

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.schema.encoder.lenet import LenetConfig
from seqspec.schema.types import Image


class Lenet(nn.Module):
    """``[B, C, H, W]`` images give ``[B, D]``."""

    def __init__(self, config: LenetConfig, source: Image) -> None:
        super().__init__()
        widths = [source.channels, *config.channels]
        self.convolutions = nn.ModuleList(
            _convolution(inputs, outputs, kernel=config.kernel) for inputs, outputs in pairwise(widths)
        )
        self.dropout = Dropout(config.dropout)
        self.linear = linear(config.flat(source), config.dim)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        for convolution in self.convolutions:
            x_BCHW = self.dropout(pool(convolution(x_BCHW)).relu())
        return self.linear(x_BCHW.flatten(1)).relu(), None


def _convolution(inputs: int, outputs: int, *, kernel: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer


def pool(x_BCHW: Tensor) -> Tensor:
    """The largest of every 2 × 2 pixels; an odd row or column stands alone."""
    if x_BCHW.is_cuda and torch.are_deterministic_algorithms_enabled():
        # The gradient of torch's own kernel adds up in no fixed order on CUDA, and is refused.
        return pool_in_order(x_BCHW)
    return functional.max_pool2d(x_BCHW, 2, ceil_mode=True)


def pool_in_order(x_BCHW: Tensor) -> Tensor:
    """The same by reductions, which repeat to the bit on any device."""
    height, width = x_BCHW.shape[-2:]
    if height % 2 or width % 2:
        x_BCHW = functional.pad(x_BCHW, (0, width % 2, 0, height % 2), value=-torch.inf)
    columns, rows = -(-width // 2), -(-height // 2)
    return x_BCHW.reshape(*x_BCHW.shape[:2], rows, 2, columns, 2).amax((3, 5))
