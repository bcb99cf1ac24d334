"""PointNet.

Differs from the paper in batch normalisation: layers have no biases, which the normalisation would take out
again, and the decay of its running mean is constant.
"""

# B batch, N points, C features, D width of the vector

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.schema.encoder.point_net import ALIGNED, Alignment, PointNetConfig
from seqspec.schema.types import Points

NEAR = 0.01
"""Gain of the matrices' first weights: small, but not zero, so that every layer learns from the start."""


class PointNet(nn.Module):
    """``[B, N, C]`` points give ``[B, D]``."""

    def __init__(self, config: PointNetConfig, source: Points) -> None:
        super().__init__()
        decay = config.decay
        self.alignments = nn.ModuleList(_Alignment(made, decay=decay) for made in config.alignments(source))
        widths = [source.dim, *config.widths]
        self.first = _layers(widths[: ALIGNED + 1], decay=decay)
        self.second = _layers(widths[ALIGNED:], decay=decay)
        self.hidden = _layers([widths[-1], *config.hidden], decay=decay)
        self.dropout = Dropout(config.dropout)
        self.auxiliary = tuple(config.auxiliary())

    def forward(
        self, x_BNC: Tensor, lengths_B: Tensor, *, auxiliary: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, None]:
        """Points beyond ``lengths_B`` change nothing; a set is one vector, so no length is given.

        ``auxiliary`` is handed ``rotation``, the mean distance of the features' matrix from one; it is 0 in
        evaluation.
        """
        mask_BN = length_mask(lengths_B, x_BNC.shape[1])
        if len(self.alignments) > 0:
            x_BNC = x_BNC @ self.alignments[0](x_BNC, mask_BN)
        x_BNC = _through(self.first, x_BNC, mask_BN)
        if len(self.alignments) > 1:
            matrix_BCC = self.alignments[1](x_BNC, mask_BN)
            if auxiliary is not None:
                auxiliary["rotation"] = off_rotation(matrix_BCC) if self.training else x_BNC.new_zeros(())
            x_BNC = x_BNC @ matrix_BCC
        x_BNC = _through(self.second, x_BNC, mask_BN)
        return self.dropout(_through_one(self.hidden, largest(x_BNC, mask_BN))), None


class _Alignment(nn.Module):
    """The matrix that turns a set of points: nearly the identity at first (the paper's T-Net)."""

    def __init__(self, made: Alignment, *, decay: float) -> None:
        super().__init__()
        self.size = made.inputs
        self.points = _layers([made.inputs, *made.widths], decay=decay)
        self.hidden = _layers([made.widths[-1], *made.hidden], decay=decay)
        self.matrix = linear(made.hidden[-1], made.inputs**2, gain=NEAR)
        with torch.no_grad():
            self.matrix.bias.copy_(torch.eye(made.inputs).flatten())

    def forward(self, x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
        pooled_BD = largest(_through(self.points, x_BNC, mask_BN), mask_BN)
        matrix_BCC: Tensor = self.matrix(_through_one(self.hidden, pooled_BD))
        return matrix_BCC.unflatten(1, (self.size, self.size))


def largest(x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
    """``[B, C]``: the largest value of each feature over the real points; 0 where there are none."""
    masked = x_BNC.masked_fill(~mask_BN[:, :, None], -torch.inf).amax(1)
    return masked.masked_fill(~mask_BN.any(1)[:, None], 0.0)


def off_rotation(matrix_BCC: Tensor) -> Tensor:
    """Mean over the examples of ‖I - A·Aᵀ‖², which is 0 for rotations (equation 2)."""
    eye = torch.eye(matrix_BCC.shape[-1], dtype=matrix_BCC.dtype, device=matrix_BCC.device)
    return (eye - matrix_BCC @ matrix_BCC.mT).square().sum((1, 2)).mean()


class _Layer(nn.Module):
    """A linear layer of each point alone, batch normalisation over the real points, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, decay: float) -> None:
        super().__init__()
        self.linear = linear(inputs, outputs, bias=False)
        self.norm = MaskedBatchNormRelu(outputs, decay=decay)

    def forward(self, x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
        given: Tensor = self.norm(self.linear(x_BNC), mask_BN)
        return given


def _layers(widths: Sequence[int], *, decay: float) -> nn.ModuleList:
    return nn.ModuleList(_Layer(inputs, outputs, decay=decay) for inputs, outputs in pairwise(widths))


def _through(layers: nn.ModuleList, x_BNC: Tensor, mask_BN: Tensor) -> Tensor:
    for layer in layers:
        x_BNC = layer(x_BNC, mask_BN)
    return x_BNC


def _through_one(layers: nn.ModuleList, x_BD: Tensor) -> Tensor:
    """Layers over one vector an example."""
    mask_B1 = torch.ones(x_BD.shape[0], 1, dtype=torch.bool, device=x_BD.device)
    return _through(layers, x_BD[:, None], mask_B1)[:, 0]
