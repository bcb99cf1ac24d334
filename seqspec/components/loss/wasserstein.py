"""Wasserstein loss of adversarial training."""

# B batch

from __future__ import annotations

from torch import Tensor

from seqspec.components.loss._adversarial import AdversarialLoss


class Wasserstein(AdversarialLoss):
    """A term for each image."""

    def critic(self, real_B: Tensor, generated_B: Tensor) -> Tensor:
        return generated_B - real_B

    def generator(self, generated_B: Tensor) -> Tensor:
        return -generated_B
