"""What losses of adversarial training share: a term for each image, of the critic or of the generator."""

# B batch, C channels, H height, W width

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss._adversarial import AdversarialLossConfig
from seqspec.schema.types import CriticScores

Critic = Callable[[Tensor], Tensor]


class AdversarialLoss(nn.Module):
    """``criterion(*contest)``; the terms ``real`` and ``generated`` are sums of the scores of either."""

    def __init__(self, config: AdversarialLossConfig, source: CriticScores) -> None:
        super().__init__()
        self.side = source.side

    @abstractmethod
    def critic(self, real_B: Tensor, generated_B: Tensor) -> Tensor:
        """What the critic makes small, ``[B]``."""

    @abstractmethod
    def generator(self, generated_B: Tensor) -> Tensor:
        """What the generator makes small, ``[B]``."""

    def forward(
        self,
        real_B: Tensor | None,
        generated_B: Tensor,
        real_BCHW: Tensor,
        generated_BCHW: Tensor,
        critic: Critic,
    ) -> Loss:
        generated_B = generated_B.float()
        count = torch.tensor(len(generated_B), device=generated_B.device)
        if self.side == "generator" or real_B is None:
            return Loss(self.generator(generated_B).sum(), count, {})
        real_B = real_B.float()
        terms = {"real": real_B.detach().sum(), "generated": generated_B.detach().sum()}
        return Loss(self.critic(real_B, generated_B).sum(), count, terms)


def input_gradient(critic: Critic, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of images, and their gradients with regard to the images ``[B, C, H, W]``.

    Where no graph is recorded, as in evaluation, one is made for this alone.
    """
    recorded = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        x_BCHW = x_BCHW.detach().clone().requires_grad_()
        scores_B = critic(x_BCHW).float()
        (gradient_BCHW,) = torch.autograd.grad(scores_B.sum(), x_BCHW, create_graph=recorded)
    return scores_B, gradient_BCHW
