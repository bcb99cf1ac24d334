"""Convolutions that see real positions alone, one after another."""

# B batch, T positions, D width

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.masked_batch_norm import MaskedBatchNorm
from seqspec.components._layers.masked_convolution import MaskedConvolution


class ConvolutionStack(nn.Module):
    """Convolutions, each with batch normalisation, an activation (tanh, none at the end, or ReLU) and
    dropout.
    """

    def __init__(self, widths: Sequence[int], *, kernel: int, rate: float, tanh: bool = False) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.layers = nn.ModuleList(MaskedConvolution(a, b, kernel=kernel) for a, b in pairs)
        self.norms = nn.ModuleList(MaskedBatchNorm(b) for _, b in pairs)
        self.dropout, self.tanh = Dropout(rate), tanh

    def forward(self, x_BTD: Tensor, mask_BT1: Tensor) -> Tensor:
        last = len(self.layers) - 1
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x_BTD = norm(layer(x_BTD, mask_BT1), mask_BT1)
            if not self.tanh:
                x_BTD = torch.relu(x_BTD)
            elif number < last:
                x_BTD = torch.tanh(x_BTD)
            x_BTD = self.dropout(x_BTD)
        return x_BTD
