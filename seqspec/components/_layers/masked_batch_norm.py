"""Batch normalisation over real positions alone, with whatever activation comes after it."""

# B batch, T time, C channels

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.batch_norm import of_every_process


class MaskedBatchNorm(nn.Module):
    """``[B, T, C]``; ``MaskedBatchNormRelu`` is the faster one where a ReLU follows."""

    mean_C: Tensor
    variance_C: Tensor

    def __init__(self, dim: int, *, decay: float = 0.9, eps: float = 1e-5) -> None:
        super().__init__()
        self.decay, self.eps = decay, eps
        self.weight_C = nn.Parameter(torch.ones(dim))
        self.bias_C = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean_C", torch.zeros(dim))
        self.register_buffer("variance_C", torch.ones(dim))

    def forward(self, x_BTC: Tensor, mask_BT1: Tensor) -> Tensor:
        """Padded positions come out as zero; float32, as sums over a batch ask for."""
        x_BTC = x_BTC.float()
        mean_C, variance_C = self.mean_C, self.variance_C
        if self.training:
            count = mask_BT1.sum().clamp_min(1)
            mean_C = (x_BTC * mask_BT1).sum((0, 1)) / count
            variance_C = ((x_BTC - mean_C) * mask_BT1).square().sum((0, 1)) / count
            self._follow(mean_C.detach(), variance_C.detach())
        normal_BTC = (x_BTC - mean_C) * (variance_C + self.eps).rsqrt()
        return (normal_BTC * self.weight_C + self.bias_C) * mask_BT1

    @torch.no_grad()
    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        for mean, variance in of_every_process(torch.stack([mean_C, variance_C])):
            self.mean_C.lerp_(mean, 1 - self.decay)
            self.variance_C.lerp_(variance, 1 - self.decay)
