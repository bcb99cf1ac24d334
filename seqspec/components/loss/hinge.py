"""Hinge loss of adversarial training."""

# B batch

from __future__ import annotations

from torch import Tensor

from seqspec.components.loss._adversarial import AdversarialLoss


class Hinge(AdversarialLoss):
    """A term for each image."""

    def critic(self, real_B: Tensor, generated_B: Tensor) -> Tensor:
        return (1 - real_B).relu() + (1 + generated_B).relu()

    def generator(self, generated_B: Tensor) -> Tensor:
        return -generated_B
