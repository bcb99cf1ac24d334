"""Strided residual blocks of separable convolutions over frames.

Windows stand where they would stand without padding, so that what a batch adds to an example changes nothing.
Differs from Tensor2Tensor in that the first block does not cut what is below zero off the features.
"""

# B batch, T frames, C channels, F bins, D width

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.image import PixelNorm
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.separable import glorot
from seqspec.schema.embedding.separable_residual import SeparableResidualConfig
from seqspec.schema.types import Frames


class SeparableResidual(nn.Module):
    """``[B, T, C F]`` gives ``[B, T' F', D]`` and the new lengths."""

    def __init__(self, config: SeparableResidualConfig, source: Frames) -> None:
        super().__init__()
        assert config.dim is not None
        self.dim = config.dim
        self.channels = source.channels
        stride = (2, 2 if config.halves == "time_and_bins" else 1)
        pairs = pairwise((source.channels, *config.widths))
        self.blocks = nn.ModuleList(
            _Block(inputs, outputs, stride=stride, relu=index > 0)
            for index, (inputs, outputs) in enumerate(pairs)
        )

    def forward(self, x_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BCTF = x_BTF.unflatten(-1, (self.channels, -1)).transpose(1, 2)
        for block in self.blocks:
            x_BCTF = block(x_BCTF, lengths_B)
            lengths_B = (lengths_B + 1) // 2
        bins = x_BCTF.shape[3]
        return x_BCTF.flatten(2).transpose(1, 2), lengths_B * bins


class _Block(nn.Module):
    """Two separable convolutions and the largest of 3 × 3 places, beside a convolution of a place."""

    def __init__(self, inputs: int, outputs: int, *, stride: tuple[int, int], relu: bool) -> None:
        super().__init__()
        self.stride, self.relu = stride, relu
        self.first, self.second = _separable(inputs, outputs), _separable(outputs, outputs)
        self.beside = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
        self.norms = nn.ModuleList(PixelNorm(outputs) for _ in range(3))
        glorot(self.beside)

    def forward(self, x_BCTF: Tensor, lengths_B: Tensor) -> Tensor:
        real = length_mask(lengths_B, x_BCTF.shape[2])[:, None, :, None]
        x_BCTF = x_BCTF * real
        opened = torch.relu(x_BCTF) if self.relu else x_BCTF
        y_BCTF = torch.relu(self.norms[0](self.first(opened))) * real
        y_BCTF = self.norms[1](self.second(y_BCTF)).masked_fill(~real, -torch.inf)
        pooled = _largest(_largest(y_BCTF, dim=2, stride=self.stride[0]), dim=3, stride=self.stride[1])
        left = length_mask((lengths_B + 1) // 2, pooled.shape[2])[:, None, :, None]
        beside: Tensor = self.norms[2](self.beside(opened))
        return (pooled + beside).masked_fill(~left, 0.0)


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    each = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    mixed = nn.Conv2d(inputs, outputs, 1, bias=False)
    glorot(each)
    glorot(mixed)
    return nn.Sequential(each, mixed)


def _largest(x_BCTF: Tensor, *, dim: int, stride: int) -> Tensor:
    """The largest of three neighbours in one direction; a pooling whose gradient adds up in a fixed order."""
    around = (0, 0, 1, 1) if dim == 2 else (1, 1)
    padded = functional.pad(x_BCTF, around, value=-torch.inf)
    count = x_BCTF.shape[dim]
    first, second, third = (padded.narrow(dim, start, count) for start in range(3))
    largest = torch.maximum(torch.maximum(first, second), third)
    return largest[:, :, ::stride] if dim == 2 else largest[..., ::stride]
