"""Least squares of adversarial training."""

# B batch

from __future__ import annotations

from torch import Tensor

from seqspec.components.loss._adversarial import AdversarialLoss


class LeastSquares(AdversarialLoss):
    """A term for each image."""

    def critic(self, real_B: Tensor, generated_B: Tensor) -> Tensor:
        return (1 - real_B).square() + generated_B.square()

    def generator(self, generated_B: Tensor) -> Tensor:
        return (1 - generated_B).square()
