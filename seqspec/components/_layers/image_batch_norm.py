"""Batch normalisation over images, whose running means follow every process in order.

Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", arXiv:1502.03167.
"""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.batch_norm import of_every_process


class ImageBatchNorm(nn.Module):
    """``[B, C, H, W]`` or ``[B, C]``; ``decay`` keeps the running mean and variance.

    ``gain_std``: the gains start as N(1, gain_std), as DCGAN's do.
    """

    mean_C: Tensor
    variance_C: Tensor

    def __init__(
        self, channels: int, *, decay: float = 0.9, eps: float = 1e-5, gain_std: float = 0.0
    ) -> None:
        super().__init__()
        self.decay, self.eps = decay, eps
        self.weight_C = nn.Parameter(torch.ones(channels))
        self.bias_C = nn.Parameter(torch.zeros(channels))
        if gain_std:
            nn.init.normal_(self.weight_C, 1.0, gain_std)
        self.register_buffer("mean_C", torch.zeros(channels))
        self.register_buffer("variance_C", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.batch_norm(
                x, self.mean_C, self.variance_C, self.weight_C, self.bias_C, eps=self.eps
            )
        mean_C, variance_C = torch.zeros_like(self.mean_C), torch.zeros_like(self.variance_C)
        given = functional.batch_norm(
            x, mean_C, variance_C, self.weight_C, self.bias_C, training=True, momentum=1.0, eps=self.eps
        )
        self._follow(mean_C, variance_C)
        return given

    @torch.no_grad()
    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        for mean, variance in of_every_process(torch.stack([mean_C, variance_C])):
            self.mean_C.lerp_(mean, 1 - self.decay)
            self.variance_C.lerp_(variance, 1 - self.decay)
