"""A linear layer whose bias is added into its product.

Torch's own on a CPU first copies the bias into every row of new memory and lets the product add to it, which
costs 3 % of a Transformer's step; memory that the product has just written is cheap to write again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Linear):
    """``x W^T + b``."""

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self.weight, self.bias)


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``functional.linear``, in fewer passes over memory on a CPU."""
    if bias is None or x.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.linear(x, weight, bias)
    return (x @ weight.t()).add_(bias)
