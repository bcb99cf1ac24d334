"""Variance predictor: convolutions and one number a position."""

# B batch, T time, D width

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.schema.predictor.convolution import ConvolutionConfig
from seqspec.schema.types import Frames, States


class Convolution(nn.Module):
    """``predictor(x_BTD, mask_BT1)`` gives ``[B, T]``, zero where the mask is."""

    def __init__(self, config: ConvolutionConfig, source: States | Frames) -> None:
        super().__init__()
        widths = [source.dim, *[config.dim] * config.num_layers]
        self.layers = nn.ModuleList(
            MaskedConvolution(a, b, kernel=config.kernel) for a, b in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(config.dim) for _ in range(config.num_layers))
        self.dropout = Dropout(config.dropout)
        self.output = linear(config.dim, 1)

    def forward(self, x_BTD: Tensor, mask_BT1: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BTD = self.dropout(norm(torch.relu(layer(x_BTD, mask_BT1))))
        numbers_BT: Tensor = (self.output(x_BTD) * mask_BT1).squeeze(-1)
        return numbers_BT
