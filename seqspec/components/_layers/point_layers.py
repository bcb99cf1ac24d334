"""A linear layer of every point, or of every pair of points, with batch normalisation and a non-linearity."""

# B batch, N points, C features

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu
from seqspec.components._layers.init import linear

EPSILON = 1e-5
"""Added to the variance, as the published code of these networks does."""


class PointLayer(nn.Module):
    """``[B, N, …, C]``; statistics are those of the points that ``mask_BN`` says are real, and the others
    come out as zero.
    """

    def __init__(
        self, inputs: int, outputs: int, *, decay: float, bias: bool = False, slope: float = 0.0
    ) -> None:
        super().__init__()
        self.linear = linear(inputs, outputs, bias=bias)
        self.norm = MaskedBatchNormRelu(outputs, decay=decay, eps=EPSILON, slope=slope)

    def forward(self, x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
        given: Tensor = self.norm(self.linear(x_BNC), mask_BN)
        return given


class PointLayers(nn.ModuleList):
    """One after another; ``widths`` begins with the features that the first reads."""

    def __init__(
        self, widths: Sequence[int], *, decay: float, bias: bool = False, slope: float = 0.0
    ) -> None:
        super().__init__(
            PointLayer(inputs, outputs, decay=decay, bias=bias, slope=slope)
            for inputs, outputs in pairwise(widths)
        )

    def forward(self, x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
        for layer in self:
            x_BNC = layer(x_BNC, mask_BN)
        return x_BNC


def of_each(x_BC: Tensor) -> tuple[Tensor, Tensor]:
    """One vector an example as ``[B, 1, C]``, with a mask under which all are real."""
    return x_BC[:, None], torch.ones(x_BC.shape[0], 1, dtype=torch.bool, device=x_BC.device)
