"""Gradient penalty at the data."""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components.loss._adversarial import Critic, input_gradient
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.r1_penalty import R1PenaltyConfig
from seqspec.schema.types import CriticScores


class R1Penalty(nn.Module):
    """``½ ‖∇D(x)‖²`` for each image of the data."""

    def __init__(self, config: R1PenaltyConfig, source: CriticScores) -> None:
        super().__init__()

    def forward(
        self,
        real_B: Tensor | None,
        generated_B: Tensor,
        real_BCHW: Tensor,
        generated_BCHW: Tensor,
        critic: Critic,
    ) -> Loss:
        _, gradient_BCHW = input_gradient(critic, real_BCHW)
        total = 0.5 * gradient_BCHW.float().square().sum()
        return Loss(total, torch.tensor(len(real_BCHW), device=total.device), {})
