"""The first adversarial loss with its non-saturating generator."""

# B batch

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from seqspec.components.loss._adversarial import AdversarialLoss


class NonSaturating(AdversarialLoss):
    """``-log sigmoid`` is softplus of the negated score, which never overflows."""

    def critic(self, real_B: Tensor, generated_B: Tensor) -> Tensor:
        return functional.softplus(-real_B) + functional.softplus(generated_B)

    def generator(self, generated_B: Tensor) -> Tensor:
        return functional.softplus(-generated_B)
