"""Divergence of a normal posterior from the standard normal prior."""

# B batch, Z latent features

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.kl_divergence import KlDivergenceConfig
from seqspec.schema.types import Gaussian


class KlDivergence(nn.Module):
    """``criterion(mean_BZ, log_variance_BZ)``; the term ``kl`` is the divergence without free bits."""

    def __init__(self, config: KlDivergenceConfig, source: Gaussian) -> None:
        super().__init__()
        self.free = config.free_bits

    def forward(self, mean_BZ: Tensor, log_variance_BZ: Tensor) -> Loss:
        kl_BZ = divergence(mean_BZ.float(), log_variance_BZ.float())
        count = torch.tensor(len(kl_BZ), device=kl_BZ.device)
        total = kl_BZ.sum()
        paid = total if not self.free else kl_BZ.mean(0).clamp_min(self.free).sum() * len(kl_BZ)
        return Loss(paid, count, {"kl": total.detach()})


def divergence(mean_BZ: Tensor, log_variance_BZ: Tensor) -> Tensor:
    """``½ (μ² + σ² - log σ² - 1)`` of each feature."""
    return 0.5 * (mean_BZ.square() + log_variance_BZ.exp() - log_variance_BZ - 1)
