"""Gradient penalty between data and generated images."""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components.loss._adversarial import Critic, input_gradient
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.gradient_penalty import GradientPenaltyConfig
from seqspec.schema.types import CriticScores


class GradientPenalty(nn.Module):
    """``(‖∇D(x)‖ - 1)²`` at one place for each pair of images, drawn evenly between the two."""

    def __init__(self, config: GradientPenaltyConfig, source: CriticScores) -> None:
        super().__init__()

    def forward(
        self,
        real_B: Tensor | None,
        generated_B: Tensor,
        real_BCHW: Tensor,
        generated_BCHW: Tensor,
        critic: Critic,
    ) -> Loss:
        share_B111 = torch.rand(len(real_BCHW), 1, 1, 1, device=real_BCHW.device)
        between_BCHW = torch.lerp(real_BCHW, generated_BCHW.detach().to(real_BCHW.dtype), share_B111)
        _, gradient_BCHW = input_gradient(critic, between_BCHW)
        norm_B = gradient_BCHW.float().flatten(1).norm(dim=1)
        count = torch.tensor(len(norm_B), device=norm_B.device)
        return Loss((norm_B - 1).square().sum(), count, {})
